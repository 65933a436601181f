"""A break that two operators settle: the operation, what it was for, or its payer does its part in the same commit.

In: the reactions on `break.proposed` and `break.resolved`. Out: the noun, and its legs. Invariant: what could not be
done now is refused when it is proposed already; a line whose amount differs has moved what the noun had in transit, and
the difference is the break's; what no statement shows is its owner's again.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome, OperationResult, StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing import payout as payouts
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.break_commands import ProposeResolution, ResolveBreak
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.clearing.payout import Payout, PayoutState
from keelpay_server.clearing.payout import event_of as payout_event
from keelpay_server.clearing.payout import touch as touch_payout
from keelpay_server.clearing.payout_result import ENDED_BADLY, match_returned, match_sent, record_failure
from keelpay_server.clearing.resolving import Standing, by_operation, standing

from . import refund as refunds
from . import transfer as transfers
from .operation import REFUSED, UNRESOLVED, Operation
from .refund import Refund
from .refund_line import refund_left, refund_returned
from .refund_result import sent_back
from .result import RecordOperation
from .returned_surplus import return_to_payer
from .told_operation import NEVER_SHOWN, as_reaction, settle_by_outcome
from .transfer import Transfer
from .transfer_line import transfer_left, transfer_returned
from .transfer_result import came_back


class TrySettling:
    """The reaction on `break.proposed`: what would be refused when it is approved is refused at once."""

    def needs(self, command: ProposeResolution, need: Need) -> None:
        """Asks for what settling needs."""
        _needs(command.disagreement, need)

    def decide(self, _command: ProposeResolution, changes: Changes, world: World) -> Changes:
        """Settles, and throws away what comes of it."""
        if isinstance(changes.row, Disagreement) and changes.row.state == BreakState.PROPOSED:
            _settled(world, changes.row)
        return Changes()


class SettleSubject:
    """The reaction on `break.resolved`."""

    def needs(self, command: ResolveBreak, need: Need) -> None:
        """Asks for the operation, its lines and breaks, and whatever its outcome needs."""
        _needs(command.disagreement, need)

    def decide(self, _command: ResolveBreak, changes: Changes, world: World) -> Changes:
        """Does the part of what the operation was for."""
        settled = isinstance(changes.row, Disagreement) and changes.row.state == BreakState.RESOLVED
        return _settled(world, changes.row) if settled else Changes()


def _needs(key: bytes, need: Need) -> None:
    row = need.row(Disagreement, key)
    if row is None or not row.operation:
        return
    need.row(Bank, row.bank)
    need.row(Operation, row.operation)
    need.all(BankLine, "operation", row.operation)
    need.all(Disagreement, "operation", row.operation)
    if row.line is not None:
        need.row(BankLine, row.line)
    RecordOperation(result=OperationResult(row.operation, OperationOutcome.UNKNOWN)).needs(need)
    if row.subject_kind == refunds.KIND and row.subject is not None:
        refund = need.row(Refund, row.subject)
        if refund is not None:
            need.row(Merchant, refund.merchant)


def _settled(world: World, row: Disagreement) -> Changes:
    """Returns the operation's, the noun's and the payer's part of settling a break.

    Raises:
        Refused: CONFLICT where the operation or what it was for has gone on since.
    """
    operation = world.get(Operation, row.operation) if row.operation else None
    if operation is None:
        return Changes()
    if row.kind == BreakKind.CHANNEL and not row.ledger_amount:
        meant = UNRESOLVED if row.ledger_amount is None else REFUSED
        if operation.state not in meant:
            raise Refused(Reason.CONFLICT, "its bank has answered since")
    if by_operation(row):
        return settle_by_outcome(world, row)
    changes = _of_noun(world, row, operation)
    if row.resolution == Resolution.RETURN_TO_PAYER:
        changes = changes.join(return_to_payer(world, row, changes))
    return changes


def _of_noun(world: World, row: Disagreement, operation: Operation) -> Changes:
    """Posts what a refund, withdrawal or payout has in transit as its line shows it, or gives it back where none does.

    Raises:
        Refused: CONFLICT.
    """
    if row.subject is None:
        return Changes()
    if row.line is None:
        return _taken_back(world, row, row.subject, operation) if _is_out(row) else Changes()
    line = world.require(BankLine, row.line)
    if standing(row, line.kind) is not Standing.OF_NOUN:
        return Changes()
    returned = line.kind == StatementLineKind.PAYOUT_RETURN
    if returned and not _has_left(world, row.operation):
        raise Refused(Reason.CONFLICT, "no statement has shown that it left")
    if row.subject_kind == transfers.KIND:
        return (transfer_returned if returned else transfer_left)(world, world.require(Transfer, row.subject), line)
    if row.subject_kind == payouts.KIND:
        step = match_returned if returned else match_sent
        return as_reaction(step(world, world.require(Payout, row.subject), line.id))
    refund, bank = world.require(Refund, row.subject), world.require(Bank, row.bank)
    return as_reaction(
        refund_returned(world, refund, line, bank) if returned else refund_left(world, refund, line, bank)
    )


def _is_out(row: Disagreement) -> bool:
    return standing(row, None) is Standing.OF_NOUN and row.resolution == Resolution.OPERATION_FAILED


def _has_left(world: World, operation: bytes) -> bool:
    told = {LineState.MATCHED, LineState.RESOLVED}
    lines = world.all(BankLine, "operation", operation)
    return any(line.kind == StatementLineKind.PAYOUT and line.state in told for line in lines)


def _taken_back(world: World, row: Disagreement, subject: bytes, operation: Operation) -> Changes:
    """As if the payee's bank had sent it back before any statement showed it.

    Raises:
        Refused: CONFLICT where the noun has gone on since.
    """
    operation = operation._replace(code=NEVER_SHOWN)
    if row.subject_kind == payouts.KIND:
        return as_reaction(_payout_back(world, world.require(Payout, subject)))
    if row.subject_kind == transfers.KIND:
        changes = came_back(world, world.require(Transfer, subject), operation)
    else:
        changes = sent_back(world, world.require(Refund, subject), operation)
    if not changes.events:
        raise Refused(Reason.CONFLICT, "nothing of the operation is in transit any more")
    return as_reaction(changes)


def _payout_back(world: World, payout: Payout) -> Changes:
    """The merchant has it available again, unless that was so before."""
    if payout.state in ENDED_BADLY:
        payout = touch_payout(payout, world.business_us)
        return Changes(payout, events=(payout_event(payout, "never_shown"),))
    return record_failure(world, payout, PayoutState.RETURNED, NEVER_SHOWN)
