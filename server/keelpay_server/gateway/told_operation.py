"""An operation whose outcome two operators tell: its line is the bank's answer, or no line ever showed it.

In: a break that is settled by its operation's outcome. Out: what that outcome does, as if the bank had said it, and the
line posted. Invariant: the operation, what it was for, its line and the break end in one commit.
"""

from typing import Final, TypeVar

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing import payout as payouts
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.clearing.disagreement import BreakKind, Disagreement, event_of
from keelpay_server.clearing.payout import Payout
from keelpay_server.clearing.payout_result import match_sent
from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.posting import bank as bank_posting

from . import refund as refunds
from . import transfer as transfers
from .operation import UNRESOLVED, Operation, OperationKind, moves_money
from .refund import Refund
from .refund_line import refund_left
from .result import RecordOperation
from .stray import Stray
from .transfer import Transfer
from .transfer_line import transfer_left

Row = TypeVar("Row")
NEVER_SHOWN: Final = "NEVER_SHOWN"
"""The code of an operation that two operators gave up because no statement shows it."""
_OUT: Final = frozenset({OperationKind.REFUND, OperationKind.PAY})


def settle_by_outcome(world: World, row: Disagreement) -> Changes:
    """Returns what settling a break by its operation's outcome does; its own event is the last of the commit.

    Raises:
        Refused: CONFLICT, FIELD_INVALID.
    """
    unknown = row.kind == BreakKind.OPERATION_UNKNOWN
    changes = _given_up(world, row) if unknown else _done(world, row)
    return as_reaction(changes)._replace(events=(*changes.events, event_of(row)))


def as_reaction(changes: Changes) -> Changes:
    """Returns changes none of whose rows answers: the command's own does."""
    rows = changes.rows if changes.row is None else (changes.row, *changes.rows)
    return changes._replace(row=None, rows=rows)


def _given_up(world: World, row: Disagreement) -> Changes:
    """No statement shows it: it has failed."""
    operation = world.require(Operation, row.operation)
    if operation.state not in UNRESOLVED:
        raise Refused(Reason.CONFLICT, "its bank has answered since")
    result = OperationResult(operation.id, OperationOutcome.FAILED, NEVER_SHOWN)
    return RecordOperation(result=result, settling=row.id).decide(world)


def _done(world: World, row: Disagreement) -> Changes:
    """A line shows it: it has succeeded. What an incoming line is short of is what the bank charges."""
    operation = world.require(Operation, row.operation)
    line = world.require(BankLine, row.line or b"")
    outgoing = operation.kind in _OUT
    if not moves_money(operation):
        raise Refused(Reason.CONFLICT, "the operation moves no money")
    cost = 0 if outgoing else operation.amount - line.amount
    fits = line.amount == -operation.amount if outgoing else 0 < line.amount <= operation.amount
    if not fits:
        raise Refused(Reason.CONFLICT, "the line's amount cannot be this operation's")
    result = OperationResult(operation.id, OperationOutcome.SUCCEEDED, cost_minor=cost)
    changes = as_reaction(RecordOperation(result=result, settling=row.id).decide(world))
    if not changes.events:
        raise Refused(Reason.CONFLICT, "what the operation was for takes no success any more")
    return changes.join(_posted(world, row, line, changes))


def _posted(world: World, row: Disagreement, line: BankLine, changes: Changes) -> Changes:
    """Posts the line: what the operation was for is as this commit has just left it."""
    bank = world.require(Bank, row.bank)
    match row.subject_kind:
        case refunds.KIND:
            refund, stray = latest(changes, Refund), latest(changes, Stray)
            return refund_left(world, refund or world.require(Refund, row.subject or b""), line, bank, stray)
        case transfers.KIND if line.amount < 0:
            return transfer_left(world, latest(changes, Transfer) or world.require(Transfer, row.subject or b""), line)
        case payouts.KIND:
            payout = latest(changes, Payout) or world.require(Payout, row.subject or b"")
            return as_reaction(match_sent(world, payout, line.id))
        case _:
            number = currency_number(bank.reserve(row.currency))
            return Changes(legs=bank_posting.receive(bank=bank.number, currency=number, amount=line.amount).legs)


def latest(changes: Changes, entity: type[Row]) -> Row | None:
    """Returns the last of a commit's rows of a kind."""
    return next((each for each in reversed(changes.rows) if isinstance(each, entity)), None)
