"""What an authorization holds: taken in parts, given back, and a mandate's limits with it.

In: a payment, and the operation that carries its hold. Out: the books, the payment and its order after the step.
Invariant: what ends here untaken is free again everywhere: on the accounts, and under the mandate that let it happen.
"""

from typing import Any

from keelpay_server.auth.mandate import Mandate, give_back
from keelpay_server.book.changes import Changes
from keelpay_server.book.world import World
from keelpay_server.clearing.window import unsettled_account
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.posting import payment as posting

from .charge import fee_now
from .operation import Operation
from .order_payment import order_freed, order_paid
from .parties import Parties
from .payment import Facts, Payment, PaymentState, event_of, move


def capture_held(
    world: World, payment: Payment, parties: Parties, held: Operation, amount: int, *, final: bool,
    cost: int = 0, bank_us: int = 0, since_us: int = 0, facts: Facts | None = None,
) -> Changes:  # fmt: skip
    """Takes a part of what an authorization holds; the books, the payment and the order follow."""
    before = held.hold
    after = before.capture(amount, final=final)
    account, opens, opened = unsettled_account(world, parties.merchant)
    fee = fee_now(parties, payment, amount)
    posted = posting.capture(before, after, window=parse(account).window, fee=fee, cost=cost)
    state = PaymentState.CAPTURED if not after.rest else PaymentState.PARTIALLY_CAPTURED
    payment = move(payment, state, world.wall_us, bank_us=bank_us, since_us=since_us, fee=payment.fee + fee,
                   captured=payment.captured + amount, released=after.released)  # fmt: skip
    rows: tuple[Any, ...] = (held.with_hold(after),) if opened is None else (held.with_hold(after), opened)
    rows = (*rows, *unspent(world, payment, after.released - before.released))
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
    rows = (held.with_hold(after), *unspent(world, payment, before.rest))
    changes = Changes(payment, rows, (), before.freed(after), (event_of(payment),), done=(held.id,))
    return changes if payment.captured else changes.join(order_freed(world, parties.order, payment))


def unspent(world: World, payment: Payment, amount: int) -> tuple[Mandate, ...]:
    """Returns the mandate of a payment under which it was spent, with what came to nothing given back.

    Args:
        world: The batch.
        payment: One that was spent under its mandate, if it has one that counted.
        amount: Minor units, 0 or more: what will not be taken any more.
    """
    if payment.mandate is None or payment.stepped_up or not amount:
        return ()
    mandate = world.get(Mandate, payment.mandate)
    return () if mandate is None else (give_back(mandate, amount, payment.mandate_day, world.wall_us),)
