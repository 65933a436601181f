"""What a statement's line does to a refund: its money has left, or was sent back by the payee's bank.

In: a refund and a matched line of one of its operations. Out: the refund, and the legs that move 1000.
Invariant: what comes back of the refund's present way waits in 2300 for another; what comes back of a stray operation
settles what that one has in 6900.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.ledger.leg import Posting
from keelpay_server.ledger.posting import refund as posting

from .payment import Payment
from .refund import Refund, RefundState, event_of, touch
from .refund_progress import begin, undo
from .result import RETURNED
from .stray import Stray, stray_of


def refund_left(world: World, refund: Refund, line: BankLine, bank: Bank, stray: Stray | None = None) -> Changes:
    """A line shows it leaving: 2300 → 1000; a stray operation's knows itself whence.

    Args:
        world: The batch.
        refund: As it is now.
        line: Its line.
        bank: The line's.
        stray: The operation's row where this very commit makes it, or None to look for one.
    """
    stray = stray or world.get(Stray, line.operation)
    if stray is None and refund.in_transit and refund.transit == bank.number:
        refund = touch(refund, world.wall_us, in_transit=refund.in_transit - refund.amount)
        posted = posting.sent(bank=bank.number, currency=refund.currency_number, amount=refund.amount)
        return _told(refund, (refund,), posted, "reconciled", line)
    if stray is None:
        stray = stray_of(line.operation, refund.id, bank.number, refund.currency, refund.amount, world.wall_us)
    stray, posted = stray.line_left(world.wall_us)
    refund = touch(refund, world.wall_us)
    return _told(refund, (refund, stray), posted, "reconciled", line)


def refund_returned(world: World, refund: Refund, line: BankLine, bank: Bank) -> Changes:
    """A line shows it coming back: 1000 → 2300 and ABNORMAL, or 1000 → 6900 for a stray operation."""
    stray = world.get(Stray, line.operation)
    arrived = refund.state == RefundState.SUCCEEDED and not refund.in_transit and refund.transit == bank.number
    if stray is None and arrived:
        posted = posting.returned(bank=bank.number, currency=refund.currency_number, amount=refund.amount)
        progress = begin(refund, world.require(Payment, refund.payment))
        changes = undo(world, progress, RETURNED, posted, in_transit=refund.amount).changes()
        return changes._replace(row=None, rows=(changes.row, *changes.rows))
    if stray is None:
        stray = stray_of(line.operation, refund.id, bank.number, refund.currency, refund.amount, world.wall_us)
    stray, posted = stray.line_returned(world.wall_us)
    refund = touch(refund, world.wall_us)
    return _told(refund, (refund, stray), posted, "return_reconciled", line)


def _told(refund: Refund, rows: tuple[object, ...], posted: Posting, what: str, line: BankLine) -> Changes:
    return Changes(rows=rows, legs=posted.legs, events=(event_of(refund, what, line=line.id),))
