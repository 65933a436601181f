"""The sandbox bank's clock: the machine's time plus what a test added, and the business day that is open.

In: the machine's clock, pushes. Out: the bank's time and day. Invariant: it never goes back while the bank runs; a day
begins at midnight of the bank's own place, and opens when the one before is closed, not before.
"""

from collections.abc import Callable
from datetime import date
from typing import Final

from keelpay_server.book.times import DAY_US, MINUTE_US

from .store import BankStore

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class BankClock:
    """One bank's clock, kept in its store.

    Args:
        store: Where it is kept.
        machine: Microseconds since the epoch.
        utc_offset_minutes: How far east of UTC the bank is.
    """

    def __init__(self, store: BankStore, machine: Callable[[], int], utc_offset_minutes: int) -> None:
        self._store, self._machine, self._east_us = store, machine, utc_offset_minutes * MINUTE_US
        self._latest_us = 0
        saved = store.clock()
        self._offset_us, self.day = saved or (0, _EPOCH_DAY + (machine() + self._east_us) // DAY_US)
        if saved is None:
            with store.transaction():
                self.save()

    @property
    def now_us(self) -> int:
        """The bank's time."""
        self._latest_us = max(self._latest_us, self._machine() + self._offset_us)
        return self._latest_us

    def start_of(self, day: int) -> int:
        """Returns when a day, given by its ordinal, begins."""
        return (day - _EPOCH_DAY) * DAY_US - self._east_us

    def push(self, by_us: int) -> None:
        """Moves the time forward; kept by the next `save`."""
        self._offset_us += by_us

    def next_day(self) -> None:
        """Opens the day after the open one."""
        self.day += 1
        self.save()

    def save(self) -> None:
        """Writes the clock, in the transaction that is open."""
        self._store.set_clock(self._offset_us, self.day)
