"""Expiry: payments, holds and orders whose time ran out by the business clock.

In: due work. Out: commands that end what may be ended. Invariant: a payment at a bank never expires; its hold ends by
a void that the bank has proven.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import BUSINESS, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.need import Need
from keelpay_server.book.times import DAY_US, MINUTE_US
from keelpay_server.book.worker import Handler, Look
from keelpay_server.book.world import World

from .capture import PaymentCommand, end_payment
from .charge import EXPIRY_WORK, HOLD_AGAIN_US, HOLD_WORK
from .held import release_held
from .operation import Operation
from .order import Order, OrderState, event_of, move
from .parties import Parties
from .payment import TRANSITIONS, Payment, PaymentState, touch
from .void import void_authorization

ORDER_WORK = "order.expiry"
ORDER_AGAIN_US = MINUTE_US
"""When an order is looked at again whose payment was still alive at its time: a bank may take longer."""
HOLD_DOUBLINGS_MAX = 5
HOLD_LAPSED_US = 7 * DAY_US
"""So long after a hold's time its bank has let the reservation lapse, whatever it answers to a void."""
"""A hold that its bank does not void is looked at again after 1, 2, 4 ... and at last every 32 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpirePayment(PaymentCommand):
    """Ends a payment that nobody authorized in time.

    Attributes:
        work: The work row this ends.
    """

    work: bytes

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Does nothing to a payment that has moved on."""
        waiting = PaymentState.EXPIRED in TRANSITIONS[PaymentState(payment.state)]
        if not waiting or payment.operation is not None or payment.state == PaymentState.AUTHORIZED:
            return Changes(done=(self.work,))
        changes = end_payment(world, payment, parties, held, PaymentState.EXPIRED)
        return changes._replace(done=(*changes.done, self.work))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold(PaymentCommand):
    """Gives back what was authorized and not taken within the hold's time.

    Attributes:
        work: The work row this ends, or keeps until nothing is held any more.
        attempt: How often it was tried.
    """

    work: bytes
    attempt: int = 0

    def needs(self, need: Need) -> None:
        """The payment and what belongs to it; its work."""
        need.row(Work, self.work)
        PaymentCommand.needs(self, need)

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Does nothing where nothing is held any more; looks again later at a hold that its bank has to end.

        A bank that denies every void (it voided the reservation itself, or lost it) does not keep a payment open for
        ever: a week after the hold's time the reservation has lapsed there, and ends here too.
        """
        if held is None or held.id != self.work or not held.hold.rest:
            return Changes(done=(self.work,))
        if not payment.bank:
            return end_payment(world, payment, parties, held, PaymentState.EXPIRED)
        due = world.business_us + (HOLD_AGAIN_US << min(self.attempt, HOLD_DOUBLINGS_MAX))
        again = Work(self.work, HOLD_WORK, payment.id, BUSINESS, due, self.attempt + 1)
        if payment.operation is not None:
            return Changes(work=(again,))
        if world.business_us >= payment.hold_expire_time + HOLD_LAPSED_US:
            return release_held(world, payment, parties, held, PaymentState.EXPIRED)
        changes = void_authorization(world, touch(payment, cancel_requested=True), held)
        return changes._replace(work=(*changes.work, again))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireOrder(Command):
    """Ends an order that nobody paid in time.

    Attributes:
        order: Key.
    """

    order: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The order and its work."""
        need.row(Order, self.order)
        need.row(Work, self.order)

    def decide(self, world: World) -> Changes:
        """Leaves an order alone that is no longer open; one whose payment is still alive waits for its end."""
        order = world.require(Order, self.order)
        if order.state != OrderState.OPEN:
            return Changes(done=(order.id,))
        if order.payment is not None:
            later = world.business_us + ORDER_AGAIN_US
            return Changes(work=(Work(order.id, ORDER_WORK, order.id, BUSINESS, later),))
        order = move(order, OrderState.EXPIRED, world.wall_us)
        return Changes(order, events=(event_of(order, "expired"),), done=(order.id,))


def expiry_handlers(engine: Engine) -> dict[str, Handler]:
    """Returns the handlers of the three kinds of expiry."""

    async def payments(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([ExpirePayment(payment=task.subject, work=task.id) for task in tasks])

    async def holds(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many(
            [ExpireHold(payment=task.subject, work=task.id, attempt=task.attempt) for task in tasks]
        )

    async def orders(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([ExpireOrder(order=task.subject) for task in tasks])

    return {EXPIRY_WORK: payments, HOLD_WORK: holds, ORDER_WORK: orders}
