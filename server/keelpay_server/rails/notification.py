"""The seal on a bank's notifications: Ed25519 (RFC 8032) over the bytes as they are sent.

In: bytes and keys. Out: a signature, or whether one holds. Pure. Invariant: what is signed names its purpose and the
bank, so that a signature made for one bank or another protocol never holds here.
"""

from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DOMAIN: Final = b"keelpay-rail-notification-v1"


def sign_notification(private_key: Ed25519PrivateKey, bank: str, notification: bytes) -> bytes:
    """Returns the 64 bytes of the signature.

    Args:
        private_key: One of the bank's keys.
        bank: The bank's short name.
        notification: A serialized keelpay.api.rail.v1.Notification.
    """
    return private_key.sign(_signed(bank, notification))


def verify_notification(
    public_keys: Mapping[str, bytes], *, bank: str, key_id: str, notification: bytes, signature: bytes
) -> bool:
    """Returns whether a signature holds.

    Args:
        public_keys: The bank's registered keys: 32 raw bytes by key id. Several while it changes keys.
        bank: Who says to have sent it.
        key_id: Which key it says to have used.
        notification: The bytes as received.
        signature: As received.
    """
    raw = public_keys.get(key_id)
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, _signed(bank, notification))
    except InvalidSignature:
        return False
    return True


def _signed(bank: str, notification: bytes) -> bytes:
    return b"\0".join((_DOMAIN, bank.encode(), notification))
