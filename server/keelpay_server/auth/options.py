"""What the browser is asked: creation, assertion and Secure Payment Confirmation requests as JSON.

In: our rp id, the payer and the challenge. Out: JSON text that `parseCreationOptionsFromJSON`,
`parseRequestOptionsFromJSON` and our confirm page read. Invariant: user verification is always required.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from webauthn import generate_registration_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from . import base64url
from .cose_key import SUPPORTED_ALGORITHMS
from .spc import SpcTerms

TIMEOUT_MS: Final = 120_000
"""As long as a confirmation lives; within the range WebAuthn L3 recommends."""
USER_HANDLE_BYTES_MAX: Final = 64
_TRANSPORTS: Final = frozenset(transport.value for transport in AuthenticatorTransport)


@dataclass(frozen=True, slots=True)
class KnownPasskey:
    """A passkey named to the browser: its id and how it was reached (`internal`, `hybrid`, `usb` ...)."""

    credential_id: bytes
    transports: tuple[str, ...] = ()


def creation_options(
    *,
    rp_id: str,
    rp_name: str,
    user_handle: bytes,
    user_name: str,
    challenge: bytes,
    exclude: Sequence[KnownPasskey] = (),
    payment: bool = False,
    attestation: bool = False,
) -> str:
    """PublicKeyCredentialCreationOptionsJSON for a new passkey.

    Args:
        rp_id: The relying party.
        rp_name: Its name, shown by some authenticators.
        user_handle: 1 to 64 bytes that say nothing about the person (WebAuthn L3 section 14.6.1).
        user_name: What the payer sees beside the passkey.
        challenge: 32 random bytes.
        exclude: The payer's passkeys, so that one device is not enrolled twice.
        payment: Ask for a credential that Secure Payment Confirmation may use (platform authenticators only).
        attestation: Ask for a statement of the authenticator's make.

    Raises:
        ValueError: The user handle has no valid length.
    """
    if not 0 < len(user_handle) <= USER_HANDLE_BYTES_MAX:
        raise ValueError(f"a user handle has 1 to {USER_HANDLE_BYTES_MAX} bytes")
    conveyance = AttestationConveyancePreference.DIRECT if attestation else AttestationConveyancePreference.NONE
    options = options_to_json_dict(
        generate_registration_options(
            rp_id=rp_id,
            rp_name=rp_name,
            user_id=user_handle,
            user_name=user_name,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            attestation=conveyance,
            authenticator_selection=AuthenticatorSelectionCriteria(
                authenticator_attachment=AuthenticatorAttachment.PLATFORM if payment else None,
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(
                    id=known.credential_id,
                    transports=[AuthenticatorTransport(each) for each in known.transports if each in _TRANSPORTS],
                )
                for known in exclude
            ],
            supported_pub_key_algs=list(SUPPORTED_ALGORITHMS),
        )
    )
    options["extensions"] = {"credProps": True} | ({"payment": {"isPayment": True}} if payment else {})
    return _compact(options)


def request_options(*, rp_id: str, challenge: bytes, allow: Sequence[KnownPasskey]) -> str:
    """PublicKeyCredentialRequestOptionsJSON for an assertion by one of the payer's passkeys.

    Args:
        rp_id: The relying party.
        challenge: The hash of the terms.
        allow: The payer's active passkeys, at least one.

    Raises:
        ValueError: No passkey is allowed; an empty list would allow any.
    """
    _require_some(allow)
    return _compact(
        {
            "challenge": base64url.encode(challenge),
            "rpId": rp_id,
            "timeout": TIMEOUT_MS,
            "userVerification": "required",
            "allowCredentials": [
                {
                    "type": "public-key",
                    "id": base64url.encode(known.credential_id),
                    "transports": [each for each in known.transports if each in _TRANSPORTS],
                }
                for known in allow
            ],
        }
    )


def spc_request(*, rp_id: str, challenge: bytes, allow: Sequence[KnownPasskey], terms: SpcTerms) -> str:
    """SecurePaymentConfirmationRequest as JSON (byte members as base64url), with the total beside it.

    Args:
        rp_id: The relying party.
        challenge: The hash of the terms.
        allow: The payer's active passkeys, at least one.
        terms: What the browser is to show.

    Raises:
        ValueError: No passkey is allowed.
    """
    _require_some(allow)
    instrument = {"displayName": terms.instrument_name, "icon": terms.instrument_icon}
    if terms.instrument_details is not None:
        instrument["details"] = terms.instrument_details
    request: dict[str, Any] = {
        "rpId": rp_id,
        "challenge": base64url.encode(challenge),
        "credentialIds": [base64url.encode(known.credential_id) for known in allow],
        "instrument": instrument,
        "timeout": TIMEOUT_MS,
        "total": {"currency": terms.currency, "value": terms.value},
    }
    if terms.payee_name is not None:
        request["payeeName"] = terms.payee_name
    if terms.payee_origin is not None:
        request["payeeOrigin"] = terms.payee_origin
    if terms.logos:
        request["paymentEntitiesLogos"] = [logo._asdict() for logo in terms.logos]
    return _compact(request)


def _require_some(allow: Sequence[KnownPasskey]) -> None:
    if not allow:
        raise ValueError("at least one passkey must be allowed")


def _compact(members: dict[str, Any]) -> str:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)
