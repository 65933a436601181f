"""The wait of an answer for the bank: after the commit, as long as its caller has time.

In: what a command committed. Out: the payment as it is when the bank has answered, or when the time is over. Invariant:
nothing is held while waiting; whoever stops waiting finds the payment as it is by reading it.
"""

from typing import Final

from keelpay_server.book.call import Call
from keelpay_server.book.changes import Outcome
from keelpay_server.book.engine import Engine

from .operation import Operation
from .payment import Payment, PaymentState

WAIT_S_MAX: Final = 3.0
MARGIN_S: Final = 0.2


async def settled(engine: Engine, call: Call, outcome: Outcome) -> tuple[Payment, list[object]]:
    """Waits for the bank as long as the caller has time.

    Returns:
        The payment as it is then, and the rows of the commits that made it so, newest last.
    """
    payment = await engine.answer(Payment, outcome)
    known: list[object] = list(outcome.rows)
    end_us = min(
        engine.wall() + int(WAIT_S_MAX * 1e6),
        (call.deadline_us or 1 << 62) - int(MARGIN_S * 1e6),
    )
    with engine.hub.watch(payment.id) as watch:
        while payment.operation is not None and payment.state != PaymentState.REQUIRES_ACTION:
            left_s = (end_us - engine.wall()) / 1e6
            if left_s <= 0 or not await watch.wait(left_s):
                break
            seen = {} if watch.world is None else watch.world.rows
            known += seen.get(Operation, {}).values()
            payment = seen.get(Payment, {}).get(payment.id) or await engine.reader.get(Payment, payment.id) or payment
    return payment, known
