"""Requests that come compressed: gzip, which some clients use unasked. Answers are never compressed.

In: an encoding's name and bytes. Out: the bytes they stand for. Invariant: a small body never becomes more than a body
may be; the rest of a bomb is not even unpacked.
"""

import zlib
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

IDENTITY: Final = "identity"
GZIP: Final = "gzip"
ACCEPTED: Final = (GZIP, IDENTITY)
_GZIP_WINDOW: Final = 31


def is_known(encoding: str) -> bool:
    """Whether requests may come in an encoding."""
    return encoding in ACCEPTED


def unpack(encoding: str, packed: bytes, bytes_max: int) -> bytes:
    """Returns what was packed.

    Raises:
        Refused: MESSAGE_MALFORMED: it is more than `bytes_max`, or is not what it says.
    """
    if encoding == IDENTITY:
        return packed
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = stream.decompress(packed, bytes_max + 1)
    except zlib.error:
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is no gzip") from None
    if len(content) > bytes_max:
        raise Refused(Reason.MESSAGE_MALFORMED, f"a message of this method has at most {bytes_max} bytes")
    if not stream.eof or stream.unused_data:
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is not one whole gzip")
    return content
