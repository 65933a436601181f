"""Results: what a rail answered about an operation, told to whatever the operation belongs to.

In: one result for one operation, from sending, asking again, or a bank's own notice. Out: the operation's next state,
its subject's part of the same commit, and when to ask again. Invariant: a result heard twice changes nothing twice.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.world import World

from .operation import SEND, UNRESOLVED, WORK, Operation, OperationKind, OperationState, ask_again, resolve
from .subject import Subject
from .subjects import SUBJECTS

RESOLVED: Final = {
    OperationOutcome.SUCCEEDED: OperationState.SUCCEEDED,
    OperationOutcome.DECLINED: OperationState.DECLINED,
    OperationOutcome.FAILED: OperationState.FAILED,
    OperationOutcome.RETURNED: OperationState.FAILED,
}
RETURNED: Final = "RETURNED"
"""The code of a payment out that was carried out and came back."""
VOIDED: Final = "VOIDED"
"""The code of an authorization that its bank gave up by key, as it was asked, before it told what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOperation(Command):
    """Takes one result.

    Attributes:
        result: What the rail answered.
    """

    result: OperationResult

    depth: ClassVar[int] = 5

    def needs(self, need: Need) -> None:
        """The operation and its work, then its bank and subject, then what the subject needs."""
        need.row(Work, self.result.key)
        operation = need.row(Operation, self.result.key)
        if operation is not None:
            need.row(Bank, operation.bank)
            SUBJECTS[operation.subject_kind].needs(need, operation)

    def decide(self, world: World) -> Changes:
        """Moves the operation on, or does nothing if its outcome was known."""
        result = self.result
        operation = world.require(Operation, result.key)
        subject = SUBJECTS[operation.subject_kind]
        if operation.state not in UNRESOLVED:
            lost = operation.state in (OperationState.FAILED, OperationState.DECLINED)
            if lost and result.outcome is OperationOutcome.SUCCEEDED:
                return subject.late(world, operation, result)
            came_back = operation.state == OperationState.SUCCEEDED and operation.kind == OperationKind.PAY
            if came_back and result.outcome is OperationOutcome.RETURNED and operation.code != RETURNED:
                told = operation._replace(code=RETURNED, update_time=world.wall_us)
                changes = subject.settle(world, told._replace(state=OperationState.FAILED), result)
                return changes._replace(rows=(*changes.rows, told))
            task = world.get(Work, operation.id)
            return Changes(done=(operation.id,) if task is not None and task.kind == WORK else ())
        after = operation._replace(
            queries=operation.queries + (1 if operation.state == OperationState.UNKNOWN else 0),
            bank_us=operation.bank_us + result.bank_us,
            bank_reference=result.bank_reference or operation.bank_reference,
            code=result.code or operation.code,
        )
        if (to := RESOLVED.get(result.outcome)) is not None:
            after = resolve(after, to, world.wall_us, cost=result.cost_minor)
            changes = subject.settle(world, after, result)
            return _with(changes, after)
        if result.outcome is OperationOutcome.NOT_FOUND:
            return self._not_found(world, subject, after)
        if after.state == OperationState.SUBMITTED:
            after = resolve(after, OperationState.UNKNOWN, world.wall_us)
        changes = Changes()
        if result.outcome is OperationOutcome.PENDING:
            changes = subject.waiting(world, after, result)
        return _with(changes, after)._replace(work=(*changes.work, ask_again(after, world.wall_us)), done=changes.done)

    def _not_found(self, world: World, subject: Subject, operation: Operation) -> Changes:
        """The bank does not know the key: that counts only after its settle time; then it is sent again, if the bank
        declares that this is safe, or given up.
        """
        bank = world.require(Bank, operation.bank)
        if world.wall_us - operation.create_time < bank.settle_time_us:
            if operation.state == OperationState.SUBMITTED:
                operation = resolve(operation, OperationState.UNKNOWN, world.wall_us)
            return Changes(rows=(operation,), work=(ask_again(operation, world.wall_us),))
        if bank.idempotent:
            again = Work(operation.id, WORK, operation.id, WALL, world.wall_us, SEND)
            return Changes(rows=(operation,), work=(again,))
        given_up = resolve(operation, OperationState.FAILED, world.wall_us, code="NEVER_ARRIVED")
        result = self.result._replace(outcome=OperationOutcome.FAILED, code="NEVER_ARRIVED")
        return _with(subject.settle(world, given_up, result), given_up)


def _with(changes: Changes, operation: Operation) -> Changes:
    """Saves the operation, unless the subject already changed it further, and ends its work unless rescheduled."""
    rows = changes.rows
    if not any(type(row) is Operation and row.id == operation.id for row in rows):
        rows = (*rows, operation)
    done = changes.done
    if not any(task.id == operation.id for task in changes.work):
        done = (*done, operation.id)
    return changes._replace(rows=rows, done=done)
