"""A partner's signed word on how it knew a person, without which no first passkey is made and none is recovered.

In: the compact token of PersonAttestation, the partner's registered keys and the wall clock. Out: the facts an
`enrol` token carries. Invariant: the word is the partner's own, about its own payer, for one purpose, and fresh. That
its id is used once is for the database to say.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from . import base64url
from .jws import open_token
from .signing_key import VerifyingKey
from .strict_json import integer_member, text_member
from .token import Attestation
from .token_failure import TokenExpired, TokenInvalid, TokenMissing

ATTESTATION_AGE_S_MAX: Final = 600
"""How long ago the partner may have authenticated the person, and signed."""
METHODS_MAX: Final = 8
_TYPES: Final[frozenset[str | None]] = frozenset({None, "JWT"})


class AttestationPurpose(StrEnum):
    """What the partner's word is for."""

    ENROL = "enrol"
    RECOVER = "recover"


class PersonAttested(NamedTuple):
    """A word that holds.

    Attributes:
        attestation: What an `enrol` token carries of it.
        attestation_id: The `jti`, to be stored as used.
        issued_at_s: When the partner signed, unix seconds.
        kid: The partner's key that signed.
    """

    attestation: Attestation
    attestation_id: str
    issued_at_s: int
    kid: str


def verify_person_attestation(
    jws: str,
    *,
    partner: str,
    payer: str,
    purpose: AttestationPurpose,
    keys: Mapping[str, VerifyingKey],
    now_s: float,
    skew_s: int,
) -> PersonAttested:
    """Verifies a partner's word about one of its payers.

    Args:
        jws: The compact token.
        partner: The partner's resource name, which must have issued it.
        payer: The payer's resource name, whom it must be about.
        purpose: What it must be for.
        keys: The partner's active keys by kid.
        now_s: Wall clock, unix seconds.
        skew_s: Seconds that clocks may differ, 0 to 60.

    Raises:
        TokenMissing: There is none.
        TokenExpired: It was good, and is too old.
        TokenInvalid: Anything else.
    """
    if not jws:
        raise TokenMissing("no attestation")
    opened = open_token(jws, find_key=keys.get, types=_TYPES)
    claims = opened.claims
    methods = claims.get("amr")
    try:
        named = (text_member(claims, "iss"), text_member(claims, "sub"), text_member(claims, "purpose"))
        attestation_id = text_member(claims, "jti")
        issued_at_s, authenticated_at_s = integer_member(claims, "iat"), integer_member(claims, "auth_time")
    except ValueError as error:
        raise TokenInvalid(str(error)) from error
    if named != (partner, payer, purpose.value):
        raise TokenInvalid("another issuer, subject or purpose")
    if not isinstance(methods, list) or not 0 < len(methods) <= METHODS_MAX:
        raise TokenInvalid(f"amr has 1 to {METHODS_MAX} methods")
    if not attestation_id or not all(isinstance(each, str) for each in methods):
        raise TokenInvalid("jti and amr are text")
    if authenticated_at_s > issued_at_s or issued_at_s > now_s + skew_s:
        raise TokenInvalid("from the future")
    if now_s > authenticated_at_s + ATTESTATION_AGE_S_MAX + skew_s:
        raise TokenExpired("the person was authenticated too long ago")
    digest = base64url.encode(hashlib.sha256(jws.encode("ascii")).digest())
    attestation = Attestation(authenticated_at_s=authenticated_at_s, methods=tuple(methods), digest=digest)
    return PersonAttested(attestation, attestation_id, issued_at_s, opened.key.kid)
