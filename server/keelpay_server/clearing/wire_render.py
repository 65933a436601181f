"""Amounts and times on the wire.

In: integers of the engine. Out: the contract's messages. Invariant: no float, and a time that never was is absent.
"""

from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.type.v1 import money_pb2
from keelpay_server.book.times import SECOND_US


def stamp(time_us: int) -> Timestamp | None:
    """Returns a protobuf timestamp of microseconds; None (a field left out) for 0."""
    if not time_us:
        return None
    seconds, micros = divmod(time_us, SECOND_US)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def money(amount_minor: int | None, currency: str) -> money_pb2.Money | None:
    """Returns a protobuf amount; None (a field left out) for None."""
    if amount_minor is None:
        return None
    return money_pb2.Money(currency_code=currency, amount_minor=amount_minor)
