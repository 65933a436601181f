"""A refund's operations and what their results do to it: arrived, not taken by the payer's card, tried again, failed.

In: resolved operations. Out: the refund's next state, the payment's amounts, legs. Invariant: money that a bank sent to
the payer is in the books as sent, however late and however often the bank said otherwise before.
"""

from typing import Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.world import World
from keelpay_server.ledger.leg import linked
from keelpay_server.ledger.posting.refund import reroute

from .bank_charge import charge_of
from .operation import Operation, OperationKind, OperationState
from .payment import Payment
from .refund import Refund, RefundState, move, touch
from .refund_funding import return_needs
from .refund_progress import Progress, begin, fail, refuse, retry_or_fail, succeed, undo
from .stray import Stray, stray_of

PAYER_ACCOUNT_CODES: Final = frozenset(
    {"ACCOUNT_BLOCKED", "ACCOUNT_CLOSED", "EXPIRED_INSTRUMENT", "INVALID_INSTRUMENT", "STOLEN_INSTRUMENT"}
)
"""Codes that say that the payer's card or account takes nothing any more: another way has to be found."""
HOPELESS_CODES: Final = frozenset(
    {"ALREADY_VOIDED", "AMOUNT_EXCEEDS_CAPTURED", "INVALID_REQUEST", "ORIGINAL_NOT_FOUND", "UNSUPPORTED"}
)
"""Codes of failures that asking again cannot mend."""


class RefundSubject:
    """How a refund takes the results of its operations (see `subject.Subject`)."""

    def needs(self, need: Need, operation: Operation) -> None:
        """The refund and its work, then its payment and what giving the money back depends on."""
        need.row(Work, operation.subject)
        need.row(Stray, operation.id)
        refund = need.row(Refund, operation.subject)
        if refund is not None:
            need.row(Payment, refund.payment)
            return_needs(need, refund)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Moves the refund by what became of its operation."""
        refund = world.require(Refund, operation.subject)
        progress = begin(refund, world.require(Payment, refund.payment))
        returned = result.outcome is OperationOutcome.RETURNED
        if refund.operation != operation.id:
            return sent_back(world, refund, operation) if returned else Changes()
        if operation.state == OperationState.SUCCEEDED:
            return succeed(world, progress, charge_of(world, operation)).changes()
        if returned and operation.kind == OperationKind.PAY:
            return refuse(world, _strayed(world, progress, operation), operation.code).changes()
        declined = operation.state == OperationState.DECLINED
        if returned or (declined and operation.code in PAYER_ACCOUNT_CODES):
            return refuse(world, progress, operation.code).changes()
        if declined or operation.code in HOPELESS_CODES:
            return fail(world, progress, operation.code).changes()
        return retry_or_fail(world, progress, operation.code).changes()

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """A bank that takes its time changes nothing: it is asked again, and the due time tells when that is late."""
        return Changes()

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """A bank sent the money although it had said no.

        If the refund still waits for another try or another way, it has arrived. If it has ended or is being sent
        again, the payer has the money twice, or the merchant has it back: 6900 → 2300 shows what is to be claimed.
        """
        refund = world.require(Refund, operation.subject)
        progress = begin(refund, world.require(Payment, refund.payment))
        operation = operation._replace(
            state=OperationState.SUCCEEDED, cost=result.cost_minor, update_time=world.wall_us
        )
        progress = progress._replace(rows=(operation,))
        if refund.state == RefundState.ABNORMAL:
            progress = progress.step(move(refund, RefundState.SUBMITTED, world.wall_us))
        refund = progress.refund
        if refund.state == RefundState.SUBMITTED and refund.operation is None:
            return _arrived(world, progress, operation)
        return _sent_twice(world, progress, operation)

    def charged(self, world: World, operation: Operation) -> Changes:
        """A charge that is told later is our cost all the same."""
        refund = world.require(Refund, operation.subject)
        progress = begin(refund, world.require(Payment, refund.payment))
        refund = touch(refund, world.wall_us)
        return progress.step(refund, "charged", charge_of(world, operation), operation=operation.id).changes()


def _arrived(world: World, progress: Progress, operation: Operation) -> Changes:
    """An earlier try has done it: the money in transit is that bank's, by whatever way it was to go since."""
    refund, number = progress.refund, world.require(Bank, operation.bank).number
    if refund.transit == number:
        return succeed(world, progress, charge_of(world, operation)).changes()
    moved = reroute(currency=refund.currency_number, amount=refund.amount, from_bank=refund.transit, to_bank=number)
    posted = linked(moved, charge_of(world, operation))
    return succeed(
        world, progress, posted, bank=operation.bank, transit=number, instrument=None, token=operation.token,
        channel=progress.payment.channel if operation.bank == refund.origin_bank else refund.channel,
    ).changes()  # fmt: skip


def _sent_twice(world: World, progress: Progress, operation: Operation) -> Changes:
    refund, number = progress.refund, world.require(Bank, operation.bank).number
    stray = stray_of(operation.id, refund.id, number, refund.currency, operation.amount, world.wall_us)
    stray, claimed = stray.paid_again(world.wall_us)
    posted = linked(claimed, charge_of(world, operation))
    progress = progress._replace(rows=(*progress.rows, stray))
    return progress.step(touch(refund, world.wall_us), "sent_twice", posted, operation=operation.id).changes()


def sent_back(world: World, refund: Refund, operation: Operation) -> Changes:
    """The payee's bank sent back what had been paid.

    Before a statement showed it leaving, its money is still in 2300 and waits there for another way at once; after
    that, when a line shows its return.
    """
    progress = begin(refund, world.require(Payment, refund.payment))
    stray = world.get(Stray, operation.id)
    if stray is not None:
        stray, posted = stray.came_back(world.wall_us)
        progress = progress._replace(rows=(*progress.rows, stray))
        refund = touch(refund, world.wall_us)
        return progress.step(refund, "sent_back", posted, operation=operation.id).changes()
    if not is_its_last(refund, operation):
        return Changes()
    if not refund.in_transit:
        return progress.step(touch(refund, world.wall_us, code=operation.code), "returning").changes()
    return undo(world, _strayed(world, progress, operation), operation.code).changes()


def _strayed(world: World, progress: Progress, operation: Operation) -> Progress:
    """What was carried out and came back is not the refund's way any more: its lines concern nobody's money here."""
    refund = progress.refund
    stray = stray_of(operation.id, refund.id, refund.transit, refund.currency, refund.amount, world.wall_us)
    return progress._replace(rows=(*progress.rows, stray))


def is_its_last(refund: Refund, operation: Operation) -> bool:
    """Whether a refund that reads as arrived did so by this operation."""
    done = refund.state == RefundState.SUCCEEDED and refund.bank == operation.bank
    return done and refund.operations == operation.number
