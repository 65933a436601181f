"""Resolving: what a break's line stands for in our books, which ways of settling fit it, and what each of them posts.

In: a break, the kind of its line, the accounts' owners. Out: legs. Pure. Invariant: after it, 1000 has moved by exactly
what the bank's statement says, and what is still missing is either in 6900 as a claim or our loss.
"""

from enum import Enum, auto
from typing import Final

from keelpay_server.book.rail import StatementLineKind
from keelpay_server.ledger.leg import Posting, linked
from keelpay_server.ledger.posting import bank as posting

from . import payout
from .disagreement import BreakKind, Disagreement, Resolution
from .matching import ASIDE, REFUND, TRANSFER

PAYMENT: Final = "pay"
_NOUNS: Final = frozenset({REFUND, TRANSFER, payout.KIND})
_MISSING: Final = frozenset({Resolution.CLAIM, Resolution.WRITE_OFF})
_NONE: Final[frozenset[Resolution]] = frozenset()


class Standing(Enum):
    """What a break's amount stands for in our books."""

    NOTHING = auto()
    """Nothing of ours: a line that is unknown, was told before, or is of an operation that the bank refused."""
    UNANSWERED = auto()
    """A line of an operation whose outcome is not known."""
    OUTCOME_UNKNOWN = auto()
    """An operation whose outcome is not known, and no line."""
    INCOMING = auto()
    """Money that was captured or topped up, awaited on 1010."""
    CHARGE = auto()
    """What the bank charged, taken off 1010."""
    OF_NOUN = auto()
    """A refund, withdrawal or payout that leaves or comes back: the noun knows where its money is, and posts it."""
    WAITING = auto()
    """A line that fits, for which our own account has too little yet; or that makes no sense."""


_RETURNABLE: Final = {
    Standing.NOTHING: frozenset({PAYMENT}),
    Standing.INCOMING: frozenset({PAYMENT, TRANSFER}),
    Standing.OF_NOUN: frozenset({REFUND, TRANSFER}),
}
"""Of which operations a surplus can go back to the payer: those that tell who that is."""


def standing(row: Disagreement, line: int | None) -> Standing:
    """Returns what a break's amount stands for.

    Args:
        row: The break.
        line: The StatementLineKind of its line, or None.
    """
    if row.kind == BreakKind.OPERATION_UNKNOWN:
        return Standing.OUTCOME_UNKNOWN
    if row.kind == BreakKind.CHANNEL:
        if row.ledger_amount is None:
            return Standing.UNANSWERED
        return Standing.WAITING if row.ledger_amount else Standing.NOTHING
    if row.kind in {BreakKind.BANK_ONLY, BreakKind.DUPLICATE} or not row.ledger_amount:
        return Standing.NOTHING
    if row.bank_amount and (row.bank_amount > 0) != (row.ledger_amount > 0):
        return Standing.WAITING
    if line == StatementLineKind.FEE:
        return Standing.CHARGE
    if row.subject_kind in _NOUNS and (row.channel_amount or 0) < 0:
        return Standing.OF_NOUN
    return Standing.INCOMING if row.ledger_amount > 0 else Standing.WAITING


def missing_minor(row: Disagreement, line: int | None) -> int:
    """Returns by how much the bank has less than we: above zero for a deficit, below for a surplus."""
    ours = 0 if standing(row, line) is Standing.NOTHING else row.ledger_amount or 0
    return ours - (row.bank_amount or 0)


def tells_outcome(row: Disagreement, line: int | None) -> bool:
    """Whether the line shows what became of the operation that it names, against the bank's answer or without one.

    A payout that was refused is not among them: its merchant has the money back, so what left is to be claimed.
    """
    if row.kind != BreakKind.CHANNEL or not row.operation or row.ledger_amount or line in ASIDE:
        return False
    return row.ledger_amount is None or row.subject_kind != payout.KIND


def by_operation(row: Disagreement) -> bool:
    """Whether a break is settled by what its operation's outcome does, which higher rooms know."""
    if row.kind == BreakKind.OPERATION_UNKNOWN:
        return True
    return row.kind == BreakKind.CHANNEL and row.resolution == Resolution.MATCH and row.claim is None


def allowed(row: Disagreement, line: int | None) -> frozenset[Resolution]:
    """Returns how a break may be settled.

    A deficit is claimed or lost; a surplus is a merchant's, a payer's, or pays an earlier claim (MATCH). A refund,
    withdrawal or payout that no statement shows did not happen, nor did an operation that nobody answers for. A line
    may be the answer to an operation that has none, or a better one (MATCH).
    """
    stands = standing(row, line)
    told = frozenset({Resolution.MATCH}) if tells_outcome(row, line) else _NONE
    if stands in {Standing.WAITING, Standing.UNANSWERED}:
        return told
    unshown = stands is Standing.OF_NOUN and row.bank_amount is None
    if unshown or stands is Standing.OUTCOME_UNKNOWN:
        return frozenset({Resolution.OPERATION_FAILED})
    missing = missing_minor(row, line)
    if not missing:
        return _NONE
    if missing > 0:
        return _MISSING | told
    ways = {Resolution.CREDIT_MERCHANT}
    if stands is Standing.NOTHING:
        ways.add(Resolution.MATCH)
    if row.subject_kind in _RETURNABLE.get(stands, ()):
        ways.add(Resolution.RETURN_TO_PAYER)
    return frozenset(ways)


def pays_claim(row: Disagreement, line: int | None) -> bool:
    """Whether a break's line may be the money that an earlier claim waits for."""
    return standing(row, line) is Standing.NOTHING and missing_minor(row, line) < 0


def post_resolution(
    row: Disagreement, line: int | None, *, bank: int, currency: int, merchant: int, window: int
) -> Posting:
    """Returns the legs of a break's resolution, without those of an operation, a noun or a payer's refund.

    Args:
        row: Proposed, with a resolution that `allowed` has.
        line: The StatementLineKind of its line, or None.
        bank: The bank's owner number.
        currency: The currency's number.
        merchant: The owner number of the merchant to credit, or 0.
        window: The open window, where a merchant is credited.
    """
    if row.resolution == Resolution.OPERATION_FAILED or by_operation(row):
        return Posting()
    missing, stands, ours = missing_minor(row, line), standing(row, line), row.ledger_amount or 0
    parts: list[Posting] = []
    if stands is Standing.INCOMING and row.bank_amount:
        parts.append(posting.receive(bank=bank, currency=currency, amount=min(row.bank_amount, ours)))
    if stands is Standing.CHARGE:
        parts.append(posting.charged(bank=bank, currency=currency, amount=-ours))
    if missing < 0:
        parts.append(posting.surplus(bank=bank, currency=currency, amount=-missing))
        if row.resolution == Resolution.CREDIT_MERCHANT:
            parts.append(
                posting.assign_surplus(bank=bank, merchant=merchant, window=window, currency=currency, amount=-missing)
            )
        return linked(*parts)
    if stands is Standing.INCOMING:
        parts.append(posting.deficit(bank=bank, currency=currency, amount=missing))
    else:
        parts.append(posting.sent_unexplained(bank=bank, currency=currency, amount=missing))
    if row.resolution == Resolution.WRITE_OFF:
        parts.append(posting.write_off(bank=bank, currency=currency, amount=missing))
    return linked(*parts)
