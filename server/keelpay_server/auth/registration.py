"""Verifies the making of a passkey.

In: the credential's JSON as the browser made it, and what was asked. Out: NewPasskey, ready to store, or a refusal
with one reason. Invariant: a stored passkey was made for us, by a verified user, at one of our origins, and with a
key we can verify with.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from webauthn import verify_registration_response
from webauthn.helpers import parse_attestation_object, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat, AttestationObject, AttestedCredentialData

from . import base64url
from .assertion_failure import AssertionRefused
from .client_data import ClientData, parse_client_data
from .cose_key import SUPPORTED_ALGORITHMS, algorithm_of
from .relying_party import RelyingParty
from .spc import check_browser_binding
from .strict_json import parse_object

CREDENTIAL_LENGTH_MAX: Final = 65_536
"""Characters of a credential's JSON; a chain of attestation certificates fits."""


class RegistrationFailure(StrEnum):
    """The checks of a registration, in the order they are made (WebAuthn L3 section 7.1)."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    TYPE = "type"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross_origin"
    CREDENTIAL = "credential"
    RP_ID = "rp_id"
    USER_VERIFICATION = "user_verification"
    BACKUP = "backup"
    ALGORITHM = "algorithm"
    ATTESTATION = "attestation"
    BROWSER_BOUND_KEY = "browser_bound_key"


class RegistrationRefused(Exception):  # noqa: N818  (a refusal is an outcome, not a programming error)
    """A credential that is not stored.

    Attributes:
        failure: The first check that failed.
        detail: One sentence for the developer who called; it may quote what the browser sent.
    """

    def __init__(self, failure: RegistrationFailure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRegistration:
    """What the server asked for.

    Attributes:
        challenge: The bytes of the creation options.
        party: Our rp id, origins and embedders.
        payment: Whether a credential for Secure Payment Confirmation was asked for.
        attestation_roots: Format (`packed`, `tpm` ...) to PEM roots. Empty: any statement is welcome and proves
            nothing. Otherwise the statement must be of one of these formats, with certificates up to a root.
    """

    challenge: bytes
    party: RelyingParty
    payment: bool = False
    attestation_roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """A passkey to store.

    Attributes:
        credential_id: The authenticator's id of it.
        public_key: COSE bytes.
        algorithm: COSE algorithm number: -7, -8 or -257.
        sign_count: The counter to start from.
        backup_eligible: Whether it may be synced; fixed for its life.
        backup_state: Whether it is synced now.
        aaguid: The authenticator's model, a UUID text; all zero where it tells none.
        transports: How it is reached, as the browser told.
        spc_capable: Made for Secure Payment Confirmation, on a platform authenticator.
        attestation_format: `none`, `packed` ...
        browser_key: The key (COSE) of the browser that made it and signed too, or None.
    """

    credential_id: bytes
    public_key: bytes
    algorithm: int
    sign_count: int
    backup_eligible: bool
    backup_state: bool
    aaguid: str
    transports: tuple[str, ...]
    spc_capable: bool
    attestation_format: str
    browser_key: bytes | None = None


def verify_registration(credential_json: str, expected: ExpectedRegistration) -> NewPasskey:
    """Checks one new credential.

    Args:
        credential_json: RegistrationResponseJSON (WebAuthn L3 section 5.1), at most 65,536 characters.
        expected: What the server asked for.

    Raises:
        RegistrationRefused: With the first check that failed; nothing else is ever raised for what a caller sent.
    """
    if len(credential_json) > CREDENTIAL_LENGTH_MAX:
        raise RegistrationRefused(RegistrationFailure.TOO_LARGE, "credential")
    try:
        members = parse_object(credential_json)
        credential = parse_registration_credential_json(members)
        client = parse_client_data(credential.response.client_data_json)
        statement = parse_attestation_object(credential.response.attestation_object)
    except Exception as error:  # foreign bytes: whatever a parser raises on them means malformed
        raise RegistrationRefused(RegistrationFailure.MALFORMED, type(error).__name__) from error
    _check_client_data(client, expected)
    key = _check_authenticator_data(statement, credential.raw_id, expected.party.rp_id)
    _check_attestation(statement, expected)
    algorithm = _algorithm(key)
    verified = _verify_with_library(members, expected)
    browser_key = _browser_key(members, client, credential.response.client_data_json) if expected.payment else None
    attachment = members.get("authenticatorAttachment")
    return NewPasskey(
        credential_id=key.credential_id,
        public_key=key.credential_public_key,
        algorithm=algorithm,
        sign_count=statement.auth_data.sign_count,
        backup_eligible=statement.auth_data.flags.be,
        backup_state=statement.auth_data.flags.bs,
        aaguid=verified.aaguid,
        transports=tuple(transport.value for transport in credential.response.transports or ()),
        spc_capable=expected.payment and attachment == "platform",
        attestation_format=verified.fmt,
        browser_key=browser_key,
    )


def _browser_key(members: dict[str, Any], client: ClientData, client_bytes: bytes) -> bytes | None:
    """The browser's own key, which signs the making of a payment credential as it signs payments later."""
    extensions = members.get("clientExtensionResults")
    try:
        return check_browser_binding(client, client_bytes, extensions if isinstance(extensions, dict) else {}).key
    except AssertionRefused as refused:
        raise RegistrationRefused(RegistrationFailure.BROWSER_BOUND_KEY, refused.detail) from refused


