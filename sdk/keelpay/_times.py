"""Times as Python knows them, and as the wire carries them.

Invariant: every datetime that the library returns is aware and in UTC; one without a zone is refused, not guessed.
"""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def to_datetime(raw: Timestamp) -> datetime:
    """The time in UTC, to the microsecond."""
    return raw.ToDatetime(tzinfo=UTC)


def to_timestamp(time: datetime | None) -> Timestamp | None:
    """The time for the wire; None stays None, and then the field is absent.

    Raises:
        ValueError: It has no time zone.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone: use datetime.now(timezone.utc), or .astimezone()")
    raw = Timestamp()
    raw.FromDatetime(time)
    return raw


def to_text(time: datetime) -> str:
    """The time as filters write it (RFC 3339).

    Raises:
        ValueError: It has no time zone.
    """
    raw = to_timestamp(time)
    return raw.ToJsonString() if raw is not None else ""


def to_timedelta(raw: Duration) -> timedelta:
    """The duration, to the microsecond."""
    return raw.ToTimedelta()


def to_duration(duration: timedelta | None) -> Duration | None:
    """The duration for the wire; None stays None."""
    if duration is None:
        return None
    raw = Duration()
    raw.FromTimedelta(duration)
    return raw
