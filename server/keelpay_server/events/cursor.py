"""Cursors: where somebody stands in the events, opaque and signed.

In: the last sequence seen of each book. Out: a text, and back. Pure.
Invariant: a cursor that we did not make, or made for another list, is refused; one that lies ahead of a book (the
database was restored from a backup) is refused too, since it would hide what happens next.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

from msgspec import DecodeError, msgpack

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

Positions = dict[int, int]
"""The last sequence seen, by book."""
STREAM: Final = "stream"
_SIGNATURE_BYTES: Final = 16


class Cursors:
    """Makes and reads cursors.

    Args:
        secret: Key of the signatures; the same in every process of an installation.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, positions: Positions, scope: str = STREAM) -> str:
        """Returns the text of a place.

        Args:
            positions: Where.
            scope: What it continues; it serves only the same.
        """
        body = msgpack.encode(dict(sorted(positions.items())))
        return urlsafe_b64encode(self._sign(scope, body) + body).rstrip(b"=").decode()

    def read(self, text: str, scope: str = STREAM, *, reason: Reason = Reason.CURSOR_INVALID) -> Positions:
        """Returns the place of a text.

        Raises:
            Refused: `reason`, CURSOR_INVALID or PAGE_TOKEN_INVALID.
        """
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            if hmac.compare_digest(signature, self._sign(scope, body)):
                return msgpack.decode(body, type=Positions)
        except (ValueError, DecodeError) as error:
            raise Refused(reason) from error
        raise Refused(reason)

    def _sign(self, scope: str, body: bytes) -> bytes:
        return hmac.digest(self._secret, b"events\n" + scope.encode() + b"\0" + body, sha256)[:_SIGNATURE_BYTES]


def check_reached(positions: Positions, book: int, sequence: int) -> None:
    """Refuses a place that a book has not come to.

    Raises:
        Refused: CURSOR_INVALID.
    """
    if positions.get(book, 0) > sequence:
        raise Refused(Reason.CURSOR_INVALID, "the cursor lies ahead of what has happened; begin anew and compare")
