"""A break about a refund or withdrawal that two operators have settled: the noun does its part in the same commit.

In: the reaction on `break.resolved`. Out: the noun, and its legs. Invariant: a line whose amount differs has moved what
the noun had in transit, and the difference is the break's; what no statement shows is the payer's by another way.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.clearing.break_commands import ResolveBreak
from keelpay_server.clearing.disagreement import BreakState, Disagreement, Resolution
from keelpay_server.clearing.resolving import is_outgoing

from . import refund as refunds
from . import transfer as transfers
from .operation import Operation
from .payment import Payment
from .refund import Refund
from .refund_line import refund_left
from .refund_result import sent_back
from .stray import Stray
from .transfer import Transfer
from .transfer_line import transfer_left
from .transfer_result import came_back

NEVER_SHOWN = "NEVER_SHOWN"
"""The code of an operation that two operators gave up because no statement shows it."""


class SettleSubject:
    """The reaction on `break.resolved`."""

    def needs(self, command: ResolveBreak, need: Need) -> None:
        """Asks for the operation, its line and the noun."""
        row = need.row(Disagreement, command.disagreement)
        if row is None or row.subject is None or not is_outgoing(row):
            return
        need.row(Operation, row.operation)
        need.row(Bank, row.bank)
        if row.line is not None:
            need.row(BankLine, row.line)
        if row.subject_kind == transfers.KIND:
            need.row(Transfer, row.subject)
        if row.subject_kind == refunds.KIND:
            need.row(Work, row.subject)
            need.row(Stray, row.operation)
            refund = need.row(Refund, row.subject)
            if refund is not None:
                need.row(Payment, refund.payment)

    def decide(self, _command: ResolveBreak, changes: Changes, world: World) -> Changes:
        """Posts the operation as asked for where a line shows it, and takes it back where none does."""
        row = changes.row
        settled = isinstance(row, Disagreement) and row.state == BreakState.RESOLVED
        if not settled or row.subject is None or not is_outgoing(row):
            return Changes()
        if row.resolution == Resolution.OPERATION_FAILED:
            return _taken_back(world, row, row.subject)
        if row.line is None:
            raise AssertionError("a break about an amount has a line")
        line = world.require(BankLine, row.line)
        if row.subject_kind == transfers.KIND:
            return transfer_left(world, world.require(Transfer, row.subject), line)
        return refund_left(world, world.require(Refund, row.subject), line, world.require(Bank, row.bank))


def _taken_back(world: World, row: Disagreement, subject: bytes) -> Changes:
    """As if the payee's bank had sent it back before any statement showed it.

    Raises:
        Refused: CONFLICT where the noun has gone on since.
    """
    operation = world.require(Operation, row.operation)._replace(code=NEVER_SHOWN)
    if row.subject_kind == transfers.KIND:
        changes = came_back(world, world.require(Transfer, subject), operation)
    else:
        changes = sent_back(world, world.require(Refund, subject), operation)
    if not changes.events:
        raise Refused(Reason.CONFLICT, "nothing of the operation is in transit any more")
    rows = changes.rows if changes.row is None else (changes.row, *changes.rows)
    return changes._replace(row=None, rows=rows)
