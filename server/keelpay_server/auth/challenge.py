"""Dynamic linking: the challenge a passkey signs is the hash of the exact terms the payer was shown.

In: terms, a nonce and an expiry. Out: 32 bytes. Invariant: every member is text under a fixed ASCII name, so that
sorted compact JSON is RFC 8785 (JCS), and any language can hash the same bytes. Texts are taken exactly as they are:
no trimming, no Unicode normalization.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from .base64url import decode, encode
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

PAYMENT_CONFIRMATION_V1: Final = "keelpay.payment-confirmation.v1"
MANDATE_V1: Final = "keelpay.mandate.v1"
WITHDRAWAL_V1: Final = "keelpay.withdrawal.v1"
PASSKEY_ADD_V1: Final = "keelpay.passkey-add.v1"
RECOVERY_VETO_V1: Final = "keelpay.recovery-veto.v1"
PASSKEY_RESUME_V1: Final = "keelpay.passkey-resume.v1"

NONCE_BYTES: Final = 32
TEXT_LENGTH_MAX: Final = 1024
"""Characters in one member; longer than any name or display text the contract allows."""
AMOUNT_MINOR_MAX: Final = 2**63 - 1
"""What an int64 of the contract can carry."""


class TermsInvalid(ValueError):  # noqa: N818  (reads as what it says where it is caught)
    """Terms that cannot be signed: a text without a UTF-8 form, an amount out of range, a nonce of the wrong size."""


# Field -> member. The names are part of the contract: a change is a new type, never an edit.
_MEMBERS: Final[dict[type[Terms], tuple[str, dict[str, str]]]] = {
    PaymentTerms: (
        PAYMENT_CONFIRMATION_V1,
        {
            "payment_id": "paymentId",
            "payer_id": "payerId",
            "payee_id": "payeeId",
            "payee_name": "payeeName",
            "currency": "currency",
            "amount_minor": "amountMinor",
            "instrument_id": "instrumentId",
            "instrument_display": "instrumentDisplay",
            "rp_id": "rpId",
            "method": "method",
        },
    ),
    MandateTerms: (
        MANDATE_V1,
        {
            "mandate_id": "mandateId",
            "payer_id": "payerId",
            "payee_id": "payeeId",
            "payee_name": "payeeName",
            "currency": "currency",
            "payment_max_minor": "paymentMaxMinor",
            "day_max_minor": "dayMaxMinor",
            "total_max_minor": "totalMaxMinor",
            "day_zone": "dayZone",
            "instrument_id": "instrumentId",
            "instrument_display": "instrumentDisplay",
            "rp_id": "rpId",
            "valid_until_s": "validUntil",
        },
    ),
    WithdrawalTerms: (
        WITHDRAWAL_V1,
        {
            "payer_id": "payerId",
            "currency": "currency",
            "amount_minor": "amountMinor",
            "instrument_id": "instrumentId",
            "instrument_display": "instrumentDisplay",
            "rp_id": "rpId",
        },
    ),
    PasskeyAddTerms: (
        PASSKEY_ADD_V1,
        {
            "registration_id": "registrationId",
            "payer_id": "payerId",
            "passkey_display": "passkeyDisplay",
            "rp_id": "rpId",
        },
    ),
    RecoveryVetoTerms: (
        RECOVERY_VETO_V1,
        {
            "passkey_id": "passkeyId",
            "payer_id": "payerId",
            "passkey_display": "passkeyDisplay",
            "rp_id": "rpId",
        },
    ),
    PasskeyResumeTerms: (
        PASSKEY_RESUME_V1,
        {
            "passkey_id": "passkeyId",
            "payer_id": "payerId",
            "passkey_display": "passkeyDisplay",
            "rp_id": "rpId",
        },
    ),
}
_TYPES: Final = {kind: terms_type for terms_type, (kind, _) in _MEMBERS.items()}
_INTEGER_MIN: Final = {
    "amount_minor": 1,
    "payment_max_minor": 1,
    "day_max_minor": 1,
    "total_max_minor": 0,
    "valid_until_s": 1,
}


def document(terms: Terms, nonce: bytes, expires_at_s: int) -> dict[str, str]:
    """The members that are hashed, all text.

    Args:
        terms: What was displayed.
        nonce: 32 bytes, fresh for each confirmation (`evidence_seal`).
        expires_at_s: When the confirmation ends, unix seconds.

    Raises:
        TermsInvalid: A member has no canonical text.
    """
    kind, names = _MEMBERS[type(terms)]
    if len(nonce) != NONCE_BYTES:
        raise TermsInvalid(f"a nonce has {NONCE_BYTES} bytes")
    members = {
        "type": kind,
        "nonce": encode(nonce),
        "expiresAt": _integer_text("expiresAt", expires_at_s, 1),
    }
    for field, member in names.items():
        value = getattr(terms, field)
        if field in _INTEGER_MIN:
            members[member] = _integer_text(member, value, _INTEGER_MIN[field])
        else:
            members[member] = _text(member, value)
    return members


def canonical(terms: Terms, nonce: bytes, expires_at_s: int) -> bytes:
    """The terms in RFC 8785 form, ready to hash (arguments and refusals as in `document`)."""
    members = document(terms, nonce, expires_at_s)
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def challenge(terms: Terms, nonce: bytes, expires_at_s: int) -> bytes:
    """The 32 bytes a passkey signs for these terms (arguments and refusals as in `document`)."""
    return hashlib.sha256(canonical(terms, nonce, expires_at_s)).digest()


def parse_document(members: Mapping[str, str]) -> tuple[Terms, bytes, int]:
    """Reads back what `document` wrote: the terms, the nonce and the expiry in unix seconds.

    Raises:
        TermsInvalid: An unknown type, a missing or additional member, or a text that is not canonical.
    """
    terms_type = _TYPES.get(members.get("type", ""))
    if terms_type is None:
        raise TermsInvalid("unknown type of terms")
    names = _MEMBERS[terms_type][1]
    if set(members) != {"type", "nonce", "expiresAt", *names.values()}:
        raise TermsInvalid("the members are not those of the type")
    values: dict[str, Any] = {}
    for field, member in names.items():
        text = members[member]
        if field in _INTEGER_MIN:
            values[field] = _integer(member, text)
        else:
            values[field] = _method(text) if field == "method" else text
    try:
        nonce = decode(members["nonce"])
    except ValueError as error:
        raise TermsInvalid("the nonce is not base64url") from error
    terms = terms_type(**values)
    expires_at_s = _integer("expiresAt", members["expiresAt"])
    if document(terms, nonce, expires_at_s) != dict(members):
        raise TermsInvalid("a member is not canonical")
    return terms, nonce, expires_at_s


def _method(text: str) -> ConfirmationMethod:
    try:
        return ConfirmationMethod(text)
    except ValueError as error:
        raise TermsInvalid("method is neither webauthn nor spc") from error


def _integer(member: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(AMOUNT_MINOR_MAX)):
        raise TermsInvalid(f"{member} is not a whole number")
    return int(text)


def _integer_text(member: str, value: int, minimum: int) -> str:
    if type(value) is not int or not minimum <= value <= AMOUNT_MINOR_MAX:
        raise TermsInvalid(f"{member} is out of range")
    return str(value)


def _text(member: str, value: str) -> str:
    if not 0 < len(value) <= TEXT_LENGTH_MAX:
        raise TermsInvalid(f"{member} must be text of 1 to {TEXT_LENGTH_MAX} characters")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        # A lone surrogate has no UTF-8 form: JavaScript would hash something else than we do.
        raise TermsInvalid(f"{member} has a lone surrogate") from error
    return str(value)
