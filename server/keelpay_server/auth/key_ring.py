"""The installation's signing keys over time, so that a rotation breaks nobody.

In: keys with the second they start to sign and the second until which they verify. Out: the key that signs now, and
the keys that verify now. Invariant: which key signs follows from the time alone, so all processes agree without
talking; a key is known everywhere before it signs, and verifies until its last token has expired.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from .signing_key import SigningKey, VerifyingKey

OPEN_END_S: Final = 2**62
"""The verify-until of a key that nothing has replaced."""


class RingKey(NamedTuple):
    """A key and its times.

    Attributes:
        key: The signing key.
        sign_from_s: When it starts to sign, unix seconds; it verifies as soon as it is in the ring.
        verify_until_s: When its tokens stop being accepted, unix seconds.
    """

    key: SigningKey
    sign_from_s: int
    verify_until_s: int = OPEN_END_S


class KeyRing:
    """An immutable set of signing keys; changes return a new ring."""

    __slots__ = ("_keys", "_verifying")

    def __init__(self, keys: Iterable[RingKey]) -> None:
        self._keys = tuple(sorted(keys, key=lambda each: each.sign_from_s))
        self._verifying = {each.key.kid: (each.key.public, each.verify_until_s) for each in self._keys}
        if len(self._verifying) != len(self._keys):
            raise ValueError("two keys have the same kid")

    @property
    def keys(self) -> tuple[RingKey, ...]:
        """Every key, the earliest first, for storing."""
        return self._keys

    def signer(self, now_s: float) -> SigningKey:
        """The key that signs now: of those that have started, the one that started last.

        Raises:
            LookupError: No key signs now.
        """
        for each in reversed(self._keys):
            if each.sign_from_s <= now_s < each.verify_until_s:
                return each.key
        raise LookupError("no key signs now")

    def verifier(self, kid: str, now_s: float) -> VerifyingKey | None:
        """The key of that name if its tokens are accepted now, otherwise None. The name is only ever compared."""
        found = self._verifying.get(kid)
        return None if found is None or now_s >= found[1] else found[0]

    def verifiers(self, now_s: float) -> tuple[VerifyingKey, ...]:
        """Every key whose tokens are accepted now or will be, for publishing."""
        return tuple(each.key.public for each in self._keys if now_s < each.verify_until_s)

    def rotated(self, key: SigningKey, *, sign_from_s: int, overlap_s: int) -> "KeyRing":
        """A ring in which `key` takes over.

        Args:
            key: The new key.
            sign_from_s: When it takes over; late enough for every process and every reader of our JWKS to know it.
            overlap_s: How long the earlier keys verify after that; at least a token's life plus the skew.
        """
        end_s = sign_from_s + overlap_s
        ended = (each._replace(verify_until_s=min(each.verify_until_s, end_s)) for each in self._keys)
        return KeyRing([*ended, RingKey(key, sign_from_s)])

    def without(self, kid: str) -> "KeyRing":
        """A ring without a key that is no longer trusted: its tokens are refused at once."""
        return KeyRing(each for each in self._keys if each.key.kid != kid)
