"""How a refund looks on the wire.

In: the stored refund and, for a whole view, its operations. Out: the contract's message.
Invariant: a decline is told in the contract's words, which never say that a card is known as stolen.
"""

import json
from collections.abc import Sequence

from keelpay.api.gateway.v1 import refund_pb2
from keelpay_server.book.wire_render import money, stamp

from . import names
from .decline import decline_of
from .operation import Operation
from .payment_render import render_operation
from .refund import Refund, RefundState

_DECLINED = frozenset({RefundState.ABNORMAL, RefundState.FAILED})


def render_refund(refund: Refund, operations: Sequence[Operation] = ()) -> refund_pb2.Refund:
    """Returns the refund's message; lists leave the operations out."""
    message = refund_pb2.Refund(
        name=names.refund_name(refund.merchant, refund.id),
        payment=names.payment_name(refund.merchant, refund.payment),
        merchant_refund_id=refund.number,
        amount=money(refund.amount, refund.currency),
        description=refund.description,
        metadata=json.loads(refund.metadata) if refund.metadata else {},
        state=refund.state,  # type: ignore[arg-type]
        due_time=stamp(refund.due_time),
        lagging=bool(refund.lagging),
        lag_cause=refund.lag_cause,  # type: ignore[arg-type]
        channel=refund.channel,  # type: ignore[arg-type]
        instrument="" if refund.instrument is None else names.instrument_name(refund.payer, refund.instrument),
        fee_returned_minor=refund.from_fee,
        operations=[render_operation(operation) for operation in operations],
        create_time=stamp(refund.create_time),
        update_time=stamp(refund.update_time),
        state_version=refund.state_version,
    )
    if refund.state in _DECLINED and refund.operations:
        message.decline_reason = int(decline_of(refund.code))  # type: ignore[assignment]
    if refund.success_time:
        message.success_time.CopyFrom(stamp(refund.success_time))
    return message
