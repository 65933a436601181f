"""A payment's operations and what their results do to it: authorize, capture, void, late success.

In: resolved operations. Out: the payment's next state, legs, the end of holds. Invariant: money that a bank took is
always in the books: as the merchant's, or as suspense on its way back to the payer.
"""

import json
from typing import Any

from keelpay_server.auth.mandate import Mandate, give_back
from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World
from keelpay_server.clearing.window import unsettled_account
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import payment as posting

from .charge import HOLD_US, decline, expiry, fee_now, hold_expiry
from .decline import decline_of, failure_text
from .operation import Operation, OperationKind, OperationState
from .order_payment import order_freed, order_paid
from .parties import Parties, need_of, parties_of
from .payment import ENDED, Facts, Payment, PaymentState, event_of, move, touch
from .refund_system import refund_capture, refund_suspense
from .void import void_authorization


class PaymentSubject:
    """How a payment takes the results of its operations (see `subject.Subject`)."""

    def needs(self, need: Need, operation: Operation) -> None:
        """The payment and its parties; the authorization whose hold a capture or void works on."""
        payment = need.row(Payment, operation.subject)
        if payment is not None:
            need_of(need, payment)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Moves the payment by what became of its operation."""
        payment = world.require(Payment, operation.subject)
        parties = parties_of(world, payment)
        payment = payment._replace(operation=None)
        succeeded = operation.state == OperationState.SUCCEEDED
        if operation.kind == OperationKind.AUTHORIZE:
            if payment.state in ENDED and succeeded:
                return self.late(world, operation, result)
            if succeeded:
                return _authorized(world, payment, parties, operation, result)
            return _refused(world, payment, parties, operation, result)
        if operation.kind == OperationKind.CAPTURE and succeeded:
            held = world.require(Operation, payment.authorization or b"")
            return capture_held(world, payment, parties, held, operation.amount, final=operation.final,
                                cost=operation.cost, bank_us=result.bank_us)  # fmt: skip
        if operation.kind == OperationKind.VOID and succeeded:
            held = world.require(Operation, payment.authorization or b"")
            return release_held(world, payment, parties, held, PaymentState.CANCELLED, bank_us=result.bank_us)
        failure = failure_text(decline_of(operation.code), rail_code=operation.code, operation=operation.number,
                               wall_us=world.wall_us)  # fmt: skip
        payment = touch(payment, failure=failure)
        what = OperationKind(operation.kind).name.lower()
        return Changes(payment, events=(event_of(payment, f"{what}_failed", code=operation.code),))

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """The payer has to approve at the bank or wallet: the payment says where."""
        payment = world.require(Payment, operation.subject)
        action = json.dumps({"challenge": int(result.challenge), "url": result.challenge_uri})
        if payment.state != PaymentState.PROCESSING:
            return Changes()
        payment = move(payment, PaymentState.REQUIRES_ACTION, world.wall_us, bank_us=result.bank_us, action=action)
        return Changes(payment, events=(event_of(payment),))

    def late(self, world: World, operation: Operation, _result: OperationResult) -> Changes:
        """A bank took the money of a payment that had given up: it goes to suspense and back to the payer."""
        payment = world.require(Payment, operation.subject)
        parties = parties_of(world, payment)
        after = operation._replace(state=OperationState.SUCCEEDED, update_time=world.wall_us)
        if operation.kind != OperationKind.AUTHORIZE:
            return Changes(rows=(after,), done=(operation.id,))
        released = operation.hold.release() if operation.hold.rest else operation.hold
        after = after.with_hold(released)
        freed = operation.hold.freed(released)
        if not operation.capture:
            return void_authorization(world, payment, after).join(Changes(rows=(after,), pending=freed))
        if parties.bank is None:
            raise AssertionError("an operation names its bank")
        currency = parse(parties.bank.clearing(payment.currency)).currency
        booked = bank_posting.late_success(bank=parties.bank.number, currency=currency, amount=operation.amount)
        payment = touch(payment)
        event = event_of(payment, "late_success", operation=operation.id)
        changes = Changes(payment, (after,), booked.legs, (*booked.pending, *freed), (event,), done=(operation.id,))
        return changes.join(refund_suspense(world, payment, parties, operation))


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
    if payment.cancel_requested:
        return void_authorization(world, payment, operation)
    return Changes(payment, events=(event_of(payment),), work=(hold_expiry(payment),))


def _refused(
    world: World, payment: Payment, parties: Parties, operation: Operation, result: OperationResult
) -> Changes:
    """The bank said no, or never heard of it: the hold ends and the payer may choose another way."""
    released = operation.hold.release()
    rows: tuple[Any, ...] = (operation.with_hold(released),)
    mandate = None if payment.mandate is None or payment.stepped_up else world.get(Mandate, payment.mandate)
    if mandate is not None:
        rows = (*rows, give_back(mandate, operation.amount, world.business_us, world.wall_us))
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


def capture_held(
    world: World, payment: Payment, parties: Parties, held: Operation, amount: int, *, final: bool,
    cost: int = 0, bank_us: int = 0, since_us: int = 0, facts: Facts | None = None,
) -> Changes:  # fmt: skip
    """Takes a part of what an authorization holds; the books, the payment and the order follow."""
    after = held.hold.capture(amount, final=final)
    account, opens, opened = unsettled_account(world, parties.merchant)
    fee = fee_now(parties, payment, amount)
    posted = posting.capture(held.hold, after, window=parse(account).window, fee=fee, cost=cost)
    state = PaymentState.CAPTURED if not after.rest else PaymentState.PARTIALLY_CAPTURED
    payment = move(payment, state, world.wall_us, bank_us=bank_us, since_us=since_us, fee=payment.fee + fee,
                   captured=payment.captured + amount, released=after.released)  # fmt: skip
    rows: tuple[Any, ...] = (held.with_hold(after),) if opened is None else (held.with_hold(after), opened)
    done = (held.id,) if state is PaymentState.CAPTURED else ()
    event = event_of(payment, taken=amount, fee=fee, **(facts or {}))
    changes = Changes(payment, rows, posted.legs, posted.pending, (event,), done=done, opens=opens)
    return changes.join(order_paid(world, parties.order, payment))


def release_held(
    world: World, payment: Payment, parties: Parties, held: Operation, state: PaymentState, *,
    bank_us: int = 0, since_us: int = 0,
) -> Changes:  # fmt: skip
    """Gives back what an authorization still holds; a payment of which a part was taken ends as CAPTURED."""
    before: Hold = held.hold
    after = before.release()
    end = PaymentState.CAPTURED if payment.captured else state
    payment = move(payment, end, world.wall_us, bank_us=bank_us, since_us=since_us, released=after.released)
    changes = Changes(payment, (held.with_hold(after),), (), before.freed(after), (event_of(payment),), done=(held.id,))
    return changes if payment.captured else changes.join(order_freed(world, parties.order, payment))
