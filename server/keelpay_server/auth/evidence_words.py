"""What an evidence file says, in sentences: who was shown what, when, and how it was confirmed.

In: a report on a file. Out: sentences in English, the outcome first. Invariant: every figure is the one that was
signed; amounts are written with exactly the digits of their currency, as the payer read them; a name in the file writes
no line of its own and turns none round.
"""

from datetime import UTC, datetime

from keelpay_server.book.readable import written_out
from keelpay_server.book.reasons import Reason
from keelpay_server.book.times import SECOND_US
from keelpay_server.ledger.money import amount_text

from .evidence_report import EvidenceReport
from .terms import (
    ConfirmationMethod,
    MandateTerms,
    PasskeyAddTerms,
    PasskeyResumeTerms,
    PaymentTerms,
    RecoveryVetoTerms,
    Terms,
    WithdrawalTerms,
)

BALANCE_ID = "balance"


def evidence_sentences(report: EvidenceReport) -> list[str]:
    """Returns what a genuine file says, or why it says nothing."""
    return [written_out(sentence) for sentence in _sentences(report)]


def verdict(report: EvidenceReport) -> str:
    """Returns what became of it, in one sentence: accepted, refused, or nothing that can be believed."""
    outcome = report.outcome
    if not report.genuine or outcome is None:
        return written_out(f"✗ NOT valid, {report.failure}: {report.detail}")
    when = moment(outcome.decided_at_us)
    if outcome.accepted:
        return f"✓ ACCEPTED on {when}: the passkey signed exactly these terms, and the act was allowed"
    return written_out(
        f"✗ REFUSED on {when}: the signature is genuine, and the act was refused: {_why(outcome.reason)}"
    )


def seal_sentence(report: EvidenceReport) -> str:
    """Returns whose word the outcome is, as far as that was checked."""
    if report.seal_known:
        return f"Sealed by {report.seal_key}, which is among the installation's keys that you gave."
    return (
        f"Sealed by {report.seal_key}, the key that the payer's signature names. Whose key that is was not checked:"
        " whoever holds the passkey could have made the whole file. Give the installation's keys with --jwks."
    )


def _why(reason: str) -> str:
    known = Reason.__members__.get(reason)
    return reason if known is None else f"{reason} ({known.en.rstrip('.')})"


def _sentences(report: EvidenceReport) -> list[str]:
    if not report.genuine or report.terms is None or report.verified is None:
        return ["Nothing is proven by it. Compare it with the file as it was kept: GetConfirmation tells it again."]
    terms, verified = report.terms, report.verified
    shown = [f"{terms.payer_id} was shown: {_what(terms)}"]
    if verified.method is ConfirmationMethod.SPC:
        shown.append("The browser itself showed payee, amount and instrument (Secure Payment Confirmation).")
    else:
        shown.append("The page or app showed it; the signed challenge is the hash of exactly these terms.")
    place = f" inside {verified.top_origin}" if verified.top_origin else ""
    shown.append(
        f"It was asked at {moment(report.started_at_us)} and signed by {moment(report.verified_at_us)} at"
        f" {verified.origin}{place}, with a passkey whose user was verified (finger, face or the device's PIN)."
    )
    if verified.backup_state:
        shown.append("The passkey was synced between devices of the person.")
    if verified.browser_bound_key is not None:
        known = "a known one" if verified.browser_bound else "one not seen with this passkey before"
        shown.append(f"A key of the browser itself signed, too: {known}.")
    if verified.counter_regressed:
        shown.append("The passkey's counter had gone back: it may have been copied.")
    shown.append(seal_sentence(report))
    return shown


def moment(time_us: int) -> str:
    """Returns a time in UTC, to the second; one beyond every calendar as its number."""
    try:
        return datetime.fromtimestamp(time_us // SECOND_US, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time_us} µs"


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
        case PasskeyResumeTerms():
            return f"let the suspended passkey “{terms.passkey_display}” ({terms.passkey_id}) sign again."


def _source(display: str, name: str) -> str:
    return display if name == BALANCE_ID else f"{display} ({name})"
