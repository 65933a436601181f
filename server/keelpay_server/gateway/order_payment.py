"""How an order follows its payment: taken, paid, free again, closed.

In: a payment's step. Out: the order's part of the same commit. Invariant: one live payment an order; a paid order is
paid once; a closing order closes when its payment has ended without success.
"""

from keelpay_server.book.changes import Changes
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text

from .order import Order, OrderState, event_of, move, touch
from .parties import Payable
from .payment import Payment


def check_order(order: Order, payment: Payable) -> None:
    """Refuses a payment for an order that is not for it.

    Raises:
        Refused: RESOURCE_NOT_FOUND; FIELD_INVALID for another payer than the order's, or none.
    """
    if order.merchant != payment.merchant:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="order")
    if order.payer and payment.payer != order.payer:
        invalid("payment.payer", "must be the payer that the order names")


def take_order(world: World, order: Order, payment: Payment) -> Changes:
    """Makes a new payment the order's live one.

    Raises:
        Refused: ORDER_PAID, ORDER_CLOSED, ORDER_HAS_LIVE_PAYMENT, AMOUNT_OUT_OF_RANGE, CURRENCY_MISMATCH, and those of
            `check_order`.
    """
    check_order(order, payment)
    if order.state == OrderState.PAID:
        raise Refused(Reason.ORDER_PAID)
    if order.state != OrderState.OPEN or order.expire_time <= world.business_us:
        raise Refused(Reason.ORDER_CLOSED)
    if order.payment is not None:
        raise Refused(Reason.ORDER_HAS_LIVE_PAYMENT)
    if order.currency != payment.currency:
        raise Refused(Reason.CURRENCY_MISMATCH, expected=order.currency, given=payment.currency)
    if order.amount != payment.amount:
        whole, given = (amount_text(amount, order.currency) for amount in (order.amount, payment.amount))
        raise Refused(
            Reason.AMOUNT_OUT_OF_RANGE, f"a payment pays the whole order, {whole}; {given} was given",
            min_minor=str(order.amount), max_minor=str(order.amount),
        )  # fmt: skip
    return Changes(rows=(touch(order, world.wall_us, payment=payment.id),))


def order_paid(world: World, order: Order | None, payment: Payment) -> Changes:
    """The order is paid by the payment's first success; one that was closing stays unpaid, and closes with it."""
    if order is not None and order.state == OrderState.CLOSING and order.payment == payment.id:
        closed = move(order, OrderState.CLOSED, world.wall_us)
        return Changes(rows=(closed,), events=(event_of(closed, "closed"),), done=(order.id,))
    if order is None or order.state != OrderState.OPEN:
        return Changes()
    paid = move(order, OrderState.PAID, world.wall_us, payment=payment.id)
    return Changes(rows=(paid,), events=(event_of(paid, "paid"),), done=(order.id,))


def order_freed(world: World, order: Order | None, payment: Payment) -> Changes:
    """The payment ended or failed: the order may be tried again, or closes if that was asked for."""
    if order is None or order.payment != payment.id:
        return Changes()
    if order.state == OrderState.CLOSING:
        closed = move(order, OrderState.CLOSED, world.wall_us, payment=None)
        return Changes(rows=(closed,), events=(event_of(closed, "closed"),), done=(order.id,))
    if order.state == OrderState.OPEN:
        return Changes(rows=(touch(order, world.wall_us, payment=None),))
    return Changes()
