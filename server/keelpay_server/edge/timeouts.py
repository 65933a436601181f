"""Deadlines as the wires write them.

In: header values. Out: seconds. Invariant: what is no deadline is refused, never read as none.
"""

import re
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

_CONNECT: Final = re.compile(r"[0-9]{1,10}")
_GRPC: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_MS_PER_S: Final = 1000
SECONDS_MAX: Final = 7 * 86_400.0
"""Longer than any method's own limit; more would only overflow a timer."""


def connect_timeout(value: str | None) -> float | None:
    """Reads `connect-timeout-ms`; None where the caller sets none."""
    if value is None:
        return None
    if not _CONNECT.fullmatch(value):
        raise Refused(Reason.MESSAGE_MALFORMED, "connect-timeout-ms is a number of at most 10 digits")
    return min(int(value) / _MS_PER_S, SECONDS_MAX)


def grpc_timeout(value: str | None) -> float | None:
    """Reads `grpc-timeout`; None where the caller sets none."""
    if value is None:
        return None
    found = _GRPC.fullmatch(value)
    if found is None:
        raise Refused(Reason.MESSAGE_MALFORMED, "grpc-timeout is at most 8 digits and one of H M S m u n")
    return min(int(found[1]) * _UNITS[found[2]], SECONDS_MAX)
