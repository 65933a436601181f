"""A line of a bank's statement that proves a refund or withdrawal, or its return: posted and told to the noun at once.

In: the reaction on `line.matched`. Out: the noun, and the legs that move 1000. Invariant: a line takes what the noun
has in 2300 or 2200; where that went back on the bank's word before, it passes through 6900 until it returns.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.need import Need
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.match_commands import MatchLine
from keelpay_server.clearing.matching import noun_posts

from . import refund as refunds
from . import transfer as transfers
from .payment import Payment
from .refund import Refund
from .refund_line import refund_left, refund_returned
from .stray import Stray
from .transfer import Transfer
from .transfer_line import transfer_left, transfer_returned


class TellSubject:
    """The reaction on `line.matched`."""

    def needs(self, command: MatchLine, need: Need) -> None:
        """Asks for the refund with its payment, or the transfer, that the line's operation was made for."""
        record = command.record
        if record is not None and record.subject_kind == refunds.KIND:
            need.row(Work, record.subject)
            need.row(Stray, record.key)
            refund = need.row(Refund, record.subject)
            if refund is not None:
                need.row(Payment, refund.payment)
        if record is not None and record.subject_kind == transfers.KIND:
            need.row(Transfer, record.subject)

    def decide(self, command: MatchLine, changes: Changes, world: World) -> Changes:
        """Posts what left or came back."""
        record, line = command.record, changes.row
        if record is None or not isinstance(line, BankLine) or line.state != LineState.MATCHED or not changes.events:
            return Changes()
        if not noun_posts(line, record):
            return Changes()
        returned = line.kind == StatementLineKind.PAYOUT_RETURN
        if record.subject_kind == transfers.KIND:
            transfer = world.require(Transfer, record.subject)
            return (transfer_returned if returned else transfer_left)(world, transfer, line)
        refund = world.require(Refund, record.subject)
        return (refund_returned if returned else refund_left)(world, refund, line, world.require(Bank, line.bank))
