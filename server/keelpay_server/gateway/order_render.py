"""How an order looks on the wire.

In: the stored order. Out: the contract's message. Invariant: parse(render(x)) names the same order.
"""

import json

from keelpay.api.gateway.v1 import order_pb2
from keelpay_server.book.wire_render import money, stamp

from . import names
from .order import Order


def render_order(order: Order) -> order_pb2.Order:
    """Returns the order's message."""
    return order_pb2.Order(
        name=names.order_name(order.merchant, order.id),
        merchant_order_id=order.number,
        amount=money(order.amount, order.currency),
        description=order.description,
        statement_descriptor=order.statement_descriptor,
        payer=names.payer_name(order.payer),
        expire_time=stamp(order.expire_time),
        metadata=json.loads(order.metadata) if order.metadata else {},
        state=order.state,  # type: ignore[arg-type]
        payment="" if order.payment is None else names.payment_name(order.merchant, order.payment),
        create_time=stamp(order.create_time),
        update_time=stamp(order.update_time),
        state_version=order.state_version,
        return_url=order.return_uri,
    )
