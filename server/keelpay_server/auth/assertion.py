"""Verifies a passkey's assertion against exactly what the server asked for.

In: the credential's JSON as the browser made it, and what was expected. Out: Verified, or a refusal with one reason.
Invariant: the caller says which ceremony it wants; every check is made, in one fixed order; the counter is read only
after the signature held, because an unsigned counter proves nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from webauthn.helpers import parse_authentication_credential_json, parse_authenticator_data
from webauthn.helpers.structs import AuthenticatorData

from . import base64url
from .assertion_failure import AssertionFailure, AssertionRefused, require
from .client_data import ClientData, parse_client_data
from .cose_key import signature_holds
from .relying_party import RelyingParty
from .spc import BrowserBinding, SpcTerms, check_browser_binding, check_payment
from .strict_json import parse_object
from .terms import ConfirmationMethod

CREDENTIAL_LENGTH_MAX: Final = 65_536
"""Characters of a credential's JSON: a data URL of an icon fits, a message meant to tire the parser does not."""
CLIENT_DATA_TYPES: Final = {ConfirmationMethod.WEBAUTHN: "webauthn.get", ConfirmationMethod.SPC: "payment.get"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPasskey:
    """A passkey as its registration stored it.

    Attributes:
        credential_id: The authenticator's id of it.
        public_key: COSE bytes.
        user_handle: The payer's handle it was registered under.
        sign_count: The last counter accepted.
        backup_eligible: Whether it may be synced; fixed for its life (WebAuthn L3 section 6.1.3).
        browser_bound_keys: Keys of the browsers that were bound to it (COSE).
    """

    credential_id: bytes
    public_key: bytes
    user_handle: bytes
    sign_count: int
    backup_eligible: bool
    browser_bound_keys: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAssertion:
    """What the server asked for.

    Attributes:
        challenge: The bytes that must have been signed.
        passkey: The passkey that must have signed.
        party: Our rp id, origins and embedders.
        payment: The displayed terms for Secure Payment Confirmation; None asks for plain WebAuthn.
    """

    challenge: bytes
    passkey: StoredPasskey
    party: RelyingParty
    payment: SpcTerms | None = None

    @property
    def method(self) -> ConfirmationMethod:
        """The one ceremony that is accepted."""
        return ConfirmationMethod.WEBAUTHN if self.payment is None else ConfirmationMethod.SPC


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a valid signature proved.

    Attributes:
        sign_count: The counter; whoever spends the proof compares it with the passkey's counter of then.
        counter_regressed: It had not grown when it was verified: what evidence tells of it later.
        backup_eligible: Whether the passkey may be synced.
        backup_state: Whether it is synced now.
        origin: Where the ceremony ran.
        top_origin: The embedding page's origin, or None at top level.
        method: The ceremony.
        browser_bound: A browser known to belong to this passkey signed too.
        browser_bound_key: The key (COSE) of the browser that signed, known or new, or None.
    """

    sign_count: int
    counter_regressed: bool
    backup_eligible: bool
    backup_state: bool
    origin: str
    top_origin: str | None
    method: ConfirmationMethod
    browser_bound: bool
    browser_bound_key: bytes | None


class _Assertion(NamedTuple):
    credential_id: bytes
    user_handle: bytes | None
    client: ClientData
    client_bytes: bytes
    authenticator: AuthenticatorData
    authenticator_bytes: bytes
    signature: bytes
    extensions: dict[str, Any]


def verify_assertion(credential_json: str, expected: ExpectedAssertion) -> Verified:
    """Checks one assertion, about 90 microseconds for ES256.

    Args:
        credential_json: AuthenticationResponseJSON (WebAuthn L3 section 5.1), at most 65,536 characters.
        expected: What the server asked for.

    Raises:
        AssertionRefused: With the first check that failed; nothing else is ever raised for what a caller sent.
    """
    assertion = _parse(credential_json)
    _check_identity(assertion, expected.passkey)
    _check_client_data(assertion.client, expected)
    _check_authenticator_data(assertion.authenticator, expected)
    binding = BrowserBinding(None)
    if expected.payment is not None:
        check_payment(assertion.client, expected.payment, expected.party)
        binding = check_browser_binding(assertion.client, assertion.client_bytes, assertion.extensions)
    signed = assertion.authenticator_bytes + hashlib.sha256(assertion.client_bytes).digest()
    require(
        signature_holds(expected.passkey.public_key, assertion.signature, signed),
        AssertionFailure.SIGNATURE,
        "the signature does not hold",
    )
    sign_count, stored = assertion.authenticator.sign_count, expected.passkey.sign_count
    return Verified(
        sign_count=sign_count,
        # Synced passkeys report 0 for ever, which is no regression (WebAuthn L3 section 6.1.1).
        counter_regressed=(sign_count > 0 or stored > 0) and sign_count <= stored,
        backup_eligible=assertion.authenticator.flags.be,
        backup_state=assertion.authenticator.flags.bs,
        origin=assertion.client.origin,
        top_origin=_top_origin(assertion.client, expected.method),
        method=expected.method,
        browser_bound=binding.key in expected.passkey.browser_bound_keys,
        browser_bound_key=binding.key,
    )


def credential_id_of(credential_json: str) -> bytes:
    """The credential id an assertion names, to look its passkey up; nothing is verified yet.

    Raises:
        AssertionRefused: TOO_LARGE or MALFORMED.
    """
    return _parse(credential_json).credential_id


def _parse(credential_json: str) -> _Assertion:
    require(len(credential_json) <= CREDENTIAL_LENGTH_MAX, AssertionFailure.TOO_LARGE, "credential")
    try:
        members = parse_object(credential_json)
        credential = parse_authentication_credential_json(members)
        response = credential.response
        extensions = members.get("clientExtensionResults")
        return _Assertion(
            credential_id=_canonical_id(credential.id, credential.raw_id),
            user_handle=response.user_handle,
            client=parse_client_data(response.client_data_json),
            client_bytes=response.client_data_json,
            authenticator=parse_authenticator_data(response.authenticator_data),
            authenticator_bytes=response.authenticator_data,
            signature=response.signature,
            extensions=extensions if isinstance(extensions, dict) else {},
        )
    except Exception as error:  # foreign bytes: whatever a parser raises on them means malformed
        raise AssertionRefused(AssertionFailure.MALFORMED, type(error).__name__) from error


def _canonical_id(text: str, raw: bytes) -> bytes:
    if base64url.encode(raw) != text:
        raise ValueError("id and rawId differ")
    return raw


def _check_identity(assertion: _Assertion, passkey: StoredPasskey) -> None:
    require(assertion.credential_id == passkey.credential_id, AssertionFailure.CREDENTIAL, "another credential")
    require(
        assertion.user_handle is None or hmac.compare_digest(assertion.user_handle, passkey.user_handle),
        AssertionFailure.USER_HANDLE,
        "another user",
    )


def _check_client_data(client: ClientData, expected: ExpectedAssertion) -> None:
    kind = CLIENT_DATA_TYPES[expected.method]
    require(client.type == kind, AssertionFailure.TYPE, f"{client.type!r} is not {kind!r}")
    require(
        hmac.compare_digest(
            client.challenge.encode("utf-8", "surrogatepass"), base64url.encode(expected.challenge).encode("ascii")
        ),
        AssertionFailure.CHALLENGE,
        "another challenge",
    )
    require(client.origin in expected.party.origins, AssertionFailure.ORIGIN, expected.party.strange(client.origin))
    top_origin = _top_origin(client, expected.method)
    require(
        top_origin in expected.party.embedders if client.cross_origin else client.top_origin is None,
        AssertionFailure.CROSS_ORIGIN,
        f"inside {top_origin!r}",
    )


def _top_origin(client: ClientData, method: ConfirmationMethod) -> str | None:
    """The page around ours, or None at top level; Secure Payment Confirmation tells it inside `payment`.

    A frame whose browser hides the page around it has no such origin either, and is refused for that.
    """
    top_origin = client.top_origin
    if top_origin is None and method is ConfirmationMethod.SPC and client.payment is not None:
        signed = client.payment.get("topOrigin")
        top_origin = signed if isinstance(signed, str) and signed != client.origin else None
    return top_origin


def _check_authenticator_data(authenticator: AuthenticatorData, expected: ExpectedAssertion) -> None:
    flags = authenticator.flags
    rp_id_hash = hashlib.sha256(expected.party.rp_id.encode("utf-8")).digest()
    require(hmac.compare_digest(authenticator.rp_id_hash, rp_id_hash), AssertionFailure.RP_ID, "rpIdHash")
    require(flags.up, AssertionFailure.USER_PRESENCE, "nobody was present")
    require(flags.uv, AssertionFailure.USER_VERIFICATION, "the user was not verified")
    require(flags.be == expected.passkey.backup_eligible, AssertionFailure.BACKUP, "backup eligibility changed")
    require(flags.be or not flags.bs, AssertionFailure.BACKUP, "backed up but not eligible")
