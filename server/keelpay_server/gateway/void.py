"""Void: giving up an authorization at its bank.

In: a payment whose authorized money is not wanted any more. Out: a VOID operation on disk before it is sent.
Invariant: the hold ends only when the bank has proven the void.
"""

from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.world import World

from .operation import ASK, WORK, Operation, OperationKind, OperationState, submit
from .payment import Payment, event_of, touch


def bank_operation(
    world: World, payment: Payment, held: Operation, kind: OperationKind, amount: int, *, final: bool = False
) -> Operation:
    """Returns a further operation on a payment's authorization."""
    return held._replace(
        id=world.new_id(), number=payment.operations + 1, kind=kind, state=OperationState.SUBMITTED, amount=amount,
        original=held.id, capture=False, final=final, hold_debit=0, hold_credit=0, hold_amount=0, hold_captured=0,
        hold_released=0, code="", bank_reference="", cost=0, queries=0, bank_us=0, create_time=world.wall_us,
        update_time=world.wall_us,
    )  # fmt: skip


def ask_bank(world: World, payment: Payment, operation: Operation, what: str) -> Changes:
    """Makes an operation the payment's unresolved one and sends it."""
    payment = touch(payment, operation=operation.id, operations=operation.number)
    event = event_of(payment, what, operation=operation.id)
    return Changes(payment, (operation,), events=(event,), work=(submit(operation, world.wall_us),))


def void_authorization(world: World, payment: Payment, held: Operation) -> Changes:
    """Asks the bank to give up what rests of an authorization."""
    operation = bank_operation(world, payment, held, OperationKind.VOID, 0)
    return ask_bank(world, payment, operation, "void_submitted")


def request_cancel(world: World, payment: Payment, why: str) -> Changes:
    """Notes that nobody wants a payment any more that is at its bank, and has the bank asked at once to give it up.

    What the bank answers decides: the payment is cancelled by a proven void, or a success is given back.
    """
    payment = touch(payment, cancel_requested=True)
    asked = payment.operation
    work = () if asked is None else (Work(asked, WORK, asked, WALL, world.wall_us, ASK),)
    return Changes(payment, events=(event_of(payment, "cancel_requested", why=why),), work=work)
