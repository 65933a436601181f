"""A payment's operations and what their results do to it: authorize, capture, void.

In: resolved operations. Out: the payment's next state, legs, the end of holds. Invariant: money that a bank took is
always in the books: as the merchant's, or as suspense on its way back to the payer.
"""

import json
from typing import Any

from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World

from .bank_charge import charge_of
from .charge import HOLD_AGAIN_US, HOLD_US, decline, expiry, hold_expiry
from .decline import decline_of, failure_text
from .held import capture_held, release_held, unspent
from .late_success import late_success
from .operation import Operation, OperationKind, OperationState
from .order_payment import order_freed
from .parties import Parties, need_of, parties_of
from .payment import Payment, PaymentState, event_of, move, touch
from .refund_system import refund_capture
from .void import void_authorization


class PaymentSubject:
    """How a payment takes the results of its operations (see `subject.Subject`)."""

    def needs(self, need: Need, operation: Operation) -> None:
        """The payment and its parties; the authorization whose hold a capture or void works on, and its work."""
        payment = need.row(Payment, operation.subject)
        if payment is not None:
            need_of(need, payment)
        if operation.original is not None:
            need.row(Operation, operation.original)
            need.row(Work, operation.original)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Moves the payment by what became of its operation."""
        payment = world.require(Payment, operation.subject)
        if payment.operation != operation.id:  # the void of a late success: the payment goes its own way
            return Changes()
        parties = parties_of(world, payment)
        payment = payment._replace(operation=None)
        succeeded = operation.state == OperationState.SUCCEEDED
        if operation.kind == OperationKind.AUTHORIZE:
            step = _authorized if succeeded else _refused
            return step(world, payment, parties, operation, result)
        if not succeeded:
            return _not_done(world, payment, operation)
        held = world.require(Operation, operation.original or b"")
        if operation.kind == OperationKind.VOID:
            return release_held(world, payment, parties, held, PaymentState.CANCELLED, bank_us=result.bank_us)
        return capture_held(world, payment, parties, held, operation.amount, final=operation.final,
                            cost=operation.cost, bank_us=result.bank_us)  # fmt: skip

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """The payer has to approve at the bank or wallet: the payment says where."""
        payment = world.require(Payment, operation.subject)
        action = json.dumps({"challenge": int(result.challenge), "url": result.challenge_uri})
        if payment.operation != operation.id or payment.state != PaymentState.PROCESSING:
            return Changes()
        payment = move(payment, PaymentState.REQUIRES_ACTION, world.wall_us, bank_us=result.bank_us, action=action)
        return Changes(payment, events=(event_of(payment),))

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """See `late_success`."""
        return late_success(world, operation, result)

    def charged(self, world: World, operation: Operation) -> Changes:
        """A charge that is told later is our cost all the same."""
        payment = touch(world.require(Payment, operation.subject))
        legs = charge_of(world, operation).legs
        return Changes(payment, legs=legs, events=(event_of(payment, "charged", operation=operation.id),))


def _authorized(
    world: World, payment: Payment, parties: Parties, operation: Operation, result: OperationResult
) -> Changes:
    """The bank reserved or took the money."""
    wall_us = world.wall_us
    if payment.state == PaymentState.REQUIRES_ACTION:
        payment = move(payment, PaymentState.PROCESSING, wall_us, bank_us=result.bank_us, action="")
    if operation.capture:
        payment = payment._replace(authorized=operation.amount)
        paying = parties._replace(order=None) if payment.cancel_requested else parties
        changes = capture_held(world, payment, paying, operation, operation.amount, final=True,
                               cost=operation.cost, bank_us=result.bank_us)  # fmt: skip
        if payment.cancel_requested:
            return changes.join(refund_capture(world, changes.row, parties, operation))
        return changes
    payment = move(payment, PaymentState.AUTHORIZED, wall_us, bank_us=result.bank_us, authorized=operation.amount,
                   hold_expire_time=world.business_us + HOLD_US)  # fmt: skip
    ends = Changes(payment, events=(event_of(payment),), work=(hold_expiry(payment),))
    if payment.cancel_requested:
        voided = void_authorization(world, payment, operation)
        return voided._replace(work=(*voided.work, *ends.work))  # should the bank not void it, its time ends it
    return ends


def _refused(
    world: World, payment: Payment, parties: Parties, operation: Operation, result: OperationResult
) -> Changes:
    """The bank said no, or never heard of it: the hold ends and the payer may choose another way."""
    released = operation.hold.release()
    rows: tuple[Any, ...] = (operation.with_hold(released), *unspent(world, payment, operation.amount))
    freed = operation.hold.freed(released)
    if payment.state == PaymentState.REQUIRES_ACTION:
        payment = move(payment, PaymentState.PROCESSING, world.wall_us, bank_us=result.bank_us, action="")
    if payment.cancel_requested:
        payment = move(payment, PaymentState.CANCELLED, world.wall_us, bank_us=result.bank_us, authorization=None)
        changes = Changes(payment, events=(event_of(payment),))
        changes = changes.join(order_freed(world, parties.order, payment))
    else:
        failure = failure_text(decline_of(operation.code), rail_code=operation.code, operation=operation.number,
                               wall_us=world.wall_us)  # fmt: skip
        changes = decline(world, payment, parties, failure, {"code": operation.code}, bank_us=result.bank_us)
        changes = changes._replace(work=(*changes.work, expiry(payment)))  # its row had ended with the charge
    return changes.join(Changes(rows=rows, pending=freed))


def _not_done(world: World, payment: Payment, operation: Operation) -> Changes:
    """The bank did not capture or void: the money is held as before, and may be asked for in another way.

    A cancel that was not carried out is not lost: the hold's own work asks for the void again.
    """
    failure = failure_text(decline_of(operation.code), rail_code=operation.code, operation=operation.number,
                           wall_us=world.wall_us)  # fmt: skip
    work: tuple[Work, ...] = ()
    if operation.kind == OperationKind.VOID and payment.cancel_requested:
        task = world.get(Work, operation.original or b"")
        if task is None or not task.attempt:
            work = (hold_expiry(payment)._replace(due_time=world.business_us + HOLD_AGAIN_US, attempt=1),)
        payment = payment._replace(cancel_requested=False)
    payment = touch(payment, failure=failure)
    what = OperationKind(operation.kind).name.lower()
    return Changes(payment, events=(event_of(payment, f"{what}_failed", code=operation.code),), work=work)
