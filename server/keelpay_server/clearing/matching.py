"""Matching: what a line of a statement must be, given the channel's record it names, and what it posts.

In: a line and a record. Out: why they do not match, or the posting that moves 1000. Pure.
Invariant: nothing is posted for a line unless kind, bank, currency, direction and amount all agree.
"""

from typing import NamedTuple

from keelpay_server.book.bank import Bank
from keelpay_server.book.rail import OperationKind, StatementLineKind
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.leg import LegCode, Posting, leg
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import refund as refund_posting

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
    if kind is StatementLineKind.PAYOUT_RETURN and record.subject_kind != payout.KIND:
        return Mismatch(BreakKind.BANK_ONLY, "what came back is no payout of a merchant")
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


def post(line: BankLine, bank: Bank, subject_kind: str) -> Posting:
    """Returns what a matched line posts, for everything but payouts of merchants, which know their own money.

    Args:
        line: Matched.
        bank: Its bank.
        subject_kind: What its operation was asked for; a refund may leave as a payment to another account.
    """
    currency, amount = parse(bank.reserve(line.currency)).currency, abs(line.amount)
    match StatementLineKind(line.kind):
        case StatementLineKind.CAPTURE_SETTLEMENT:
            return bank_posting.receive(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.TOP_UP:
            return bank_posting.capital(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.REFUND | StatementLineKind.PAYOUT if subject_kind == REFUND:
            return refund_posting.sent(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.FEE:
            return bank_posting.charged(bank=bank.number, currency=currency, amount=amount)
        case StatementLineKind.PAYOUT:
            accounts = bank.payout_transit(line.currency), bank.reserve(line.currency)
            return Posting((leg(*accounts, amount, LegCode.WITHDRAW_SENT),))
        case other:
            raise ValueError(f"a line of kind {other.name} posts nothing by itself")
