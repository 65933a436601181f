"""Verifies the assertion that answers a confirmation, before the queue: a signature costs too much to check in a batch.

In: the confirmation's name and the browser's credential. Out: a Proof for `spend`. Invariant: a bad assertion is no
error here: it becomes a Proof with its failure, because the attempt has to spend the confirmation.
"""

import json

from keelpay_server.book.ports import Page, Reader

from .assertion import ExpectedAssertion, Verified, credential_id_of, verify_assertion
from .assertion_failure import AssertionFailure, AssertionRefused
from .challenge import parse_document
from .confirmation import METHODS, Confirmation, exposure_currency
from .confirmation_reads import named_confirmation
from .evidence import Evidence, document_digest, write_evidence
from .passkey import Passkey
from .proof import Proof
from .settings import AuthSettings
from .spc import SpcTerms
from .spc_display import SpcDisplay, displayed, read_display
from .terms import ConfirmationMethod, PaymentTerms, Terms


async def verify(
    reader: Reader, settings: AuthSettings, confirmation: str, assertion_json: str, wall_us: int, device: str = ""
) -> Proof:
    """Checks what a passkey signed for a confirmation.

    The caller has checked that the payer in the name is its own (book.ownership).

    Args:
        reader: To find the confirmation and the passkey.
        settings: The relying party and the limits of new passkeys.
        confirmation: `partners/{p}/payers/{u}/confirmations/{c}`.
        assertion_json: The browser's PublicKeyCredential.
        wall_us: Now.
        device: The digest of the device that signed (auth.device), or empty.

    Raises:
        Refused: RESOURCE_NOT_FOUND, FIELD_INVALID.
    """
    row = await named_confirmation(reader, confirmation, "confirmation")
    try:
        credential = credential_id_of(assertion_json)
    except AssertionRefused as refused:
        return _failed(row, None, refused)
    found = await reader.find(Passkey, {"credential": credential}, Page(1))
    key = next((each for each in found if each.payer == row.payer), None)
    if key is None:
        return _failed(row, None, AssertionRefused(AssertionFailure.CREDENTIAL, "the payer has no such passkey"))
    return _proof(row, key, settings, assertion_json, wall_us)._replace(device=device)


def _proof(row: Confirmation, key: Passkey, settings: AuthSettings, assertion_json: str, wall_us: int) -> Proof:
    terms, nonce, expires_at_s = parse_document(json.loads(row.terms))
    display = read_display(row.display)
    expected = ExpectedAssertion(
        challenge=row.challenge, passkey=key.stored(), party=settings.party, payment=shown(terms, row, display)
    )
    try:
        verified = verify_assertion(assertion_json, expected)
    except AssertionRefused as refused:
        return _failed(row, key, refused)
    evidence = write_evidence(
        Evidence(
            terms=terms, nonce=nonce, expires_at_s=expires_at_s, credential_json=assertion_json,
            passkey=expected.passkey, party=settings.party, display=display,
            started_at_us=row.create_time, verified_at_us=wall_us,
        )
    )  # fmt: skip
    return _found(row, key, verified, evidence, settings.new_passkey_limit(exposure_currency(terms)))


def _failed(row: Confirmation, key: Passkey | None, refused: AssertionRefused) -> Proof:
    named = None if key is None else key.id
    return Proof(
        row.id, row.payer, named, refused.failure.value, rp_id=row.rp_id, method=METHODS[row.method],
        detail=str(refused),
    )  # fmt: skip


def _found(row: Confirmation, key: Passkey, verified: Verified, evidence: str, limit_minor: int) -> Proof:
    return Proof(
        confirmation=row.id, payer=row.payer, passkey=key.id, failure="",
        sign_count=verified.sign_count, backup_state=verified.backup_state, origin=verified.origin,
        rp_id=row.rp_id, method=verified.method, browser_key=verified.browser_bound_key,
        browser_bound=verified.browser_bound, limit_minor=limit_minor,
        evidence=evidence, evidence_digest=document_digest(json.loads(evidence)),
    )  # fmt: skip


def shown(terms: Terms, row: Confirmation, display: SpcDisplay | None) -> SpcTerms | None:
    """Returns what Secure Payment Confirmation showed for a confirmation, or None for plain WebAuthn."""
    if METHODS[row.method] is not ConfirmationMethod.SPC or display is None or not isinstance(terms, PaymentTerms):
        return None
    return displayed(terms, display)
