"""Whatever a refund has to do next, done when its work is due: find its money, be sent, be told late, be given up.

In: a refund that waits, and the business clock. Out: the refund as far as it can go now.
Invariant: each turn moves it on or names a later time to try again; a bank's silence is never taken for an answer.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.times import DAY_US, SECOND_US
from keelpay_server.book.worker import Handler, Look
from keelpay_server.book.world import World

from .operation import Operation, OperationState
from .payment import Payment
from .refund import ENDED, REROUTE_LOOK_S, WORK, LagCause, Refund, RefundPolicy, RefundState, touch
from .refund_funding import find_funds, funding_needs, return_needs
from .refund_progress import Progress, ask, begin, fail, reserve, send

FUNDS_RETRY_S: Final = (60, 300, 900, 3600)
"""When a refund looks for its merchant's money again, seconds; the last step repeats."""
BUSY_RETRY_S: Final = 5
"""When a refund is tried again whose payment is still at the bank for something else, seconds."""
NO_FUNDS: Final = "MERCHANT_FUNDS"
NOT_REROUTED: Final = "NOT_REROUTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceRefund(Command):
    """Takes a refund a step further.

    Attributes:
        refund: Key.
        policy: The installation's.
    """

    refund: bytes
    policy: RefundPolicy

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The refund and its work, then everything a step may read, then what there is."""
        need.row(Work, self.refund)
        refund = need.row(Refund, self.refund)
        if refund is None:
            return
        need.row(Payment, refund.payment)
        funding_needs(need, refund.merchant, refund.payment)
        return_needs(need, refund)
        if refund.payer:
            need.row(Payer, refund.payer)
        if refund.operation is not None:
            need.row(Operation, refund.operation)

    def decide(self, world: World) -> Changes:
        """Does nothing to a refund that has ended."""
        refund = world.require(Refund, self.refund)
        if refund.state in ENDED:
            return Changes(done=(refund.id,))
        progress = begin(refund, world.require(Payment, refund.payment))
        if refund.due_time <= world.business_us and not refund.lagging:
            progress = mark_late(world, progress)
        if refund.retry_time <= world.business_us:
            progress = advance(world, progress, world.require(Merchant, refund.merchant), self.policy)
        return progress.changes()


def advance(world: World, progress: Progress, merchant: Merchant, policy: RefundPolicy) -> Progress:
    """Takes a refund as far as it can go in this commit."""
    if progress.refund.state == RefundState.CREATED:
        progress = _find_money(world, progress, merchant, policy)
    if progress.refund.state == RefundState.RESERVED:
        return _send(world, progress)
    refund = progress.refund
    if refund.state == RefundState.SUBMITTED and refund.operation is None:
        return ask(world, progress)
    if refund.state == RefundState.ABNORMAL:
        if _given_up(world, refund, policy):
            return fail(world, progress, NOT_REROUTED)
        return _later(world, progress, REROUTE_LOOK_S)
    return progress


def mark_late(world: World, progress: Progress) -> Progress:
    """Marks a refund that is past its time, with who or what makes it late."""
    cause = lag_cause(world, progress.refund, progress.payment)
    return progress.step(touch(progress.refund, world.wall_us, lagging=True, lag_cause=cause), "lagging")


def lag_cause(world: World, refund: Refund, payment: Payment) -> LagCause:
    """Returns who keeps a refund from arriving: whoever has to act before it can go on."""
    match RefundState(refund.state):
        case RefundState.CREATED:
            return LagCause.MERCHANT_FUNDS
        case RefundState.RESERVED:
            return LagCause.SYSTEM if payment.operation is None else LagCause.BANK
        case RefundState.ABNORMAL:
            return LagCause.PAYER_ACCOUNT
        case _:
            asked = None if refund.operation is None else world.require(Operation, refund.operation)
            unheard = asked is not None and asked.state == OperationState.SUBMITTED
            return LagCause.SYSTEM if unheard else LagCause.BANK


def _find_money(world: World, progress: Progress, merchant: Merchant, policy: RefundPolicy) -> Progress:
    refund = progress.refund
    funding = find_funds(world, refund, progress.payment, merchant, policy)
    if funding is not None:
        return reserve(world, progress, funding)
    if _given_up(world, refund, policy):
        return fail(world, progress, NO_FUNDS)
    return _later(world, progress, FUNDS_RETRY_S[min(refund.attempts, len(FUNDS_RETRY_S) - 1)])


def _send(world: World, progress: Progress) -> Progress:
    """Sends a reserved refund, unless its bank is still busy with the payment itself."""
    if progress.payment.operation is not None:
        return _later(world, progress, BUSY_RETRY_S)
    refund = progress.refund
    return send(world, progress, None if refund.bank else world.require(Payer, refund.payer))


def _later(world: World, progress: Progress, delay_s: int) -> Progress:
    refund = progress.refund
    waiting = refund._replace(attempts=refund.attempts + 1, retry_time=world.business_us + delay_s * SECOND_US)
    return progress._replace(refund=waiting)


def _given_up(world: World, refund: Refund, policy: RefundPolicy) -> bool:
    return world.business_us >= refund.due_time + policy.wait_days * DAY_US


def refund_handlers(engine: Engine, policy: RefundPolicy) -> dict[str, Handler]:
    """Returns the handler of refunds' work."""

    async def refunds(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([AdvanceRefund(refund=task.subject, policy=policy) for task in tasks])

    return {WORK: refunds}
