"""Transaction: somebody pays somebody something at some time; what every source of traffic yields.

Invariant: plain values; amounts are minor units, times count from the midnight that begins the first day.
"""

from typing import Final, NamedTuple

DAY_S: Final = 86_400
HOUR_S: Final = 3_600


class Transaction(NamedTuple):
    """One transaction.

    Attributes:
        time_s: Seconds since the first day began.
        customer: Who pays; any text.
        terminal: Where; any text.
        amount_minor: How much, at least 1.
        fraud: What turned out later. It is shown to reviewers of the simulation, never to the server.
    """

    time_s: int
    customer: str
    terminal: str
    amount_minor: int
    fraud: bool = False
