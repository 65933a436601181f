"""A payout at its bank: the operation that asks for it, made in the commit that submits it, and what is answered.

In: payouts that clearing submits, results of rails. Out: operations and work; the payout's next state.
Invariant: the operation and its posting are one commit, before anything is sent.
"""

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.world import World
from keelpay_server.clearing.payout import KIND, Payout, PayoutState, event_of, touch
from keelpay_server.clearing.payout_result import record_failure, record_paid

from .bank_charge import charge_of
from .operation import Operation, OperationKind, OperationState, submit


class SendPayout:
    """The reaction on `payout.submitted`."""

    def needs(self, _command: Command, _need: Need) -> None:
        """Asks for nothing: the payout is what the command changes."""

    def decide(self, _command: Command, changes: Changes, world: World) -> Changes:
        """Makes the operation and the work of sending it."""
        payout = changes.row
        if not isinstance(payout, Payout) or payout.operation is None:
            return Changes()
        operation = Operation(
            id=payout.operation, subject_kind=KIND, subject=payout.id, merchant=payout.merchant, number=1,
            kind=OperationKind.PAY, state=OperationState.SUBMITTED, bank=payout.bank, currency=payout.currency,
            amount=payout.amount, original=None, token=payout.token, descriptor=payout.descriptor, capture=False,
            final=False, hold_debit=0, hold_credit=0, hold_amount=0, hold_captured=0, hold_released=0, code="",
            bank_reference="", cost=0, queries=0, bank_us=0, create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(rows=(operation,), work=(submit(operation, world.wall_us),))


class PayoutSubject:
    """How a payout takes the results of its operation (see `subject.Subject`)."""

    def needs(self, need: Need, operation: Operation) -> None:
        """Asks for the payout."""
        need.row(Payout, operation.subject)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Moves the payout by what became of its operation."""
        payout = world.require(Payout, operation.subject)
        if operation.state == OperationState.SUCCEEDED:
            return record_paid(world, payout, operation.cost)
        returned = result.outcome is OperationOutcome.RETURNED
        to = PayoutState.RETURNED if returned else PayoutState.FAILED
        return record_failure(world, payout, to, operation.code)

    def waiting(self, _world: World, _operation: Operation, _result: OperationResult) -> Changes:
        """A bank that takes its time changes nothing: it is asked again."""
        return Changes()

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """A bank paid what it had refused, and its charge is ours: its statement shows the money leaving, which opens
        a break.
        """
        if operation.cost or not result.cost_minor:
            return Changes()
        told = operation._replace(cost=result.cost_minor, update_time=world.wall_us)
        return self.charged(world, told).join(Changes(rows=(told,)))

    def charged(self, world: World, operation: Operation) -> Changes:
        """A charge that is told later is our cost all the same."""
        payout = touch(world.require(Payout, operation.subject), world.business_us)
        legs = charge_of(world, operation).legs
        return Changes(payout, legs=legs, events=(event_of(payout, "charged", operation=operation.id),))
