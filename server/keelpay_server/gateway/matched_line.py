"""A line of a bank's statement that proves a refund or withdrawal: the noun is told, in the commit that posts the line.

In: the reaction on `line.matched`. Out: the noun with nothing in transit. Invariant: what a refund or transfer says is
in 2300 or 2200 is what the ledger has there for it.
"""

from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.match_commands import MatchLine

from . import refund as refunds
from . import transfer as transfers
from .refund import Refund
from .transfer import Transfer

_OUT = frozenset({StatementLineKind.REFUND, StatementLineKind.PAYOUT})


class TellSubject:
    """The reaction on `line.matched`."""

    def needs(self, command: MatchLine, need: Need) -> None:
        """Asks for the refund or transfer that the line's operation was made for."""
        record = command.record
        if record is not None and record.subject_kind == refunds.KIND:
            need.row(Refund, record.subject)
        if record is not None and record.subject_kind == transfers.KIND:
            need.row(Transfer, record.subject)

    def decide(self, command: MatchLine, changes: Changes, world: World) -> Changes:
        """Nothing of it is in transit any more."""
        record, line = command.record, changes.row
        matched = isinstance(line, BankLine) and line.state == LineState.MATCHED and line.kind in _OUT
        if record is None or not matched or not changes.events:
            return Changes()
        if record.subject_kind == refunds.KIND:
            refund = world.require(Refund, record.subject)
            left = refund.in_transit - record.amount
            refund = refunds.touch(refund, world.wall_us, in_transit=left)
            return Changes(rows=(refund,), events=(refunds.event_of(refund, "reconciled", line=line.id),))
        if record.subject_kind == transfers.KIND:
            transfer = world.require(Transfer, record.subject)
            left = transfer.in_transit - record.amount
            transfer = transfers.touch(transfer, world.wall_us, in_transit=left)
            return Changes(rows=(transfer,), events=(transfers.event_of(transfer, "reconciled", line=line.id),))
        return Changes()
