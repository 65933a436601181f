"""Secrets of subscriptions at rest: sealed with a key of the installation, opened only to sign.

In: 32 bytes, random bytes drawn by the caller. Out: a text for a column, and back. Pure.
Invariant: a sealed secret opens only for the key id and the partner it was sealed for (AES-256-GCM).
"""

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
_PREFIX: Final = "whsec_"
"""As Standard Webhooks writes a secret."""


class SecretSeal:
    """Seals and opens secrets.

    Args:
        key: 32 bytes, the same in every process of an installation.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, nonce: bytes, partner: str, key_id: str) -> str:
        """Returns the sealed secret.

        Args:
            secret: What is sealed.
            nonce: NONCE_BYTES random bytes, never used before.
            partner: Whose secret it is.
            key_id: Its id.
        """
        box = self._cipher.encrypt(nonce, secret, _bound(partner, key_id))
        return urlsafe_b64encode(nonce + box).decode()

    def open(self, sealed: str, partner: str, key_id: str) -> bytes:
        """Returns the secret.

        Raises:
            cryptography.exceptions.InvalidTag: It was sealed by another key, or for somebody else.
        """
        raw = urlsafe_b64decode(sealed)
        return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(partner, key_id))


def shown(secret: bytes) -> str:
    """Returns a secret as its owner is shown it, once."""
    return _PREFIX + b64encode(secret).decode()


def _bound(partner: str, key_id: str) -> bytes:
    return f"webhook\n{partner}\n{key_id}".encode()
