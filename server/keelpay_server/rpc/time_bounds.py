"""The bounds of protobuf's own times, which no option of ours says.

In: a Timestamp or a Duration. Out: its violations. Invariant: what passes has a place in the calendar of
protobuf, so that nothing behind can fail on it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

TIMESTAMP_S_MIN: Final = -62_135_596_800
TIMESTAMP_S_MAX: Final = 253_402_300_799
"""Years 1 to 9999 (timestamp.proto)."""
DURATION_S_MAX: Final = 315_576_000_000
"""10,000 years (duration.proto)."""
_NANOS_MAX: Final = 999_999_999


def _seconds_and_nanos(least_s: int, most_s: int, least_ns: int) -> Callable[[Any], list[tuple[str, str]] | None]:
    def check(message: Any) -> list[tuple[str, str]] | None:
        if not least_s <= message.seconds <= most_s:
            return [("seconds", f"must be {least_s} to {most_s}")]
        if not least_ns <= message.nanos <= _NANOS_MAX:
            return [("nanos", f"must be {least_ns} to {_NANOS_MAX}")]
        return None

    return check


TIMES: Final[Mapping[str, Callable[[Any], list[tuple[str, str]] | None]]] = {
    "google.protobuf.Timestamp": _seconds_and_nanos(TIMESTAMP_S_MIN, TIMESTAMP_S_MAX, 0),
    "google.protobuf.Duration": _seconds_and_nanos(-DURATION_S_MAX, DURATION_S_MAX, -_NANOS_MAX),
}
"""Full name of a message to its check."""
