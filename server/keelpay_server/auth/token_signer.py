"""The token signer: the one place where access tokens for callers are signed.

In: who may do what, and the client key that vouches. Out: a signed token, ready to be handed over. Invariant: a token
ends with the client key that asked for it, with its session, and in ten minutes at most.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from keelpay_server.book import ids
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.times import SECOND_US

from .authentication import new_token_id
from .key_keeper import KeyKeeper
from .payer_link import KIND as LINK
from .payer_link import PayerLink, read_attestation
from .payer_token import SCOPES
from .settings import AuthSettings
from .token import Attestation, PayerPurpose, TokenClaims, sign_token

_LIFE_S_MIN: Final = 1


class SignedToken(NamedTuple):
    """A token for whoever asked for it.

    Attributes:
        value: The compact JWS.
        expire_time: Wall clock, microseconds.
        scopes: What it allows.
    """

    value: str
    expire_time: int
    scopes: frozenset[str]


class TokenSigner:
    """Signs with the installation's key of now.

    Args:
        settings: Issuer, audience, life.
        keeper: Our keys.
        random_bytes: A source of chance that cannot be guessed.
    """

    def __init__(self, settings: AuthSettings, keeper: KeyKeeper, random_bytes: Callable[[int], bytes]) -> None:
        self._settings, self._keeper, self._random_bytes = settings, keeper, random_bytes

    def sign(
        self,
        kind: CallerKind,
        subject: str,
        scopes: frozenset[str],
        kid: str,
        wall_us: int,
        *,
        purpose: PayerPurpose | None = None,
        resource: str = "",
        attestation: Attestation | None = None,
        session: str = "",
        until_us: int | None = None,
    ) -> SignedToken:
        """Returns a token.

        Args:
            kind: Of the caller.
            subject: The caller's id.
            scopes: What it may do.
            kid: The client key behind it.
            wall_us: Now.
            purpose: A payer token's purpose.
            resource: The payment of a `pay` token.
            attestation: An `enrol` token's.
            session: The link that opened the session; empty without one.
            until_us: When it ends at the latest; None for nothing but its own life.
        """
        settings, now_s = self._settings, wall_us // SECOND_US
        life_s = settings.token_life_s
        if until_us is not None:
            life_s = max(_LIFE_S_MIN, min(life_s, until_us // SECOND_US - now_s))
        claims = TokenClaims(
            kind=kind, subject=subject, scopes=scopes, issued_at_s=now_s, expires_at_s=now_s + life_s,
            token_id=new_token_id(kid, self._random_bytes), purpose=purpose, resource=resource,
            attestation=attestation, session=session,
        )  # fmt: skip
        signer = self._keeper.ring.signer(wall_us / SECOND_US)
        value = sign_token(claims, signer, issuer=settings.issuer, audience=settings.audience)
        return SignedToken(value, claims.expires_at_s * SECOND_US, scopes)

    def of_session(self, link: PayerLink, wall_us: int) -> SignedToken:
        """Returns a token of the session that a link opened."""
        purpose = PayerPurpose(link.purpose)
        return self.sign(
            CallerKind.PAYER, link.payer, SCOPES[purpose], link.client_key, wall_us, purpose=purpose,
            resource=link.payment, attestation=read_attestation(link.attestation), session=ids.text(LINK, link.id),
            until_us=link.session_end_time,
        )  # fmt: skip
