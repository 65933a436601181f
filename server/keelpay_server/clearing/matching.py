"""Matching: what a line of a statement must be, given the channel's record it names, and what it posts.

In: a line and a record. Out: why they do not match, or the posting that moves 1000. Pure.
Invariant: nothing is posted for a line unless kind, bank, currency, direction and amount all agree.
"""

from typing import Final, NamedTuple

from keelpay_server.book.bank import Bank
from keelpay_server.book.rail import OperationKind, StatementLineKind
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.leg import Posting
from keelpay_server.ledger.posting import bank as bank_posting

from . import payout
from .bank_statement import BankLine
from .channel import ChannelRecord
from .disagreement import BreakKind

REFUND, TRANSFER = "ref", "trf"
"""What operations may be asked for, besides payments (`pay`) and payouts (`po`)."""
_ASKED = {
    StatementLineKind.CAPTURE_SETTLEMENT: frozenset({OperationKind.AUTHORIZE, OperationKind.CAPTURE}),
    StatementLineKind.FEE: frozenset(OperationKind),
    StatementLineKind.REFUND: frozenset({OperationKind.REFUND}),
    StatementLineKind.PAYOUT: frozenset({OperationKind.PAY}),
    StatementLineKind.PAYOUT_RETURN: frozenset({OperationKind.PAY}),
}
"""Which operations a line of a kind may be the trace of."""


ASIDE: Final = frozenset({StatementLineKind.FEE, StatementLineKind.PAYOUT_RETURN})
"""Lines that come beside an operation's own: they do not show that its money has moved."""
MOVES: Final = frozenset({StatementLineKind.REFUND, StatementLineKind.PAYOUT, StatementLineKind.PAYOUT_RETURN})
"""Lines that show money of a refund, withdrawal or payout leaving or coming back."""


class Mismatch(NamedTuple):
    """Why a line does not match."""

    kind: BreakKind
    comment: str


def mismatch(line: BankLine, record: ChannelRecord | None) -> Mismatch | None:
    """Returns why nothing of ours explains a line, or None if the record does."""
    kind = StatementLineKind(line.kind)
    if kind is StatementLineKind.TOP_UP and not line.operation and line.amount > 0:
        return None
    if record is None:
        return Mismatch(BreakKind.BANK_ONLY, "no operation of ours has this line")
    if record.bank != line.bank or record.currency != line.currency or record.kind not in _ASKED.get(kind, ()):
        return Mismatch(BreakKind.BANK_ONLY, "the operation it names is of another kind, bank or currency")
    if not record.resolved:
        return Mismatch(BreakKind.CHANNEL, "the bank's statement has it, its answer to us is not known yet")
    if record.subject_kind == payout.KIND:
        record = record._replace(succeeded=True)  # one that came back was carried out all the same: its state decides
    if not record.succeeded:
        return Mismatch(BreakKind.CHANNEL, "the bank's statement has it, its answer to us was no")
    if line.amount not in expected(kind, record):
        return Mismatch(BreakKind.AMOUNT, "the bank's statement and the operation have different amounts")
    return None


def expected(kind: StatementLineKind, record: ChannelRecord) -> tuple[int, ...]:
    """Returns the amounts that a line of a kind may have; a capture comes with its charge taken off, or without."""
    if kind is StatementLineKind.CAPTURE_SETTLEMENT:
        return (record.movement, record.movement - record.cost)
    if kind is StatementLineKind.FEE:
        return (-record.cost,) if record.cost else ()
    if kind is StatementLineKind.PAYOUT_RETURN:
        return (-record.movement,)
    return (record.movement,)


def noun_posts(line: BankLine, record: ChannelRecord | None) -> bool:
    """Whether the noun that the operation was asked for posts the line itself, as it alone knows where its money is."""
    return record is not None and record.subject_kind in {REFUND, TRANSFER} and line.kind in MOVES


def post(line: BankLine, bank: Bank) -> Posting:
    """Returns what a matched line posts, for everything but money of nouns that know it themselves.

    Args:
        line: Matched.
        bank: Its bank.
    """
    currency, amount = parse(bank.reserve(line.currency)).currency, abs(line.amount)
    match StatementLineKind(line.kind):
        case StatementLineKind.CAPTURE_SETTLEMENT:
            return bank_posting.receive(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.TOP_UP:
            return bank_posting.capital(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.FEE:
            return bank_posting.charged(bank=bank.number, currency=currency, amount=amount)
        case other:
            raise ValueError(f"a line of kind {other.name} posts nothing by itself")
