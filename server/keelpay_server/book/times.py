"""Lengths of time in microseconds, the unit of every clock and every stored time here.

In: nothing. Out: constants. Invariant: a business day is not always DAY_US long; calendars know, this file does not.
"""

from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
