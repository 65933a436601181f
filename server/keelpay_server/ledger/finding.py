"""What an invariant check says: one finding for each invariant of the ledger.

In: faults, as they are met. Out: `Finding` rows. Invariant: a finding is ok only if nothing was found wrong, and it
says how much was looked at, so that a check of nothing cannot be taken for a good one.
"""

from enum import IntEnum
from typing import Final, NamedTuple

EXAMPLES_MAX: Final = 10
"""How many faults a finding describes; the others are counted."""


class Invariant(IntEnum):
    """The laws of one book. The number is the one they have in the ledger's documentation."""

    BALANCED = 1
    """Per currency debits equal credits, posted and pending; each balance is the sum of its legs."""
    FLOORED = 2
    """No floored account below zero, every hold within its bounds, pending amounts are what holds hold."""
    BOUNDED = 3
    """Refunds, pending included, within captured, captured within authorized."""
    EXPLAINED = 4
    """In-transit, fraud case and suspense accounts are the sums of their open items."""
    COVERED = 5
    """What we owe is covered by money at banks and what is owed to us."""
    CHAINED = 6
    """The sequence has no gap, every leg belongs to an event, every link fits the one before."""
    ACKNOWLEDGED = 7
    """Every acknowledged request exists exactly once."""
    AUTHORIZED = 8
    """Every debit of a payer's balance names a spent confirmation or mandate spend of that payer."""


class Finding(NamedTuple):
    """The result for one invariant."""

    invariant: Invariant
    ok: bool
    checked: int
    """How many accounts, events, payments or requests were looked at."""
    detail: str
    """Empty if ok; else the first faults, and how many more there are."""
    faults: int = 0
    """How many were found."""


class Tally:
    """Counts what was checked for one invariant, and keeps the first faults."""

    def __init__(self, invariant: Invariant) -> None:
        self.checked = 0
        self._invariant = invariant
        self._faults = 0
        self._examples: list[str] = []

    def fault(self, text: str) -> None:
        """Notes one thing that is wrong."""
        self._faults += 1
        if len(self._examples) < EXAMPLES_MAX:
            self._examples.append(text)

    def finding(self) -> Finding:
        """What was found so far."""
        detail = "; ".join(self._examples)
        if self._faults > EXAMPLES_MAX:
            detail += f"; and {self._faults - EXAMPLES_MAX} more"
        return Finding(self._invariant, not self._faults, self.checked, detail, self._faults)
