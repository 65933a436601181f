"""Resolving: which ways of settling fit a break, and what each of them posts.

In: a break and the accounts' owners. Out: legs. Pure. Invariant: after it, 1000 has moved by exactly what the bank's
statement says, and what is still missing is either in 6900 as a claim or our loss.
"""

from typing import Final

from keelpay_server.ledger.leg import Posting, linked
from keelpay_server.ledger.posting import bank as posting

from .disagreement import BreakKind, Disagreement, Resolution
from .matching import REFUND, TRANSFER

_MISSING: Final = frozenset({Resolution.CLAIM, Resolution.WRITE_OFF})
_NONE: Final[frozenset[Resolution]] = frozenset()


def missing_minor(row: Disagreement) -> int:
    """Returns by how much the bank has less than we: above zero for a deficit, below for a surplus."""
    ours = 0 if _is_extra(row) else row.ledger_amount or 0
    return ours - (row.bank_amount or 0)


def _is_extra(row: Disagreement) -> bool:
    """Whether the line stands for nothing of ours: unknown, told before, or of an operation that the bank refused."""
    if row.kind == BreakKind.CHANNEL:
        return row.ledger_amount == 0
    return row.kind in {BreakKind.BANK_ONLY, BreakKind.DUPLICATE}


def is_outgoing(row: Disagreement) -> bool:
    """Whether it is about a refund or withdrawal, which itself knows where its money is: higher rooms post its part."""
    noun = row.subject_kind in {REFUND, TRANSFER} and row.kind in {BreakKind.AMOUNT, BreakKind.LEDGER_ONLY}
    return noun and (row.ledger_amount or 0) < 0


def allowed(row: Disagreement) -> frozenset[Resolution]:
    """Returns how a break may be settled.

    A deficit is claimed or lost; a surplus is a merchant's, or pays an earlier claim (MATCH). A refund or withdrawal
    that no statement shows did not happen: its payer gets it another way. An answer that is not known yet waits for the
    bank.
    """
    missing = missing_minor(row)
    if not missing:
        return _NONE
    if _is_extra(row):
        return _MISSING if missing > 0 else frozenset({Resolution.CREDIT_MERCHANT, Resolution.MATCH})
    if is_outgoing(row):
        if row.bank_amount is None:
            return frozenset({Resolution.OPERATION_FAILED})
        if row.bank_amount > 0:
            return _NONE
        return _MISSING if missing > 0 else frozenset({Resolution.CREDIT_MERCHANT})
    if row.kind in {BreakKind.AMOUNT, BreakKind.LEDGER_ONLY} and (row.ledger_amount or 0) > 0:
        if (row.bank_amount or 0) < 0:
            return _NONE
        return _MISSING if missing > 0 else frozenset({Resolution.CREDIT_MERCHANT})
    return _NONE


def post_resolution(row: Disagreement, *, bank: int, currency: int, merchant: int, window: int) -> Posting:
    """Returns the legs of a break's resolution, without those of an outgoing operation itself.

    Args:
        row: Proposed, with a resolution that `allowed` has.
        bank: The bank's owner number.
        currency: The currency's number.
        merchant: The owner number of the merchant to credit, or 0.
        window: The open window, where a merchant is credited.
    """
    if row.resolution == Resolution.OPERATION_FAILED:
        return Posting()
    missing = missing_minor(row)
    expected = row.kind in {BreakKind.AMOUNT, BreakKind.LEDGER_ONLY} and not is_outgoing(row)
    parts: list[Posting] = []
    if expected and row.bank_amount:
        received = min(row.bank_amount, row.ledger_amount or 0)
        parts.append(posting.receive(bank=bank, currency=currency, amount=received))
    if missing < 0:
        parts.append(posting.surplus(bank=bank, currency=currency, amount=-missing))
        if row.resolution == Resolution.CREDIT_MERCHANT:
            parts.append(
                posting.assign_surplus(bank=bank, merchant=merchant, window=window, currency=currency, amount=-missing)
            )
        return linked(*parts)
    if expected:
        parts.append(posting.deficit(bank=bank, currency=currency, amount=missing))
    else:
        parts.append(posting.sent_unexplained(bank=bank, currency=currency, amount=missing))
    if row.resolution == Resolution.WRITE_OFF:
        parts.append(posting.write_off(bank=bank, currency=currency, amount=missing))
    return linked(*parts)
