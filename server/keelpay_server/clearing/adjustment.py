"""Adjustment: legs that correct the ledger, proposed by one operator and posted when a second one approves.

In: legs asked for. Out: the adjustment, and its legs once approved. Invariant: all legs or none, of existing accounts,
never out of a payer's balance, never through a bank's reserve, which only statements move, and never in a merchant's
window that has settled, where money would rest for ever.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, NamedTuple

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.refusal import invalid, refuse_transition
from keelpay_server.book.world import World
from keelpay_server.ledger.account import AccountError, currency_number, parse
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.leg import Leg, LegCode, leg

from .settlement import is_settled, settled_needs

KIND: Final = "adj"
_CLOSED: Final = frozenset(
    {Chart.BANK_RESERVE, Chart.PAYER_BALANCE, Chart.PAYER_FROZEN, Chart.PAYOUT_TRANSIT, Chart.REFUND_TRANSIT}
)
"""Accounts that no adjustment touches: each of their amounts is explained by a line, a payer's word or an open item.
A payer's balance may be credited."""


class AdjustmentState(IntEnum):
    """Life of an adjustment."""

    PROPOSED = 1
    POSTED = 2
    DROPPED = 3


TRANSITIONS: Final[dict[AdjustmentState, frozenset[AdjustmentState]]] = {
    AdjustmentState.PROPOSED: frozenset({AdjustmentState.POSTED, AdjustmentState.DROPPED}),
    AdjustmentState.POSTED: frozenset(),
    AdjustmentState.DROPPED: frozenset(),
}


class Adjustment(NamedTuple):
    """One adjustment.

    Attributes:
        id: Its key.
        state: An AdjustmentState.
        state_version: Counts its changes.
        legs: JSON rows of (debit, credit, amount).
        comment: Why.
        proposal: What a second operator decides on.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    state: int
    state_version: int
    legs: str
    comment: str
    proposal: bytes
    create_time: int
    update_time: int


def check_leg(debit: int, credit: int, at: int) -> None:
    """Refuses a leg that an adjustment may not have.

    Raises:
        Refused: FIELD_INVALID naming the leg.
    """
    try:
        debited, credited = parse(debit).chart, parse(credit).chart
    except AccountError:
        invalid(f"legs[{at}]", "one of its accounts has a number that no account can have")
    if debit == credit or currency_number(debit) != currency_number(credit):
        invalid(f"legs[{at}]", "a leg joins two accounts of one currency")
    if debited in _CLOSED or credited in _CLOSED - {Chart.PAYER_BALANCE}:
        invalid(f"legs[{at}]", "it moves neither a bank's reserve, nor money in transit, nor out of a balance")


def _windows(legs: Sequence[Sequence[int]]) -> Iterable[tuple[int, int, int]]:
    """Yields what legs touch of merchants' windows: the leg's place, the merchant's number, the window's."""
    for at, (debit, credit, *_) in enumerate(legs):
        for account in map(parse, (debit, credit)):
            if account.chart is Chart.MERCHANT_UNSETTLED:
                yield at, account.owner, account.window


def _windows_need(need: Need, legs: Sequence[Sequence[int]]) -> None:
    for _, owner, window in _windows(legs):
        settled_needs(need, owner, window)


def _check_windows(world: World, legs: Sequence[Sequence[int]]) -> None:
    """Refuses legs in a window that has settled.

    Raises:
        Refused: FIELD_INVALID naming the leg.
    """
    for at, owner, window in _windows(legs):
        if is_settled(world, owner, window):
            invalid(f"legs[{at}]", "the merchant's window has settled: its money is available by now")


def legs_of(row: Adjustment) -> tuple[Leg, ...]:
    """Returns the legs of an adjustment."""
    return tuple(leg(debit, credit, amount, LegCode.ADJUSTMENT) for debit, credit, amount in json.loads(row.legs))


def move(row: Adjustment, to: AdjustmentState, wall_us: int) -> Adjustment:
    """Returns the adjustment in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[AdjustmentState(row.state)]:
        refuse_transition("adjustment", AdjustmentState(row.state).name, to.name)
    return row._replace(state=to, state_version=row.state_version + 1, update_time=wall_us)


def event_of(row: Adjustment) -> Event:
    """Returns the event of an adjustment's step, such as `adjustment.posted`."""
    data = {"proposal": row.proposal}
    return Event(f"adjustment.{AdjustmentState(row.state).name.lower()}", KIND, row.id, row.state_version, "", data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeAdjustment(Command):
    """Proposes legs.

    Attributes:
        legs: (debit, credit, amount), checked by `check_leg`.
        comment: Why.
    """

    legs: tuple[tuple[int, int, int], ...]
    comment: str
    emits: ClassVar[str] = "adjustment.proposed"

    def needs(self, need: Need) -> None:
        """Asks whether the windows it touches have settled."""
        _windows_need(need, self.legs)

    def decide(self, world: World) -> Changes:
        """Notes it, with the key of the proposal that the reaction stores.

        Raises:
            Refused: FIELD_INVALID.
        """
        _check_windows(world, self.legs)
        row = Adjustment(
            id=world.new_id(), state=AdjustmentState.PROPOSED, state_version=1, legs=json.dumps(self.legs),
            comment=self.comment, proposal=world.new_id(), create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(row, events=(event_of(row),))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAdjustment(Command):
    """Posts an adjustment: the act that a second operator approves."""

    adjustment: bytes
    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """Asks for the adjustment, the room on its accounts, and whether the windows it touches have settled."""
        row = need.row(Adjustment, self.adjustment)
        if row is not None:
            _windows_need(need, legs_of(row))
            for debit, credit, _, _ in legs_of(row):
                need.account(debit)
                need.account(credit)

    def decide(self, world: World) -> Changes:
        """Posts all of its legs.

        Raises:
            Refused: ILLEGAL_TRANSITION, FIELD_INVALID, INSUFFICIENT_FUNDS.
        """
        row = move(world.require(Adjustment, self.adjustment), AdjustmentState.POSTED, world.wall_us)
        _check_windows(world, legs_of(row))
        return Changes(row, legs=legs_of(row), events=(event_of(row),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropAdjustment(Command):
    """Ends an adjustment whose proposal was rejected or expired."""

    adjustment: bytes

    def needs(self, need: Need) -> None:
        """Asks for the adjustment."""
        need.row(Adjustment, self.adjustment)

    def decide(self, world: World) -> Changes:
        """Ends it.

        Raises:
            Refused: ILLEGAL_TRANSITION.
        """
        row = move(world.require(Adjustment, self.adjustment), AdjustmentState.DROPPED, world.wall_us)
        return Changes(row, events=(event_of(row),))
