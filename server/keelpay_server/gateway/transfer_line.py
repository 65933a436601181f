"""What a statement's line does to a withdrawal: its money has left, or is back.

In: a withdrawal and its matched line. Out: the withdrawal, and the legs that move 1000. Invariant: the payer's balance
gets a withdrawal back once, on the bank's word or on the line, whichever comes first.
"""

from keelpay_server.book.changes import Changes
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.ledger.account import currency_number, owner_number
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import payout as posting

from .operation import OperationState
from .result import RETURNED
from .transfer import Transfer, event_of, touch


def transfer_left(world: World, transfer: Transfer, line: BankLine) -> Changes:
    """A line shows it leaving: 2200 → 1000.

    If the payer has got it back before on the bank's word, it is suspense until its return is shown: 6900 → 1000.
    """
    if transfer.in_transit:
        posted, transfer = posting.sent(transfer.hold), touch(transfer, world.wall_us, in_transit=0)
    else:
        bank, number = owner_number(transfer.hold_credit), currency_number(transfer.hold_credit)
        posted = bank_posting.sent_unexplained(bank=bank, currency=number, amount=transfer.amount)
        transfer = touch(transfer, world.wall_us, suspense=bank, in_suspense=transfer.in_suspense - transfer.amount)
    return Changes(rows=(transfer,), legs=posted.legs, events=(event_of(transfer, "reconciled", line=line.id),))


def transfer_returned(world: World, transfer: Transfer, line: BankLine) -> Changes:
    """A line shows it coming back: 1000 → 2000, or 1000 → 6900 where the payer has it already."""
    if transfer.in_suspense < 0:
        bank, number = owner_number(transfer.hold_credit), currency_number(transfer.hold_credit)
        posted = bank_posting.surplus(bank=bank, currency=number, amount=transfer.amount)
        transfer = touch(transfer, world.wall_us, in_suspense=transfer.in_suspense + transfer.amount)
    else:
        posted, transfer = posting.returned_sent(transfer.hold), touch(transfer, world.wall_us)
    what = "return_reconciled"
    if transfer.state == OperationState.SUCCEEDED:
        what, transfer = "returned", transfer._replace(state=OperationState.FAILED, code=RETURNED)
    return Changes(rows=(transfer,), legs=posted.legs, events=(event_of(transfer, what, line=line.id),))
