"""Verifies the token of every call, and remembers the ones it has verified.

In: the text from the call's metadata and the wall clock. Out: claims. Invariant: a remembered token is accepted only
while a fresh one would be: its expiry and its key's state are checked on each hit. One event loop uses one verifier.
"""

import hashlib
from collections import OrderedDict
from typing import Final, NamedTuple

from .key_ring import KeyRing
from .signing_key import VerifyingKey
from .token import SKEW_S_MAX, TokenClaims, read_token, require_unexpired
from .token_failure import TokenInvalid, TokenMissing

TOKENS_REMEMBERED_MAX: Final = 10_000
"""About 10 MB; the tokens of ten thousand callers at once."""


class _Remembered(NamedTuple):
    claims: TokenClaims
    key: VerifyingKey


class TokenVerifier:
    """A ring of keys and a bounded memory of verified tokens (least recently used goes first).

    Args:
        ring: Our keys.
        issuer: The issuer tokens must name.
        audience: The audience tokens must name.
        skew_s: Seconds that clocks may differ, 0 to 60.
        remembered_max: Tokens remembered at most.

    Raises:
        ValueError: The skew is out of its bounds.
    """

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str,
        audience: str,
        skew_s: int = 30,
        remembered_max: int = TOKENS_REMEMBERED_MAX,
    ) -> None:
        if not 0 <= skew_s <= SKEW_S_MAX:
            raise ValueError(f"skew is 0 to {SKEW_S_MAX} seconds")
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._skew_s = skew_s
        self._remembered_max = remembered_max
        # Keyed by hash: the memory holds nothing that could be used as a token.
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def replace_ring(self, ring: KeyRing) -> None:
        """Takes over a changed ring; tokens of keys that left it are refused from now on."""
        self._ring = ring

    def verify(self, token: str | None, now_s: float) -> TokenClaims:
        """The claims of a good token.

        Args:
            token: The text after `Bearer `, or None where there is none.
            now_s: Wall clock, unix seconds.

        Raises:
            TokenMissing: There is no token.
            TokenExpired: It was good, and its time is over.
            TokenInvalid: Anything else.
        """
        if not token:
            raise TokenMissing("no token")
        if not token.isascii():
            raise TokenInvalid("not a compact token")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None:
            if self._ring.verifier(remembered.key.kid, now_s) == remembered.key:
                require_unexpired(remembered.claims, now_s, self._skew_s)
                self._remembered.move_to_end(digest)
                return remembered.claims
            del self._remembered[digest]
        claims, key = read_token(
            token, self._ring, issuer=self._issuer, audience=self._audience, now_s=now_s, skew_s=self._skew_s
        )
        self._remembered[digest] = _Remembered(claims, key)
        if len(self._remembered) > self._remembered_max:
            self._remembered.popitem(last=False)
        return claims
