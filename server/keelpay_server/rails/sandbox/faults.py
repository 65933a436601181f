"""How often calls to the sandbox bank go wrong, and which one is next.

In: a plan with a seed. Out: a fate a call. Invariant: the same plan and the same order of calls give the same fates.
"""

from enum import Enum
from random import Random
from typing import Final, NamedTuple

from keelpay_server.book.rail import OperationOutcome, OperationResult

_PERMILLE: Final = 1000
_LATE_S_MAX: Final = 3600


class Fate(Enum):
    """What befalls one call."""

    NONE = "none"
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    REPLY_LATE = "reply_late"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    CONTRADICTORY = "contradictory"


class FaultPlan(NamedTuple):
    """Chances in thousandths; together at most 1000. `late_s` is how late a late reply is, in seconds."""

    seed: int = 0
    request_lost: int = 0
    reply_lost: int = 0
    reply_late: int = 0
    doubled: int = 0
    reordered: int = 0
    contradictory: int = 0
    late_s: float = 3.0


class FaultDice:
    """Draws fates by a plan.

    Raises:
        ValueError: The chances are below zero or more than 1000 together, or `late_s` is not 0 to 3600.
    """

    def __init__(self, plan: FaultPlan) -> None:
        chances = plan[1:7]
        if min(chances) < 0 or sum(chances) > _PERMILLE:
            raise ValueError("the chances of all faults together must be 0 to 1000")
        if not 0 <= plan.late_s <= _LATE_S_MAX:
            raise ValueError(f"a late reply is 0 to {_LATE_S_MAX} seconds late")
        self.plan = plan
        self._random = Random(plan.seed)
        self._fates = tuple(zip(list(Fate)[1:], chances, strict=True))
        self._quiet = not any(chances)

    def next_fate(self) -> Fate:
        """Returns what befalls the next call."""
        if self._quiet:
            return Fate.NONE
        draw = self._random.randrange(_PERMILLE)
        for fate, chance in self._fates:
            if draw < chance:
                return fate
            draw -= chance
        return Fate.NONE

    def shuffle(self, results: list[OperationResult]) -> None:
        """Brings results into another order, in place."""
        self._random.shuffle(results)


def contradict(result: OperationResult) -> OperationResult:
    """Returns the lie told of a success; other results as they are."""
    if result.outcome is not OperationOutcome.SUCCEEDED:
        return result
    failed = OperationOutcome.FAILED
    return OperationResult(result.key, failed, "PROCESSING_ERROR", result.bank_reference, bank_us=result.bank_us)
