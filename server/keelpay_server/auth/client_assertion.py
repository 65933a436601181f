"""Client assertions: how a partner proves itself when it asks for a token (private_key_jwt, RFC 7523).

In: the assertion, the partner's registered keys and the wall clock. Out: who it is, and the assertion's id. Invariant:
it is for us alone and lives five minutes at most. That its id is used once is for the database to say, which must
remember it until `expires_at_s` plus the skew.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .jws import open_token, read_unverified
from .signing_key import VerifyingKey
from .strict_json import integer_member, text_member
from .token_failure import TokenExpired, TokenInvalid, TokenMissing

ASSERTION_LIFE_S_MAX: Final = 300
# An access token's `at+jwt` is not among them: neither can pass for the other.
ASSERTION_TYPES: Final[frozenset[str | None]] = frozenset({None, "JWT", "client-authentication+jwt"})
ASSERTION_ID_LENGTHS: Final = range(8, 129)


class ClientAssertion(NamedTuple):
    """A partner that proved itself.

    Attributes:
        client: The partner's id.
        assertion_id: The `jti`, 8 to 128 characters, to be stored as used.
        issued_at_s: Unix seconds.
        expires_at_s: Unix seconds.
        kid: The partner's key that signed.
        claims: Every claim of it.
    """

    client: str
    assertion_id: str
    issued_at_s: int
    expires_at_s: int
    kid: str
    claims: dict[str, Any]


class ClaimedClient(NamedTuple):
    """Whom an assertion claims to be from, and the key it names; good for looking that key up and nothing else."""

    client: str
    kid: str


def claimed_client(assertion: str) -> ClaimedClient:
    """Reads whom an assertion claims to be from; nothing is verified.

    Raises:
        TokenMissing: There is no assertion.
        TokenInvalid: It is not readable.
    """
    if not assertion:
        raise TokenMissing("no client assertion")
    unverified = read_unverified(assertion)
    try:
        return ClaimedClient(text_member(unverified.claims, "sub"), unverified.kid)
    except ValueError as error:
        raise TokenInvalid(str(error)) from error


def verify_client_assertion(
    assertion: str, *, client: str, keys: Mapping[str, VerifyingKey], audience: str, now_s: float, skew_s: int
) -> ClientAssertion:
    """Verifies an assertion against the keys of the client it claimed.

    Args:
        assertion: The compact token.
        client: The partner whose keys these are.
        keys: The partner's active keys by kid.
        audience: The one audience it must name.
        now_s: Wall clock, unix seconds.
        skew_s: Seconds that clocks may differ, 0 to 60.

    Raises:
        TokenMissing: There is no assertion.
        TokenExpired: It was good, and its time is over.
        TokenInvalid: Anything else.
    """
    if not assertion:
        raise TokenMissing("no client assertion")
    opened = open_token(assertion, find_key=keys.get, types=ASSERTION_TYPES)
    claims = opened.claims
    try:
        parties = text_member(claims, "iss"), text_member(claims, "sub")
        assertion_id = text_member(claims, "jti")
        issued_at_s, expires_at_s = integer_member(claims, "iat"), integer_member(claims, "exp")
    except ValueError as error:
        raise TokenInvalid(str(error)) from error
    if parties != (client, client):
        raise TokenInvalid("issuer and subject must be the client")
    # A list of one is the same promise; a list of two could be used elsewhere too.
    if claims.get("aud") not in (audience, [audience]):
        raise TokenInvalid("another audience")
    if len(assertion_id) not in ASSERTION_ID_LENGTHS:
        raise TokenInvalid("jti has 8 to 128 characters")
    if not 0 < expires_at_s - issued_at_s <= ASSERTION_LIFE_S_MAX:
        raise TokenInvalid(f"an assertion lives 1 to {ASSERTION_LIFE_S_MAX} seconds")
    if issued_at_s > now_s + skew_s or _integer_or(claims, "nbf", issued_at_s) > now_s + skew_s:
        raise TokenInvalid("not yet valid")
    if now_s >= expires_at_s + skew_s:
        raise TokenExpired("its time is over")
    return ClientAssertion(client, assertion_id, issued_at_s, expires_at_s, opened.key.kid, claims)


def _integer_or(claims: dict[str, Any], name: str, otherwise: int) -> int:
    """An optional whole-number claim.

    Raises:
        TokenInvalid: It is there and something else.
    """
    value = claims.get(name, otherwise)
    if type(value) is not int:
        raise TokenInvalid(f"{name} must be a whole number")
    return value