def _require(holds: bool, failure: RegistrationFailure, detail: str) -> None:
    if not holds:
        raise RegistrationRefused(failure, detail)


def _check_client_data(client: ClientData, expected: ExpectedRegistration) -> None:
    _require(client.type == "webauthn.create", RegistrationFailure.TYPE, repr(client.type))
    _require(
        hmac.compare_digest(
            client.challenge.encode("utf-8", "surrogatepass"), base64url.encode(expected.challenge).encode("ascii")
        ),
        RegistrationFailure.CHALLENGE,
        "another challenge",
    )
    _require(client.origin in expected.party.origins, RegistrationFailure.ORIGIN, expected.party.strange(client.origin))
    # The library looks at neither member.
    _require(
        client.top_origin in expected.party.embedders if client.cross_origin else client.top_origin is None,
        RegistrationFailure.CROSS_ORIGIN,
        f"inside {client.top_origin!r}",
    )


def _check_authenticator_data(statement: AttestationObject, raw_id: bytes, rp_id: str) -> AttestedCredentialData:
    key, flags = statement.auth_data.attested_credential_data, statement.auth_data.flags
    if key is None or key.credential_id != raw_id:
        raise RegistrationRefused(RegistrationFailure.CREDENTIAL, "the id is not the authenticator's")
    rp_id_hash = hashlib.sha256(rp_id.encode("utf-8")).digest()
    _require(hmac.compare_digest(statement.auth_data.rp_id_hash, rp_id_hash), RegistrationFailure.RP_ID, "rpIdHash")
    _require(flags.up and flags.uv, RegistrationFailure.USER_VERIFICATION, "the user was not verified")
    _require(flags.be or not flags.bs, RegistrationFailure.BACKUP, "backed up but not eligible")
    return key


def _algorithm(key: AttestedCredentialData) -> int:
    try:
        return algorithm_of(key.credential_public_key)
    except ValueError as error:
        raise RegistrationRefused(RegistrationFailure.ALGORITHM, str(error)) from error


def _check_attestation(statement: AttestationObject, expected: ExpectedRegistration) -> None:
    """Where roots are configured, a statement without certificates (self attestation) would prove nothing."""
    if expected.attestation_roots:
        _require(
            statement.fmt in expected.attestation_roots and bool(statement.att_stmt.x5c),
            RegistrationFailure.ATTESTATION,
            "no statement that leads to a configured root",
        )


def _verify_with_library(members: dict[str, Any], expected: ExpectedRegistration) -> Any:
    """The library's whole verification: attestation statements above all, and every check of ours once more."""
    roots = {AttestationFormat(name): list(pems) for name, pems in expected.attestation_roots.items()}
    try:
        return verify_registration_response(
            credential=members,
            expected_challenge=expected.challenge,
            expected_rp_id=expected.party.rp_id,
            expected_origin=sorted(expected.party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(SUPPORTED_ALGORITHMS),
            pem_root_certs_bytes_by_fmt=roots,
        )
    except WebAuthnException as error:
        raise RegistrationRefused(RegistrationFailure.ATTESTATION, str(error)) from error
    except Exception as error:  # the library's parsers of certificates raise whatever they meet
        raise RegistrationRefused(RegistrationFailure.MALFORMED, type(error).__name__) from error
