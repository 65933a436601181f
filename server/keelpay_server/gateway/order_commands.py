"""Creating and closing orders.

In: what a merchant asks. Out: an order; a closed one, or one that closes when its payment at the bank has ended.
Invariant: closing never loses a late success: what was only authorized is voided, what was captured is refunded.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.changes import BUSINESS, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.return_url import check_return_url
from keelpay_server.book.times import DAY_US, HOUR_US
from keelpay_server.book.world import World
from keelpay_server.ledger.money import AMOUNT_MAX, amount_text

from .capture import end_payment
from .expiry import ORDER_WORK
from .number import need_number, take_number
from .operation import Operation
from .order import Order, OrderState, event_of, move
from .parties import need_of, parties_of
from .payment import TRANSITIONS, Payment, PaymentState, touch
from .void import request_cancel, void_authorization

LIFE_US: Final = 2 * HOUR_US
LIFE_US_MAX: Final = 30 * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder(Command):
    """Makes an order.

    Attributes:
        merchant: Who is paid.
        number: The merchant's own number.
        payer: `<partner>/<id>`, or empty.
        currency: Code.
        amount: Minor units, above zero.
        description: What is bought.
        descriptor: For the payer's statement; empty means the merchant's.
        metadata: JSON object.
        expire_time: Business clock; 0 for LIFE_US after now.
        return_uri: Where the payer goes back to, or empty.
    """

    merchant: str
    number: str
    payer: str
    currency: str
    amount: int
    description: str = ""
    descriptor: str = ""
    metadata: str = ""
    expire_time: int = 0
    return_uri: str = ""

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The merchant, the payer, and whether the number is taken."""
        need_number(need, self.merchant, "orders", self.number)
        need.row(Merchant, self.merchant)
        if self.payer:
            need.row(Payer, self.payer)

    def decide(self, world: World) -> Changes:
        """Opens it.

        Raises:
            Refused: RESOURCE_NOT_FOUND, MERCHANT_SUSPENDED, CURRENCY_MISMATCH, AMOUNT_OUT_OF_RANGE, FIELD_INVALID for
                a time that is over or too far, RETURN_URL_NOT_ALLOWED, MERCHANT_NUMBER_TAKEN.
        """
        merchant = world.require(Merchant, self.merchant)
        if merchant.state != MerchantState.ACTIVE:
            raise Refused(Reason.MERCHANT_SUSPENDED)
        if self.currency != merchant.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, expected=merchant.currency, given=self.currency)
        if self.amount > AMOUNT_MAX:
            raise Refused(
                Reason.AMOUNT_OUT_OF_RANGE,
                f"{amount_text(self.amount, self.currency)} is more than the largest order,"
                f" {amount_text(AMOUNT_MAX, self.currency)}",
                min_minor="1", max_minor=str(AMOUNT_MAX),
            )  # fmt: skip
        if self.payer and world.require(Payer, self.payer).partner != merchant.partner:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
        check_return_url(merchant, self.return_uri)
        now = world.business_us
        expire_time = self.expire_time or now + LIFE_US
        if not now < expire_time <= now + LIFE_US_MAX:
            invalid("order.expire_time", "it must lie within the next 30 days")
        order = Order(
            id=world.new_id(), merchant=self.merchant, number=self.number, payer=self.payer, currency=self.currency,
            amount=self.amount, state=OrderState.OPEN, state_version=1, payment=None, description=self.description,
            statement_descriptor=self.descriptor, metadata=self.metadata, expire_time=expire_time,
            create_time=world.wall_us, update_time=world.wall_us, return_uri=self.return_uri,
        )  # fmt: skip
        taken = take_number(world, self.merchant, "orders", self.number, order.id)
        expiry = Work(order.id, ORDER_WORK, order.id, BUSINESS, expire_time)
        return Changes(order, (taken,), events=(event_of(order, "created"),), work=(expiry,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder(Command):
    """Closes an order so that nobody can pay it any more.

    Attributes:
        order: Key.
        received_us: Wall clock: when the request arrived.
    """

    order: bytes
    received_us: int = 0

    depth: ClassVar[int] = 5

    def needs(self, need: Need) -> None:
        """The order, then its live payment, then that payment's parties and authorization."""
        order = need.row(Order, self.order)
        if order is None or order.payment is None:
            return
        payment = need.row(Payment, order.payment)
        if payment is not None:
            need_of(need, payment)
            if payment.authorization is not None:
                need.row(Operation, payment.authorization)

    def decide(self, world: World) -> Changes:
        """Closes at once, or as soon as the bank has answered.

        Raises:
            Refused: ORDER_PAID, ILLEGAL_TRANSITION, OPERATION_UNRESOLVED while money is being captured.
        """
        order = world.require(Order, self.order)
        if order.state == OrderState.PAID:
            raise Refused(Reason.ORDER_PAID)
        if order.payment is None:
            closed = move(order, OrderState.CLOSED, world.wall_us)
            return Changes(closed, events=(event_of(closed, "closed"),), done=(order.id,))
        return self._with_payment(world, order, world.require(Payment, order.payment))

    def _with_payment(self, world: World, order: Order, payment: Payment) -> Changes:
        closing = move(order, OrderState.CLOSING, world.wall_us)
        parties = parties_of(world, payment)._replace(order=closing)
        held = None if payment.authorization is None else world.require(Operation, payment.authorization)
        state = PaymentState(payment.state)
        if state is PaymentState.PROCESSING or payment.operation is not None:
            if state not in (PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION):
                raise Refused(Reason.OPERATION_UNRESOLVED, retry_after_ms=2000)
            changes = request_cancel(world, payment, "order closed")
        elif state is PaymentState.AUTHORIZED and payment.bank and held is not None:
            changes = void_authorization(world, touch(payment, cancel_requested=True), held)
        elif PaymentState.CANCELLED in TRANSITIONS[state]:
            changes = end_payment(world, payment, parties, held, PaymentState.CANCELLED, self.received_us)
        else:
            closed = move(closing, OrderState.CLOSED, world.wall_us, payment=None)
            changes = Changes(rows=(closed,), events=(event_of(closed, "closed"),), done=(order.id,))
        return _answered_by(closing, changes)


def _answered_by(closing: Order, changes: Changes) -> Changes:
    """The order answers: closed by what became of its payment, or else closing."""
    closed = next((row for row in changes.rows if type(row) is Order), None)
    others = tuple(row for row in (changes.row, *changes.rows) if row is not None and type(row) is not Order)
    if closed is not None:
        return changes._replace(row=closed, rows=others)
    return changes._replace(row=closing, rows=others, events=(*changes.events, event_of(closing, "closing")))
