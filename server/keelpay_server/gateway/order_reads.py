"""Reads of orders: one by name or number, and what lists may be filtered by.

In: names and numbers of requests. Out: stored rows. Invariant: a caller sees its own; a stranger sees nothing.
"""

from typing import Final

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.filtering import Meaning, one_of, time_of
from keelpay_server.book.ownership import own_payer, owned_merchant
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from . import names
from .number import Number, number_key
from .order import KIND, Order, OrderState
from .payment_reads import owned_payment

FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", OrderState),
    "payer": lambda name: ("payer", names.parse_payer(name, "filter")),
    "create_time": time_of("create_time"),
}


async def owned_order(reader: Reader, caller: Caller, name: str) -> Order:
    """Returns an order that the caller may see: its merchant's partner's, its payer's, or its payment's.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER, FIELD_INVALID.
    """
    merchant, key = names.parse_child(name, "orders", KIND)
    order = await reader.get(Order, key)
    if order is None or order.merchant != merchant:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="order")
    if caller.kind != CallerKind.PAYER:
        await owned_merchant(reader, caller, merchant)
    elif caller.resource:
        payment = await owned_payment(reader, caller, caller.resource)
        if payment.order != order.id:
            raise Refused(Reason.NOT_OWNER)
    else:
        own_payer(caller, order.payer)
    return order


async def order_by_number(reader: Reader, merchant: str, number: str) -> Order:
    """Returns the order of a merchant's own number.

    Raises:
        Refused: RESOURCE_NOT_FOUND.
    """
    row = await reader.get(Number, number_key(merchant, "orders", number))
    order = None if row is None else await reader.get(Order, row.subject)
    if order is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="order")
    return order
