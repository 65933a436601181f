"""The vault: numbers of cards and accounts under AES-256-GCM, each with the id of the key that sealed it.

In: a number, its owner, a fresh nonce. Out: sealed bytes, a keyed fingerprint. Invariant: nothing is sealed twice with
one nonce, what was sealed for one payer does not open for another, and a key that is gone opens nothing.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
"""NIST SP 800-38D, section 8.2.2: random 96-bit nonces, at most 2**32 under one key; rotate long before."""
_FINGERPRINT_BYTES: Final = 16


class VaultError(Exception):
    """A number cannot be opened: its key is gone, or it is not what was sealed."""


class Sealed(NamedTuple):
    """A number at rest: the nonce and the ciphertext, and which key."""

    body: bytes
    key_id: str


class Vault:
    """Seals and opens numbers.

    Args:
        keys: Every key that may still have sealed something, by id; KEY_BYTES each.
        current: Id of the key that seals from now on.
        digest_key: Key of fingerprints and of request bodies that carry numbers; it never changes, so that a card is
            known again after a rotation.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, digest_key: bytes) -> None:
        if any(len(key) != KEY_BYTES for key in (*keys.values(), digest_key)) or current not in keys:
            raise VaultError(f"each key of the vault has {KEY_BYTES} bytes, and the current one is among them")
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._digest_key = digest_key
        self.current = current

    @property
    def body_key(self) -> bytes:
        """Keys the digest by which a repeated request is known, so that the digest gives no number away."""
        return hmac.digest(self._digest_key, b"request-body", sha256)

    def seal(self, number: str, payer: str, nonce: bytes) -> Sealed:
        """Seals a number for its payer.

        Args:
            number: In clear.
            payer: `<partner>/<id>`, bound to it.
            nonce: NONCE_BYTES fresh random bytes.
        """
        if len(nonce) != NONCE_BYTES:
            raise VaultError(f"a nonce has {NONCE_BYTES} bytes")
        sealed = self._ciphers[self.current].encrypt(nonce, number.encode(), payer.encode())
        return Sealed(nonce + sealed, self.current)

    def open(self, sealed: Sealed, payer: str) -> str:
        """Returns the number in clear.

        Raises:
            VaultError: It was removed, its key is gone, it was sealed for another payer, or it was changed.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise VaultError(f"the key {sealed.key_id!r} is not in the vault")
        try:
            opened = cipher.decrypt(sealed.body[:NONCE_BYTES], sealed.body[NONCE_BYTES:], payer.encode())
        except (InvalidTag, ValueError) as error:
            raise VaultError("this is not what was sealed") from error
        return opened.decode()

    def fingerprint(self, channel: int, number: str) -> str:
        """Returns the keyed digest by which the same number is known again, whoever enters it: 32 hex digits."""
        body = f"fingerprint\n{channel}\n{number}".encode()
        return hmac.digest(self._digest_key, body, sha256)[:_FINGERPRINT_BYTES].hex()
