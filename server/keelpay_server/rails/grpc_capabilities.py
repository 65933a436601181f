"""What a bank declares: the port's plain values and keelpay.api.rail.v1's message, both ways.

In: values or a message. Out: a message or values. Invariant: kinds of operation that we do not know are left out, and a
batch has room for one item at least, whatever a bank says.
"""

from typing import Final

from keelpay.api.rail.v1 import capabilities_pb2, operation_pb2
from keelpay.api.type.v1 import channel_pb2
from keelpay_server.book.rail import OperationKind, RailCapabilities
from keelpay_server.book.wire_render import duration

_KINDS: Final = {int(kind): kind for kind in OperationKind}


def capabilities_message(row: RailCapabilities) -> capabilities_pb2.Capabilities:
    """Returns what a bank declares as its message."""
    return capabilities_pb2.Capabilities(
        bank=row.bank,
        channel=channel_pb2.Channel.ValueType(row.channel),
        kinds=[operation_pb2.OperationKind.ValueType(kind) for kind in sorted(row.kinds)],
        currency_codes=sorted(row.currencies),
        idempotent=row.idempotent,
        settle_time=duration(row.settle_us),
        remember_time=duration(row.remember_us),
        hold_time=duration(row.hold_us),
        separate_capture=row.separate_capture,
        capture_on_authorize=row.capture_on_authorize,
        partial_capture=row.partial_capture,
        multiple_capture=row.multiple_capture,
        batch_items_max=row.batch_items_max,
        authorize_timeout=duration(row.authorize_timeout_us),
        operation_timeout=duration(row.operation_timeout_us),
        query_timeout=duration(row.query_timeout_us),
        net_of_cost=row.net_of_cost,
        statement_formats=[capabilities_pb2.STATEMENT_FORMAT_JSON_LINES],
        utc_offset_minutes=row.utc_offset_minutes,
    )


def capabilities_of(message: capabilities_pb2.Capabilities) -> RailCapabilities:
    """Returns what a bank declares."""
    return RailCapabilities(
        bank=message.bank,
        channel=message.channel,
        kinds=frozenset(_KINDS[kind] for kind in message.kinds if kind in _KINDS),
        currencies=frozenset(message.currency_codes),
        idempotent=message.idempotent,
        settle_us=message.settle_time.ToMicroseconds(),
        remember_us=message.remember_time.ToMicroseconds(),
        hold_us=message.hold_time.ToMicroseconds(),
        separate_capture=message.separate_capture,
        capture_on_authorize=message.capture_on_authorize,
        partial_capture=message.partial_capture,
        multiple_capture=message.multiple_capture,
        batch_items_max=max(1, message.batch_items_max),
        authorize_timeout_us=message.authorize_timeout.ToMicroseconds(),
        operation_timeout_us=message.operation_timeout.ToMicroseconds(),
        query_timeout_us=message.query_timeout.ToMicroseconds(),
        net_of_cost=message.net_of_cost,
        utc_offset_minutes=message.utc_offset_minutes,
    )
