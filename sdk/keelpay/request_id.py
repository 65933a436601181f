"""Request ids: made once for what a caller means to happen once (AIP-155).

Out: a UUIDv7 (RFC 9562) in lower case. Invariant: ids made later sort later, to the millisecond; 74 bits are chance.
"""

import os
import time
import uuid
from typing import Final

_NS_PER_MS: Final = 1_000_000
_RANDOM_BYTES: Final = 10


def new_request_id() -> str:
    """Makes a request id. Keep it with what it is for, and send the same one again after a failure."""
    milliseconds = time.time_ns() // _NS_PER_MS
    value = milliseconds << 80 | int.from_bytes(os.urandom(_RANDOM_BYTES), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=value))
