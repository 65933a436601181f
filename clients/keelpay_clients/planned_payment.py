"""PlannedPayment: one payment of a simulation, decided before anything is sent: who, where, how, and what follows.

Invariant: plain values; captures are in order and never above the amount, a refund never above what they take.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from .mixture import Way


class Obstacle(Enum):
    """Why the first instrument does not pay; the value is the sandbox bank's number of that story."""

    NO_MONEY = 1
    REFUSED = 8


class PlannedCapture(NamedTuple):
    """A capture that the merchant asks for."""

    time_s: int
    amount_minor: int
    final: bool


class PlannedRefund(NamedTuple):
    """A refund that the merchant asks for."""

    time_s: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPayment:
    """One payment.

    Attributes:
        number: Its place in the plan, from 0.
        time_s: When, in seconds since the first day began.
        customer: Who pays.
        merchant: Who is paid, by number from 0.
        amount_minor: How much.
        way: How.
        region: Where.
        under_mandate: Without a finger, by a mandate given before.
        captures: What the merchant captures itself; empty for a payment that is captured at once.
        refund: What goes back, or None.
        obstacle: Why the first instrument does not pay, or None.
        gives_up: The payer does not try another one.
        fraud: What turns out later.
    """

    number: int
    time_s: int
    customer: str
    merchant: int
    amount_minor: int
    way: Way
    region: str
    under_mandate: bool = False
    captures: tuple[PlannedCapture, ...] = ()
    refund: PlannedRefund | None = None
    obstacle: Obstacle | None = None
    gives_up: bool = False
    fraud: bool = False

    @property
    def captured_minor(self) -> int:
        """What will have been captured in the end."""
        return sum(each.amount_minor for each in self.captures) if self.captures else self.amount_minor
