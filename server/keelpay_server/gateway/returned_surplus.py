"""RETURN_TO_PAYER: money at a bank that is no merchant's goes back to the payer it came from, on two people's word.

In: a break with a surplus that clearing has put into 6900. Out: a refund on its way, or the payer's balance.
Invariant: nothing of the surplus stays in 6900 without a refund that tells it, and an operation whose money a line
shows has succeeded, whatever its bank said.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.clearing.disagreement import Disagreement
from keelpay_server.clearing.resolving import Standing, missing_minor, standing
from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.leg import Posting, linked
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting.payment import bank_cost

from . import refund as refunds
from . import transfer as transfers
from .operation import REFUSED, TAKING, UNRESOLVED, Operation, OperationKind, OperationState
from .payment import Payment, event_of, touch
from .refund import Refund
from .refund_system import refund_suspense
from .told_operation import as_reaction, latest
from .transfer import Transfer
from .transfer import event_of as transfer_event
from .transfer import touch as touch_transfer


def return_to_payer(world: World, row: Disagreement, before: Changes) -> Changes:
    """Returns what sends a break's surplus back; clearing has posted 1000 → 6900 of it.

    Args:
        world: The batch.
        row: The break.
        before: What its line did to what the operation was for, in this commit.

    Raises:
        Refused: CONFLICT where the operation is another bank's or unanswered, or its payment may still take the money.
    """
    line = world.require(BankLine, row.line or b"")
    surplus = -missing_minor(row, line.kind)
    operation, bank = world.require(Operation, row.operation), world.require(Bank, row.bank)
    if (operation.bank, operation.currency) != (row.bank, row.currency):
        raise Refused(Reason.CONFLICT, "the operation that the line names is of another bank or currency")
    if row.subject_kind == transfers.KIND:
        transfer = latest(before, Transfer) or world.require(Transfer, row.subject or b"")
        return _to_balance(world, transfer, bank, surplus)
    if row.subject_kind == refunds.KIND:
        if operation.kind != OperationKind.REFUND:
            raise Refused(Reason.CONFLICT, "what went another way than the payment came has no way back to it")
        refund = world.require(Refund, row.subject or b"")
        return _refunded(world, world.require(Payment, refund.payment), bank, operation, surplus)
    payment = world.require(Payment, row.subject or b"")
    if standing(row, line.kind) is Standing.NOTHING and operation.state in UNRESOLVED:
        raise Refused(Reason.CONFLICT, "its bank has not answered for the operation yet")
    if standing(row, line.kind) is Standing.NOTHING and payment.capturable:
        raise Refused(Reason.CONFLICT, "the payment may still take its money: release it first")
    if operation.state not in REFUSED or operation.kind not in TAKING:
        return _refunded(world, payment, bank, operation, surplus)
    return _taken_after_all(world, payment, bank, operation, surplus)


def _taken_after_all(world: World, payment: Payment, bank: Bank, operation: Operation, received: int) -> Changes:
    """The bank took what it had refused: the payer gets all of it, and what the line is short of is our cost."""
    cost = max(0, operation.amount - received)
    done = operation._replace(state=OperationState.SUCCEEDED, cost=cost, update_time=world.wall_us)
    charged = Posting()
    if cost:
        number = currency_number(bank.clearing(operation.currency))
        parts = {"bank": bank.number, "currency": number, "amount": cost}
        charged = linked(bank_cost(**parts), bank_posting.late_success(**parts))
    told = Changes(rows=(done,), legs=charged.legs)
    return told.join(_refunded(world, payment, bank, operation, received + cost))


def _refunded(world: World, payment: Payment, bank: Bank, operation: Operation, amount: int) -> Changes:
    """The surplus goes back the way that the payment came."""
    payment = touch(payment)
    merchant = world.require(Merchant, payment.merchant)
    told = Changes(rows=(payment,), events=(event_of(payment, "surplus_returned", operation=operation.id),))
    return told.join(as_reaction(refund_suspense(world, payment, merchant, bank, operation, amount)))


def _to_balance(world: World, transfer: Transfer, bank: Bank, amount: int) -> Changes:
    """The surplus of a top-up or withdrawal is the balance's."""
    payer = world.require(Payer, transfer.payer)
    number = currency_number(payer.balance(transfer.currency))
    posted = bank_posting.assign_to_payer(bank=bank.number, payer=payer.number, currency=number, amount=amount)
    transfer = touch_transfer(transfer, world.wall_us)
    return Changes(rows=(transfer,), legs=posted.legs, events=(transfer_event(transfer, "surplus_returned"),))
