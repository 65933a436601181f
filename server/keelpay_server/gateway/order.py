"""Order: what somebody wants to buy; tried by one payment at a time, paid once.

In: merchants' requests, payments' results. Out: the order after the step. Invariant: at most one live payment.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition

KIND: Final = "ord"


class OrderState(IntEnum):
    """Life of an order, numbered as in the contract."""

    OPEN = 1
    PAID = 2
    CLOSING = 3
    CLOSED = 4
    EXPIRED = 5


TRANSITIONS: Final[dict[OrderState, frozenset[OrderState]]] = {
    OrderState.OPEN: frozenset({OrderState.PAID, OrderState.CLOSING, OrderState.CLOSED, OrderState.EXPIRED}),
    OrderState.CLOSING: frozenset({OrderState.CLOSED}),
    OrderState.PAID: frozenset(),
    OrderState.CLOSED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}


class Order(NamedTuple):
    """One order.

    Attributes:
        id: Its key.
        merchant: Who is paid.
        number: The merchant's own number.
        payer: `<partner>/<id>`, or empty.
        currency: Of the amount.
        amount: Minor units.
        state: An OrderState.
        state_version: Counts its changes.
        payment: The live or the paying payment, or None.
        description: What is bought.
        statement_descriptor: For the payer's bank statement.
        metadata: JSON object of the merchant's texts.
        expire_time: Business clock.
        create_time: Wall clock.
        update_time: Wall clock.
        return_uri: Where the payer goes back to, or empty; its payments take it over.
    """

    id: bytes
    merchant: str
    number: str
    payer: str
    currency: str
    amount: int
    state: int
    state_version: int
    payment: bytes | None
    description: str
    statement_descriptor: str
    metadata: str
    expire_time: int
    create_time: int
    update_time: int
    return_uri: str = ""


def move(order: Order, to: OrderState, wall_us: int, **changes: Any) -> Order:
    """Returns the order in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[OrderState(order.state)]:
        refuse_transition("order", OrderState(order.state).name, to.name)
    return touch(order, wall_us, state=to, **changes)


def touch(order: Order, wall_us: int, **changes: Any) -> Order:
    """Returns the order with other fields, in the same state."""
    return order._replace(state_version=order.state_version + 1, update_time=wall_us, **changes)


def event_of(order: Order, what: str) -> Event:
    """Returns the event of an order's step, such as `order.paid`."""
    data = {"state": int(order.state), "amount": order.amount, "currency": order.currency}
    return Event(f"order.{what}", KIND, order.id, order.state_version, order.merchant, data)
