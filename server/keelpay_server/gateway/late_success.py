"""Late success: a bank did what it had said it would not, and the payment has gone its own way meanwhile.

In: an operation that was given up, and its bank's success. Out: money taken is booked or on its way back, money
reserved is voided. Invariant: it works on the operation's own bank and hold, never on what the payment has now.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.leg import linked
from keelpay_server.ledger.posting import bank as bank_posting

from .bank_charge import charge_of
from .held import capture_held, release_held
from .operation import Operation, OperationKind, OperationState, submit
from .parties import parties_of
from .payment import MERCHANT, Payment, PaymentState, event_of, touch
from .refund_system import refund_suspense
from .void import bank_operation


def late_success(world: World, operation: Operation, result: OperationResult) -> Changes:
    """Returns what a success does that is heard of an operation given up before."""
    after = operation._replace(state=OperationState.SUCCEEDED, cost=result.cost_minor, update_time=world.wall_us)
    changes = _authorized(world, after) if after.kind == OperationKind.AUTHORIZE else _done(world, after, result)
    return changes._replace(done=(*changes.done, operation.id))


def _authorized(world: World, operation: Operation) -> Changes:
    """The bank reserved or took the money of an authorization that the payment does not build on any more."""
    payment = world.require(Payment, operation.subject)
    before = operation.hold
    after = operation if not before.rest else operation.with_hold(before.release())
    freed = before.freed(after.hold)
    if operation.capture:
        return _to_suspense(world, payment, after).join(Changes(rows=(after,), pending=freed))
    void = bank_operation(world, payment, after, OperationKind.VOID, 0)
    payment = touch(payment, operations=void.number)  # not its own `operation`: whatever that is goes on
    event = event_of(payment, "late_success", operation=operation.id)
    legs = charge_of(world, after).legs
    return Changes(payment, (after, void), legs, freed, (event,), (submit(void, world.wall_us),))


def _done(world: World, operation: Operation, result: OperationResult) -> Changes:
    """The bank captured or voided after all: as if it had said so at once, where the authorization still allows it."""
    payment = world.require(Payment, operation.subject)
    held = world.require(Operation, operation.original or b"")
    told = Changes(rows=(operation,))
    free = payment.operation is None and payment.authorization == held.id and payment.state in MERCHANT
    if operation.kind == OperationKind.VOID:
        if not free:
            return Changes(rows=(operation._replace(cost=0),))  # no event in which a charge could be booked
        parties, charge = parties_of(world, payment), Changes(legs=charge_of(world, operation).legs)
        released = release_held(world, payment, parties, held, PaymentState.CANCELLED, bank_us=result.bank_us)
        return released.join(told).join(charge)
    if not free or operation.amount > held.hold.rest:
        return _to_suspense(world, payment, operation).join(told)
    return capture_held(
        world, payment, parties_of(world, payment), held, operation.amount, final=operation.final,
        cost=result.cost_minor, bank_us=result.bank_us,
    ).join(told)  # fmt: skip


def _to_suspense(world: World, payment: Payment, operation: Operation) -> Changes:
    """Books what nobody wants any more as the operation's bank took it, and sends it back there."""
    bank = world.require(Bank, operation.bank)
    currency = parse(bank.clearing(operation.currency)).currency
    taken = bank_posting.late_success(bank=bank.number, currency=currency, amount=operation.amount)
    booked = linked(taken, charge_of(world, operation))
    payment = touch(payment)
    event = event_of(payment, "late_success", operation=operation.id)
    changes = Changes(payment, (), booked.legs, booked.pending, (event,))
    return changes.join(refund_suspense(world, payment, world.require(Merchant, payment.merchant), bank, operation))
