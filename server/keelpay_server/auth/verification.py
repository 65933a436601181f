"""Verifies the assertion that answers a confirmation, before the queue: a signature costs too much to check in a batch.

In: the confirmation's name and the browser's credential. Out: a Proof for `spend`. Invariant: a bad assertion is no
error here: it becomes a Proof with its failure, because the attempt has to spend the confirmation.
"""

import json

from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .assertion import ExpectedAssertion, Verified, credential_id_of, verify_assertion
from .assertion_failure import AssertionFailure, AssertionRefused
from .challenge import parse_document
from .confirmation import METHODS, Confirmation, exposure_currency
from .evidence import Evidence, SpcDisplay, evidence_digest, write_evidence
from .names import parse_payers_own
from .passkey import Passkey
from .proof import Proof
from .settings import AuthSettings
from .spc import SpcTerms, spc_terms
from .terms import ConfirmationMethod, PaymentTerms, Terms


async def verify(reader: Reader, settings: AuthSettings, confirmation: str, assertion_json: str, wall_us: int) -> Proof:
    """Checks what a passkey signed for a confirmation.

    The caller has checked that the payer in the name is its own (book.ownership).

    Args:
        reader: To find the confirmation and the passkey.
        settings: The relying party and the limits of new passkeys.
        confirmation: `partners/{p}/payers/{u}/confirmations/{c}`.
        assertion_json: The browser's PublicKeyCredential.
        wall_us: Now.

    Raises:
        Refused: RESOURCE_NOT_FOUND, FIELD_INVALID.
    """
    name = parse_payers_own("confirmations", confirmation, "confirmation")
    row = await reader.get(Confirmation, name.id)
    if row is None or row.payer != name.payer:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="confirmation")
    try:
        credential = credential_id_of(assertion_json)
    except AssertionRefused as refused:
        return _failed(row, None, refused.failure)
    found = await reader.find(Passkey, {"credential": credential}, Page(1))
    key = next((each for each in found if each.payer == row.payer), None)
    if key is None:
        return _failed(row, None, AssertionFailure.CREDENTIAL)
    return _proof(row, key, settings, assertion_json, wall_us)


def _proof(row: Confirmation, key: Passkey, settings: AuthSettings, assertion_json: str, wall_us: int) -> Proof:
    terms, nonce, expires_at_s = parse_document(json.loads(row.terms))
    display = read_display(row.display)
    expected = ExpectedAssertion(
        challenge=row.challenge, passkey=key.stored(), party=settings.party, payment=shown(terms, row, display)
    )
    try:
        verified = verify_assertion(assertion_json, expected)
    except AssertionRefused as refused:
        return _failed(row, key, refused.failure)
    evidence = write_evidence(
        Evidence(
            terms=terms, nonce=nonce, expires_at_s=expires_at_s, credential_json=assertion_json,
            passkey=expected.passkey, party=settings.party, display=display,
            started_at_us=row.create_time, verified_at_us=wall_us,
        )
    )  # fmt: skip
    return _found(row, key, verified, evidence, settings.new_passkey_limit(exposure_currency(terms)))


def _failed(row: Confirmation, key: Passkey | None, failure: AssertionFailure) -> Proof:
    named = None if key is None else key.id
    return Proof(row.id, row.payer, named, failure.value, rp_id=row.rp_id, method=METHODS[row.method])


def _found(row: Confirmation, key: Passkey, verified: Verified, evidence: str, limit_minor: int) -> Proof:
    return Proof(
        confirmation=row.id, payer=row.payer, passkey=key.id, failure="",
        sign_count=verified.sign_count, counter_regressed=verified.counter_regressed,
        backup_state=verified.backup_state, origin=verified.origin, rp_id=row.rp_id, method=verified.method,
        browser_key=verified.browser_bound_key, limit_minor=limit_minor, evidence=evidence,
        evidence_digest=evidence_digest(evidence),
    )  # fmt: skip


def shown(terms: Terms, row: Confirmation, display: SpcDisplay | None) -> SpcTerms | None:
    """Returns what Secure Payment Confirmation showed for a confirmation, or None for plain WebAuthn."""
    if METHODS[row.method] is not ConfirmationMethod.SPC or display is None or not isinstance(terms, PaymentTerms):
        return None
    return displayed(terms, display)


def displayed(terms: PaymentTerms, display: SpcDisplay) -> SpcTerms:
    """Returns what the browser shows for payment terms."""
    return spc_terms(
        terms, exponent=display.exponent, payee_origin=display.payee_origin,
        instrument_icon=display.instrument_icon, instrument_details=display.instrument_details, logos=display.logos,
    )  # fmt: skip


def write_display(display: SpcDisplay | None) -> str:
    """Returns the stored form of what is shown besides the terms."""
    if display is None:
        return ""
    return json.dumps(
        {
            "exponent": display.exponent, "payee_origin": display.payee_origin,
            "instrument_icon": display.instrument_icon, "instrument_details": display.instrument_details,
            "logos": list(display.logos),
        }
    )  # fmt: skip


def read_display(text: str) -> SpcDisplay | None:
    """Reads it back."""
    if not text:
        return None
    members = json.loads(text)
    return SpcDisplay(**{**members, "logos": tuple(members["logos"])})
