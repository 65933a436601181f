"""Amounts and times on the wire: the integers of the engine as the messages that every contract shares.

In: minor units with their currency, microseconds. Out: Money, Timestamp, Duration. Invariant: no float on the way; only
what is asked to may be absent (0 for a time that never was, None for an amount that there is not).
"""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.type.v1 import money_pb2

from .times import SECOND_US


def money(amount_minor: int, currency: str) -> money_pb2.Money:
    """Returns an amount."""
    return money_pb2.Money(currency_code=currency, amount_minor=amount_minor)


def money_or_none(amount_minor: int | None, currency: str) -> money_pb2.Money | None:
    """Returns an amount; None (a field left out) for None."""
    return None if amount_minor is None else money(amount_minor, currency)


def stamp(time_us: int) -> Timestamp:
    """Returns a time."""
    message = Timestamp()
    write_stamp(message, time_us)
    return message


def stamp_or_none(time_us: int) -> Timestamp | None:
    """Returns a time; None (a field left out) for 0."""
    return stamp(time_us) if time_us else None


def write_stamp(message: Timestamp, time_us: int) -> None:
    """Writes a time in its place: where many are written, a message of its own would be made and copied for each."""
    message.seconds, rest_us = divmod(time_us, SECOND_US)
    message.nanos = rest_us * 1000


def duration(span_us: int) -> Duration:
    """Returns a length of time."""
    message = Duration()
    message.FromMicroseconds(span_us)
    return message
