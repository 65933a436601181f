"""What an evidence file says, in sentences: who was shown what, when, and how it was confirmed.

In: a report on a file. Out: sentences in English. Invariant: every figure is the one that was signed; amounts are
written with exactly the digits of their currency, as the payer read them.
"""

from datetime import UTC, datetime

from keelpay_server.book.times import SECOND_US
from keelpay_server.ledger.currency import CurrencyError, currency

from .evidence import EvidenceReport
from .spc import decimal_text
from .terms import (
    ConfirmationMethod,
    MandateTerms,
    PasskeyAddTerms,
    PaymentTerms,
    RecoveryVetoTerms,
    Terms,
    WithdrawalTerms,
)

BALANCE_ID = "balance"


def evidence_sentences(report: EvidenceReport) -> list[str]:
    """Returns what a valid report says, or why it says nothing."""
    if not report.valid or report.terms is None or report.verified is None:
        return [f"Nothing is proven: {report.failure}: {report.detail}".rstrip(": ")]
    terms, verified = report.terms, report.verified
    shown = [f"{terms.payer_id} was shown: {_what(terms)}"]
    if verified.method is ConfirmationMethod.SPC:
        shown.append("The browser itself showed payee, amount and instrument (Secure Payment Confirmation).")
    else:
        shown.append("The page or app showed it; the signed challenge is the hash of exactly these terms.")
    place = f" inside {verified.top_origin}" if verified.top_origin else ""
    shown.append(
        f"It was asked at {moment(report.started_at_us)} and confirmed by {moment(report.verified_at_us)} at"
        f" {verified.origin}{place}, with a passkey whose user was verified (finger, face or the device's PIN)."
    )
    if verified.backup_state:
        shown.append("The passkey was synced between devices of the person.")
    if verified.browser_bound_key is not None:
        shown.append("A key of the browser itself signed, too.")
    return shown


def amount_text(amount_minor: int, code: str) -> str:
    """Returns an amount as people read it; minor units where the currency is not known here."""
    try:
        return f"{code} {decimal_text(amount_minor, currency(code).exponent)}"
    except CurrencyError:
        return f"{amount_minor} minor units of {code}"


def moment(time_us: int) -> str:
    """Returns a time in UTC, to the second."""
    return datetime.fromtimestamp(time_us // SECOND_US, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _what(terms: Terms) -> str:
    match terms:
        case PaymentTerms():
            return (
                f"pay {amount_text(terms.amount_minor, terms.currency)} to {terms.payee_name} ({terms.payee_id}) from"
                f" {_source(terms.instrument_display, terms.instrument_id)}, for {terms.payment_id}."
            )
        case MandateTerms():
            total = terms.total_max_minor
            life = f", at most {amount_text(total, terms.currency)} in all" if total else ""
            return (
                f"allow {terms.payee_name} ({terms.payee_id}) payments of at most"
                f" {amount_text(terms.payment_max_minor, terms.currency)} each, at most"
                f" {amount_text(terms.day_max_minor, terms.currency)} a day in {terms.day_zone}{life}, until"
                f" {moment(terms.valid_until_s * SECOND_US)}, from"
                f" {_source(terms.instrument_display, terms.instrument_id)}, as {terms.mandate_id}."
            )
        case WithdrawalTerms():
            return (
                f"withdraw {amount_text(terms.amount_minor, terms.currency)} from the balance to"
                f" {_source(terms.instrument_display, terms.instrument_id)}."
            )
        case PasskeyAddTerms():
            return f"add the passkey “{terms.passkey_display}” by {terms.registration_id}."
        case RecoveryVetoTerms():
            return f"stop the recovery that made the passkey “{terms.passkey_display}” ({terms.passkey_id})."


def _source(display: str, name: str) -> str:
    return display if name == BALANCE_ID else f"{display} ({name})"
