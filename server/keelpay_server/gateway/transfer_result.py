"""A transfer's operation and what its result does: money in the balance, money gone, or everything as it was.

In: resolved operations. Out: the transfer's next state and its legs. Invariant: what a bank took is the payer's, what a
bank paid has left the books, whatever the bank said before.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World
from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.leg import LegCode, Posting, leg, linked
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import payout as posting

from .bank_charge import charge_of
from .operation import UNRESOLVED, Operation, OperationState
from .transfer import Transfer, TransferKind, event_of, move, touch


class TransferSubject:
    """How a transfer takes the results of its operation (see `subject.Subject`)."""

    def needs(self, need: Need, operation: Operation) -> None:
        """The transfer, then its payer."""
        transfer = need.row(Transfer, operation.subject)
        if transfer is not None:
            need.row(Payer, transfer.payer)

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """Moves the transfer by what became of its operation."""
        transfer = world.require(Transfer, operation.subject)
        if transfer.state not in UNRESOLVED:
            return came_back(world, transfer, operation) if transfer.state == OperationState.SUCCEEDED else Changes()
        to = OperationState(operation.state)
        top_up = transfer.kind == TransferKind.TOP_UP
        if to is not OperationState.SUCCEEDED:
            posted = Posting() if top_up else posting.cancel(transfer.hold)
            transfer = move(transfer, to, world.wall_us, code=operation.code, held=0)
            return _changes(transfer, posted)
        if top_up:
            transfer = move(transfer, to, world.wall_us)
            return _changes(transfer, _came_in(world, transfer, operation))
        posted = linked(posting.submit(transfer.hold), charge_of(world, operation))
        return _changes(move(transfer, to, world.wall_us, held=0, in_transit=transfer.amount), posted)

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:  # noqa: ARG002
        """A bank that takes its time changes nothing: it is asked again."""
        return Changes()

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """A bank did it although it had said no.

        A top-up is the payer's money all the same. A withdrawal has left although the balance has it back:
        6900 → 2200 shows what is to be claimed.
        """
        transfer = world.require(Transfer, operation.subject)
        done = operation._replace(state=OperationState.SUCCEEDED, cost=result.cost_minor, update_time=world.wall_us)
        if transfer.kind == TransferKind.TOP_UP:
            transfer = touch(transfer, world.wall_us, state=OperationState.SUCCEEDED, code="")
            posted = _came_in(world, transfer, done)
        else:
            bank = world.require(Bank, operation.bank)
            transfer = touch(
                transfer, world.wall_us, state=OperationState.SUCCEEDED, code="", in_transit=transfer.amount,
                suspense=bank.number, in_suspense=-transfer.amount,
            )  # fmt: skip
            account = bank.suspense(transfer.currency)
            claimed = Posting((leg(account, transfer.hold_credit, transfer.amount, LegCode.DEFICIT),))
            posted = linked(claimed, charge_of(world, done))
        return _changes(transfer, posted, "late_success", (done,))

    def charged(self, world: World, operation: Operation) -> Changes:
        """A charge that is told later is our cost all the same."""
        transfer = touch(world.require(Transfer, operation.subject), world.wall_us)
        return _changes(transfer, charge_of(world, operation), "charged")


def _came_in(world: World, transfer: Transfer, operation: Operation) -> Posting:
    payer, bank = world.require(Payer, transfer.payer), world.require(Bank, operation.bank)
    number = currency_number(payer.balance(transfer.currency))
    posted = bank_posting.top_up(bank=bank.number, payer=payer.number, currency=number, amount=transfer.amount)
    return linked(posted, charge_of(world, operation))


def came_back(world: World, transfer: Transfer, operation: Operation) -> Changes:
    """The payee's bank sent a withdrawal back after it had been paid.

    Before a statement showed it leaving, it is the payer's again at once, unless the payer had got it back from 6900
    before: then nothing is to be claimed any more. After that, when a line shows its return.
    """
    posted, in_suspense = Posting(), transfer.in_suspense
    if transfer.in_transit and in_suspense < 0:
        posted, in_suspense = posting.returned_claimed(transfer.hold), in_suspense + transfer.amount
    elif transfer.in_transit:
        posted = posting.returned_unsent(transfer.hold)
    transfer = touch(
        transfer, world.wall_us, state=OperationState.FAILED, code=operation.code, in_transit=0,
        in_suspense=in_suspense,
    )  # fmt: skip
    return _changes(transfer, posted, "returned")


def _changes(transfer: Transfer, posted: Posting, what: str = "", rows: tuple[object, ...] = ()) -> Changes:
    facts = {"code": transfer.code} if transfer.code else {}
    return Changes(transfer, rows, posted.legs, posted.pending, (event_of(transfer, what, **facts),))
