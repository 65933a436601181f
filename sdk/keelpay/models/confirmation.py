"""A confirmation: a person's finger or face on the exact terms of one act."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keelpay.api.auth.v1 import confirmation_pb2
from keelpay.enums import ConfirmationMethod, ConfirmationState, Reason, Rejection

from .model import Model
from .reason import reason_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationEvidence(Model):
    """Everything needed to verify a spent confirmation offline, years later.

    Attributes:
        passkey: The passkey that signed.
        public_key_cose: Its public key (RFC 9052).
        client_data_json: WebAuthn clientDataJSON, as signed.
        authenticator_data: WebAuthn authenticatorData, as signed.
        signature: Over authenticatorData and the hash of clientDataJSON.
        document_json: All of it, the terms and the outcome as one sealed file, for `keelpay evidence verify`.
        decide_time: When it was accepted or refused.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"refusal"})

    passkey: str
    public_key_cose: bytes
    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes
    document_json: str
    decide_time: datetime | None

    @property
    def refusal(self) -> Reason | None:
        """Why the act was refused although the signature is genuine; None where it was accepted."""
        if not isinstance(self.raw, confirmation_pb2.ConfirmationEvidence):
            raise TypeError("this evidence was not given by the server")
        return reason_of(self.raw.refusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(Model):
    """A request to a payer to confirm, and what became of it. Its terms: `keelpay.signer.displayed_terms`.

    Attributes:
        name: `partners/{p}/payers/{u}/confirmations/{c}`.
        state: Where it stands.
        rejection: Why it was rejected.
        method: How the terms are signed.
        challenge: SHA-256 over the terms: what is signed.
        options_json: Ready for the browser.
        expire_time: When it can no longer be signed.
        evidence: The proof, from the moment it is spent.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {"payment", "mandate", "withdrawal", "passkey_add", "recovery_veto", "passkey_resume"}
    )

    name: str
    state: ConfirmationState
    rejection: Rejection
    method: ConfirmationMethod
    challenge: bytes
    options_json: str
    expire_time: datetime | None
    evidence: ConfirmationEvidence | None
    create_time: datetime | None
    update_time: datetime | None
    state_version: int

    @property
    def payer(self) -> str:
        """Who is asked, `partners/{p}/payers/{u}`."""
        return "/".join(self.name.split("/")[:4])
