"""Access tokens: who calls, for how long, and for what.

In: claims and a signing key; or a token and the ring of keys. Out: a signed token; or claims that hold. Invariant: a
token lives ten minutes at most; a payer's token has exactly one purpose, and with it exactly the claims that purpose
needs.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from keelpay_server.book.caller import Caller, CallerKind

from .jws import open_token, sign
from .key_ring import KeyRing
from .signing_key import SigningKey, VerifyingKey
from .strict_json import integer_member, text_member
from .token_failure import TokenExpired, TokenInvalid

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105  (a media type, no secret)
"""RFC 9068: nothing signed for another use can pass for an access token."""
TOKEN_LIFE_S_MAX: Final = 600
SKEW_S_MAX: Final = 60
"""The most that a setting may forgive between two clocks."""


class PayerPurpose(StrEnum):
    """The one thing a payer's token allows."""

    PAY = "pay"
    ENROL = "enrol"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """How the partner knew the person, as it signed for an `enrol` token.

    Attributes:
        authenticated_at_s: When the partner authenticated the person, unix seconds (auth_time).
        methods: How (amr, RFC 8176), such as `otp` or `face`; at least one.
        digest: SHA-256 of the partner's signed statement, base64url; the statement itself is kept as evidence.
    """

    authenticated_at_s: int
    methods: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says.

    Attributes:
        kind: PARTNER, PAYER, OPERATOR or BANK.
        subject: The party's id; a payer's is `partner/payer`.
        scopes: What it may do.
        issued_at_s: Unix seconds.
        expires_at_s: Unix seconds, at most 600 after `issued_at_s`.
        token_id: Unique name of this token, for the audit trail.
        purpose: A payer token's purpose; None for everyone else.
        resource: The payment's resource name of a `pay` token; empty otherwise.
        attestation: An `enrol` token's; None otherwise.
        session: Id of the link that opened the session of a payer token (`sid`); empty without one.
    """

    kind: CallerKind
    subject: str
    scopes: frozenset[str]
    issued_at_s: int
    expires_at_s: int
    token_id: str
    purpose: PayerPurpose | None = None
    resource: str = ""
    attestation: Attestation | None = None
    session: str = ""

    def caller(self) -> Caller:
        """The party as the rest of the engine sees it."""
        with_partner = self.kind in {CallerKind.PARTNER, CallerKind.PAYER}
        return Caller(
            kind=self.kind,
            partner=self.subject.partition("/")[0] if with_partner else "",
            subject=self.subject,
            scopes=self.scopes,
            purpose=self.purpose.value if self.purpose else "",
            resource=self.resource,
            evidence=json.dumps(_attestation_members(self.attestation)) if self.attestation else "",
            session=self.session,
        )


_KINDS: Final = {
    "partner": CallerKind.PARTNER,
    "payer": CallerKind.PAYER,
    "operator": CallerKind.OPERATOR,
    "bank": CallerKind.BANK,
}
_KIND_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
# purpose -> (is bound to a resource, carries an attestation)
_PURPOSE_SHAPE: Final[dict[PayerPurpose | None, tuple[bool, bool]]] = {
    None: (False, False),
    PayerPurpose.PAY: (True, False),
    PayerPurpose.ENROL: (False, True),
    PayerPurpose.MANAGE: (False, False),
}


def sign_token(claims: TokenClaims, key: SigningKey, *, issuer: str, audience: str) -> str:
    """Signs an access token.

    Args:
        claims: What it says; taken as it is after its shape was checked.
        key: The key that signs now.
        issuer: Our name as issuer.
        audience: The installation it is for.

    Raises:
        TokenInvalid: The claims do not fit together (a programming error of the caller).
    """
    require_shape(claims)
    members: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": claims.subject,
        "iat": claims.issued_at_s,
        "exp": claims.expires_at_s,
        "jti": claims.token_id,
        "kind": _KIND_NAMES[claims.kind],
        "scope": " ".join(sorted(claims.scopes)),
    }
    if claims.purpose is not None:
        members["purpose"] = claims.purpose.value
    if claims.resource:
        members["resource"] = claims.resource
    if claims.attestation is not None:
        members["attestation"] = _attestation_members(claims.attestation)
    if claims.session:
        members["sid"] = claims.session
    return sign(members, key, TOKEN_TYPE)


def read_token(
    token: str, ring: KeyRing, *, issuer: str, audience: str, now_s: float, skew_s: int
) -> tuple[TokenClaims, VerifyingKey]:
    """Verifies an access token, and tells which key signed it.

    Args:
        token: The compact token.
        ring: Our keys.
        issuer: The issuer it must name.
        audience: The one audience it must name.
        now_s: Wall clock, unix seconds.
        skew_s: Seconds that clocks may differ, 0 to 60.

    Raises:
        TokenExpired: It was good, and its time is over.
        TokenInvalid: Anything else.
    """
    opened = open_token(token, find_key=lambda kid: ring.verifier(kid, now_s), types=frozenset({TOKEN_TYPE}))
    try:
        claims = _parse_claims(opened.claims)
        if text_member(opened.claims, "iss") != issuer or text_member(opened.claims, "aud") != audience:
            raise TokenInvalid("another issuer or audience")
    except ValueError as error:
        raise TokenInvalid(str(error)) from error
    require_shape(claims)
    if claims.issued_at_s > now_s + skew_s:
        raise TokenInvalid("issued in the future")
    require_unexpired(claims, now_s, skew_s)
    return claims, opened.key


def require_unexpired(claims: TokenClaims, now_s: float, skew_s: int) -> None:
    """Refuses claims whose time is over.

    Raises:
        TokenExpired: At `expires_at_s + skew_s` and later.
    """
    if now_s >= claims.expires_at_s + skew_s:
        raise TokenExpired("its time is over")


def require_shape(claims: TokenClaims) -> None:
    """Refuses claims that do not fit together.

    Raises:
        TokenInvalid: A life of more than ten minutes, a purpose without what it needs, or with more.
    """
    if not 0 < claims.expires_at_s - claims.issued_at_s <= TOKEN_LIFE_S_MAX:
        raise TokenInvalid(f"a token lives 1 to {TOKEN_LIFE_S_MAX} seconds")
    if not claims.subject or not claims.token_id or claims.kind not in _KIND_NAMES:
        raise TokenInvalid("kind, subject and id are required")
    if (claims.kind is CallerKind.PAYER) != (claims.purpose is not None):
        raise TokenInvalid("a payer's token has a purpose, and no other token has one")
    if claims.session and claims.kind is not CallerKind.PAYER:
        raise TokenInvalid("only a payer's token has a session")
    if (claims.kind is CallerKind.PAYER) != ("/" in claims.subject):
        raise TokenInvalid("a payer's subject is partner/payer, and no other subject is")
    if (bool(claims.resource), claims.attestation is not None) != _PURPOSE_SHAPE[claims.purpose]:
        raise TokenInvalid("the claims are not those of the purpose")


def _attestation_members(attestation: Attestation) -> dict[str, Any]:
    return {
        "auth_time": attestation.authenticated_at_s,
        "amr": list(attestation.methods),
        "digest": attestation.digest,
    }


def _parse_claims(members: dict[str, Any]) -> TokenClaims:
    attestation, purpose = members.get("attestation"), members.get("purpose")
    if not isinstance(attestation, dict | None):
        raise ValueError("attestation must be an object")  # noqa: TRY004  (one exception for everything malformed)
    kind = _KINDS.get(text_member(members, "kind"))
    if kind is None:
        raise ValueError("unknown kind of caller")
    return TokenClaims(
        kind=kind,
        subject=text_member(members, "sub"),
        scopes=frozenset(text_member(members, "scope").split()),
        issued_at_s=integer_member(members, "iat"),
        expires_at_s=integer_member(members, "exp"),
        token_id=text_member(members, "jti"),
        purpose=None if purpose is None else PayerPurpose(text_member(members, "purpose")),
        resource=text_member(members, "resource") if "resource" in members else "",
        attestation=None if attestation is None else _parse_attestation(attestation),
        session=text_member(members, "sid") if "sid" in members else "",
    )


def _parse_attestation(members: dict[str, Any]) -> Attestation:
    methods = members.get("amr")
    if not isinstance(methods, list) or not methods or not all(isinstance(each, str) for each in methods):
        raise ValueError("amr must be a list of text")
    return Attestation(
        authenticated_at_s=integer_member(members, "auth_time"),
        methods=tuple(methods),
        digest=text_member(members, "digest"),
    )
