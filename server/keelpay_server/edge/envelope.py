"""Length-prefixed messages, as gRPC-Web and Connect's streams frame them: one byte of flags, four of length, the rest.

In: a body, or a message. Out: the one message of a request, or bytes to send. Invariant: a request holds exactly one
message, whole; each says for itself whether it is compressed.
"""

import struct
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .compression import IDENTITY, unpack

HEAD_BYTES: Final = 5
_HEAD: Final = struct.Struct(">BI")
_COMPRESSED: Final = 0x01


def wrap(message: bytes, flags: int = 0) -> bytes:
    """Frames a message."""
    return _HEAD.pack(flags, len(message)) + message


def unwrap(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """Returns the one message of a request's body.

    Args:
        body: All of it.
        encoding: What a compressed message is compressed by.
        bytes_max: The most that it may hold.

    Raises:
        Refused: MESSAGE_MALFORMED: none, more than one, cut short, too big.
    """
    if len(body) < HEAD_BYTES:
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is shorter than the head of a message")
    flags, length = _HEAD.unpack_from(body)
    if flags & ~_COMPRESSED:
        raise Refused(Reason.MESSAGE_MALFORMED, f"a request's message has no flags {flags:#04x}")
    if flags and encoding == IDENTITY:
        raise Refused(Reason.MESSAGE_MALFORMED, "a message is marked as compressed, but no header says by what")
    if length != len(body) - HEAD_BYTES:
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is not one whole message")
    return unpack(encoding if flags else IDENTITY, body[HEAD_BYTES:], bytes_max)
