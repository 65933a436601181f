"""An operation that nobody answers for: told to operators as a break once its schedule has come to nothing.

In: operations after each try to learn their outcome. Out: a break, once; and its end when the outcome is known after
all. Invariant: an operation of unknown outcome that is older than its schedule has one open break.
"""

from typing import Final

from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.times import DAY_US, SECOND_US
from keelpay_server.book.world import World
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.disagreement import UNSETTLED, BreakKind, BreakState, Disagreement, event_of, move
from keelpay_server.clearing.matching import ASIDE

from .operation import QUERY_SCHEDULE_S, REFUSED, TAKING, Operation, OperationKind

SCHEDULE_US: Final = sum(QUERY_SCHEDULE_S) * SECOND_US
"""How long the schedule of queries takes until its last step repeats."""
PENDING_US: Final = 7 * DAY_US
"""A bank that says it is still at it has heard of it: that may take as long as a hold, which is a week."""


def report_needs(need: Need, operation: Operation, outcome: OperationOutcome) -> None:
    """Asks for the breaks about an operation that is past its schedule, or about to be; for lines, if it comes late."""
    if operation.state in REFUSED and outcome is OperationOutcome.SUCCEEDED:
        need.all(BankLine, "operation", operation.id)
    if operation.queries >= len(QUERY_SCHEDULE_S) - 1:
        need.all(Disagreement, "operation", operation.id)


def settled_by_line(world: World, operation: Operation) -> bool:
    """Whether two operators have said what becomes of the money that a statement showed of a refused operation."""
    lines = world.all(BankLine, "operation", operation.id)
    return any(line.state == LineState.RESOLVED and line.kind not in ASIDE for line in lines)


def report(world: World, operation: Operation, outcome: OperationOutcome) -> Changes:
    """Returns a new break about an operation whose outcome stays unknown, or nothing where it is early or known.

    Args:
        world: The batch.
        operation: After the answer that told nothing.
        outcome: That answer.
    """
    patience = PENDING_US if outcome is OperationOutcome.PENDING else SCHEDULE_US
    if operation.queries < len(QUERY_SCHEDULE_S) or world.wall_us - operation.create_time < patience:
        return Changes()
    if _open(world, operation.id):
        return Changes()
    kind = OperationKind(operation.kind)
    asked = operation.amount if kind in TAKING else -operation.amount
    row = Disagreement(
        id=world.new_id(), kind=BreakKind.OPERATION_UNKNOWN, state=BreakState.OPEN, state_version=1,
        bank=operation.bank, currency=operation.currency, statement=None, line=None, bank_reference="",
        operation=operation.id, subject_kind=operation.subject_kind, subject=operation.subject,
        merchant=operation.merchant, ledger_amount=None, channel_amount=asked, bank_amount=None, proposal=None,
        resolution=0, target="", claim=None, comment=f"the bank does not tell what became of this {kind.name}",
        in_suspense=0, create_time=world.business_us, update_time=world.business_us,
    )  # fmt: skip
    return Changes(rows=(row,), events=(event_of(row),))


def explain(world: World, operation: Operation, but: bytes | None = None) -> Changes:
    """Ends the break about an operation whose outcome is known now; a proposal about it is withdrawn.

    Args:
        world: The batch.
        operation: As it was before.
        but: A break that is left alone, because it is being settled itself.
    """
    if operation.queries < len(QUERY_SCHEDULE_S):
        return Changes()
    changes = Changes()
    for row in _open(world, operation.id):
        if row.id != but:
            opened = move(row, BreakState.OPEN, world.business_us) if row.state == BreakState.PROPOSED else row
            ended = move(opened, BreakState.EXPLAINED, world.business_us, comment="its outcome is known")
            changes = changes.join(Changes(rows=(ended,), events=(event_of(ended),)))
    return changes


def _open(world: World, operation: bytes) -> list[Disagreement]:
    rows = world.all(Disagreement, "operation", operation)
    return [row for row in rows if row.kind == BreakKind.OPERATION_UNKNOWN and row.state in UNSETTLED]
