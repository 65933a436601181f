"""Base64url without padding, read strictly (RFC 4648 section 5).

In and out: bytes and ASCII text. Invariant: one byte string has exactly one text, so that comparing texts compares
bytes; Python's own decoder skips foreign characters and ignores left-over bits.
"""

import base64
import binascii


def encode(data: bytes) -> str:
    """Writes bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Reads base64url without padding.

    Raises:
        ValueError: The text has padding, a character outside the alphabet, or bits left over.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
