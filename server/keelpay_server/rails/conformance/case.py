"""What a conformance case is, and the list of all of them.

In: async functions with `@case`. Out: numbered cases. Invariant: a number names one rule for ever; numbers of dropped
cases are not used again, since partners' reports refer to them.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, NamedTuple

from .grpc_subject import Subject

CaseFunction = Callable[[Subject], Awaitable[None]]


class Verdict(Enum):
    """What came of a case."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"


class Case(NamedTuple):
    """One rule and how it is tried. `number` orders the cases; statements come last."""

    number: int
    name: str
    function: CaseFunction


class BrokenRuleError(Exception):
    """The bank broke the rule that the case tries."""


class NotTriedError(Exception):
    """The case cannot be tried on this bank; the message says why."""


CASES: Final[dict[int, Case]] = {}


def case(number: int, name: str) -> Callable[[CaseFunction], CaseFunction]:
    """Adds a function to the cases."""

    def add(function: CaseFunction) -> CaseFunction:
        assert number not in CASES, f"two cases have the number {number}"
        CASES[number] = Case(number, name, function)
        return function

    return add


def expect(holds: bool, message: str) -> None:
    """Ends the case as FAILED where something does not hold.

    Raises:
        BrokenRuleError: It does not hold.
    """
    if not holds:
        raise BrokenRuleError(message)
