"""Settlement: what one merchant got out of one window, and why it is exactly that.

In: what the legs on the merchant's account of a window come to. Out: its figures and the settlement.
Invariant: the lines add up to the net, to the last minor unit, and the lines are sums of legs.
"""

import json
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from keelpay_server.book import ids
from keelpay_server.book.changes import Event
from keelpay_server.book.need import Need
from keelpay_server.book.ports import Turnover
from keelpay_server.book.world import World
from keelpay_server.ledger.leg import LegCode

KIND: Final = "set"


class LineKind(IntEnum):
    """What a line sums up, numbered as in the contract."""

    CAPTURE = 1
    PROMOTION = 2
    FEE = 3
    FEE_RETURN = 4
    REFUND = 5
    REFUND_RETURN = 6
    DISPUTE = 7
    ADJUSTMENT = 8
    REPAYMENT = 9
    RESERVED = 10


class Line(NamedTuple):
    """All legs of one kind: how many, and their signed sum in minor units."""

    kind: LineKind
    leg_count: int
    amount: int


_CREDITED: Final = {
    LegCode.PAY: LineKind.CAPTURE,
    LegCode.CAPTURE: LineKind.CAPTURE,
    LegCode.PROMOTION: LineKind.PROMOTION,
    LegCode.REFUND_FAILED: LineKind.REFUND_RETURN,
}
_DEBITED: Final = {
    LegCode.FEE: LineKind.FEE,
    LegCode.REFUND: LineKind.REFUND,
    LegCode.REPAY: LineKind.REPAYMENT,
}


class Settlement(NamedTuple):
    """One settlement. Amounts are minor units.

    Attributes:
        id: Its key: window and merchant in one (`settlement_key`).
        merchant: Whose it is.
        window: Number of the window.
        currency: Of the amounts.
        gross: Captures and promotions.
        fees: Our fees, given-back ones taken off.
        refunds: Refunds out of the window, returned ones taken off.
        reserved: Reserved by refunds under way: it settles when they resolve.
        repaid: What the merchant owed us, taken first.
        net: What became available.
        lines: JSON rows of (kind, count, amount).
        through_sequence: The last event it takes in.
        payout: The payout made of it, or None.
        state_version: Counts its changes.
        due_time: Business clock: T+1.
        settle_time: Business clock.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    merchant: str
    window: int
    currency: str
    gross: int
    fees: int
    refunds: int
    reserved: int
    repaid: int
    net: int
    lines: str
    through_sequence: int
    payout: bytes | None
    state_version: int
    due_time: int
    settle_time: int
    create_time: int
    update_time: int


def settlement_key(book: int, window: int, owner: int) -> bytes:
    """Returns the key of the settlement of a merchant (by its owner number) in a window: one for ever."""
    return ids.first_id(window * 1000, book, owner).to_bytes(16, "big")


def settled_needs(need: Need, owner: int, window: int) -> None:
    """Asks whether a merchant's money of a window has been settled."""
    need.row(Settlement, settlement_key(need.world.book, window, owner))


def is_settled(world: World, owner: int, window: int) -> bool:
    """Returns whether a merchant's money of a window has been settled: what comes free on it now settles at once."""
    return world.get(Settlement, settlement_key(world.book, window, owner)) is not None


def lines_of(turnovers: Iterable[Turnover], reserved: int) -> tuple[Line, ...]:
    """Returns the lines of one account's legs, in the order of their kinds; what settling itself moved is left out.

    Args:
        turnovers: Of the account.
        reserved: What refunds hold on it.
    """
    sums: dict[LineKind, list[int]] = {}
    for row in turnovers:
        for kinds, count, amount in (
            (_CREDITED, row.credit_count, row.credits),
            (_DEBITED, row.debit_count, -row.debits),
        ):
            if count and not (row.code == LegCode.SETTLE and amount < 0):
                kind = kinds.get(LegCode(row.code), LineKind.ADJUSTMENT)
                total = sums.setdefault(kind, [0, 0])
                total[0] += count
                total[1] += amount
    if reserved:
        sums[LineKind.RESERVED] = [0, -reserved]
    return tuple(Line(kind, *sums[kind]) for kind in sorted(sums))


def total(lines: Iterable[Line], *kinds: LineKind) -> int:
    """Returns the signed sum of the lines of some kinds; of all lines if none is named."""
    return sum(line.amount for line in lines if not kinds or line.kind in kinds)


def with_repayment(lines: tuple[Line, ...], owed: int) -> tuple[Line, ...]:
    """Returns the lines with what the merchant repays first, as far as its free money goes."""
    repaid = min(max(total(lines), 0), owed)
    if not repaid:
        return lines
    return tuple(sorted((*lines, Line(LineKind.REPAYMENT, 1, -repaid))))


def write_lines(lines: Iterable[Line]) -> str:
    """Returns the lines as they are stored."""
    return json.dumps([[int(line.kind), line.leg_count, line.amount] for line in lines], separators=(",", ":"))


def read_lines(text: str) -> tuple[Line, ...]:
    """Reads stored lines."""
    return tuple(Line(LineKind(kind), count, amount) for kind, count, amount in json.loads(text))


def event_of(settlement: Settlement, what: str) -> Event:
    """Returns the event of a settlement's step, such as `settlement.created`."""
    data = {
        "window": settlement.window, "currency": settlement.currency, "gross": settlement.gross,
        "fees": settlement.fees, "refunds": settlement.refunds, "reserved": settlement.reserved,
        "repaid": settlement.repaid, "net": settlement.net, "due_time": settlement.due_time,
        "settle_time": settlement.settle_time,
    }  # fmt: skip
    return Event(f"settlement.{what}", KIND, settlement.id, settlement.state_version, settlement.merchant, data)
