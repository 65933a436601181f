"""A refund's operations and what their results do to it: arrived, not taken by the payer's card, tried again, failed.

In: resolved operations. Out: the refund's next state, the payment's amounts, legs. Invariant: money that a bank sent to
the payer is in the books as sent, however late and however often the bank said otherwise before.
"""

from typing import Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World
from keelpay_server.ledger.leg import Posting
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting.payment import bank_cost

from .operation import Operation, OperationState
from .payment import Payment
from .refund import Refund, RefundState, move, touch
from .refund_funding import return_needs
from .refund_progress import NOTHING, Progress, begin, fail, refuse, retry_or_fail, succeed

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
        refund = need.row(Refund, operation.subject)
        if refund is not None:
            need.row(Payment, refund.payment)
            return_needs(need, refund)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """Moves the refund by what became of its operation."""
        refund = world.require(Refund, operation.subject)
        progress = begin(refund, world.require(Payment, refund.payment))
        if refund.operation != operation.id:
            return Changes()
        if operation.state == OperationState.SUCCEEDED:
            return _with_cost(world, progress, operation)
        declined = operation.state == OperationState.DECLINED
        if declined and operation.code in PAYER_ACCOUNT_CODES:
            return refuse(world, progress, operation.code).changes()
        if declined or operation.code in HOPELESS_CODES:
            return fail(world, progress, operation.code).changes()
        return retry_or_fail(world, progress, operation.code).changes()

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """A bank that takes its time changes nothing: it is asked again, and the due time tells when that is late."""
        return Changes()

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """A bank sent the money although it had said no.

        If the refund still waits for another try or another way, it has arrived. If it has ended or is being sent
        again, the payer has the money twice, or the merchant has it back: 6900 → 2300 shows what is to be claimed.
        """
        refund = world.require(Refund, operation.subject)
        progress = begin(refund, world.require(Payment, refund.payment))
        operation = operation._replace(state=OperationState.SUCCEEDED, update_time=world.wall_us)
        progress = progress._replace(rows=(operation,))
        if refund.state == RefundState.ABNORMAL:
            progress = progress.step(move(refund, RefundState.SUBMITTED, world.wall_us))
        refund = progress.refund
        if refund.state == RefundState.SUBMITTED and refund.operation is None:
            return succeed(world, progress).changes()
        return _sent_twice(world, progress, operation)


def _with_cost(world: World, progress: Progress, operation: Operation) -> Changes:
    """The payer has the money; what the bank charges for it is booked with it."""
    posted = NOTHING
    if operation.cost:
        bank = world.require(Bank, operation.bank)
        posted = bank_cost(bank=bank.number, currency=progress.refund.currency_number, amount=operation.cost)
    return succeed(world, progress, posted).changes()


def _sent_twice(world: World, progress: Progress, operation: Operation) -> Changes:
    refund, number = progress.refund, world.require(Bank, operation.bank).number
    posted: Posting = bank_posting.refund_suspense(
        bank=number, currency=refund.currency_number, amount=operation.amount
    )
    refund = touch(
        refund, world.wall_us, suspense=number, in_suspense=refund.in_suspense - operation.amount,
        in_transit=refund.in_transit + operation.amount,
    )  # fmt: skip
    return progress.step(refund, "sent_twice", posted, operation=operation.id).changes()
