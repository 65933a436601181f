"""Results: what a rail answered about an operation, told to whatever the operation belongs to.

In: one result for one operation, from sending, asking again, a bank's own notice, or two operators. Out: its next
state, its subject's part of the same commit, and when to ask again. Invariant: a result heard twice changes nothing
twice, and a payment out that came back ends in the same books whichever of the two is heard first.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.world import World

from .bank_charge import charge_of
from .operation import (
    REFUSED,
    SEND,
    UNRESOLVED,
    WORK,
    Operation,
    OperationKind,
    OperationState,
    ask_again,
    moves_money,
    resolve,
)
from .subject import Subject
from .subjects import SUBJECTS
from .unknown_operation import explain, report, report_needs, settled_by_line

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
NEVER_ARRIVED: Final = "NEVER_ARRIVED"
"""The code of an operation that its bank does not know, and that must not be sent to it again."""
CONTRADICTS: Final = "CONTRADICTS"
"""The code of an operation of which its bank says that it did something else: another amount, or of another kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOperation(Command):
    """Takes one result.

    Attributes:
        result: What the rail answered.
        settling: The break that two operators settle by this result, or None.
    """

    result: OperationResult
    settling: bytes | None = None

    depth: ClassVar[int] = 5

    def needs(self, need: Need) -> None:
        """The operation and its work, then its bank, the breaks about it and its subject, then what that needs."""
        need.row(Work, self.result.key)
        operation = need.row(Operation, self.result.key)
        if operation is not None:
            need.row(Bank, operation.bank)
            report_needs(need, operation, self.result.outcome)
            SUBJECTS[operation.subject_kind].needs(need, operation)

    def decide(self, world: World) -> Changes:
        """Moves the operation on; of one whose outcome was known, only what is new counts.

        A bank's own news is answered with the operation where nothing else answers it: what is acknowledged exists.
        """
        operation = world.require(Operation, self.result.key)
        result = _as_asked(self.result, operation)
        if result is not self.result:
            return replace(self, result=result).decide(world)
        told = self._told(world, operation)
        if told.row is not None or self.request is None:
            return told
        after = (row for row in told.rows if type(row) is Operation and row.id == operation.id)
        return told._replace(row=next(after, operation))

    def _told(self, world: World, operation: Operation) -> Changes:
        result = self.result
        subject = SUBJECTS[operation.subject_kind]
        if operation.state not in UNRESOLVED:
            return self._told_again(world, subject, operation)
        after = operation._replace(
            queries=operation.queries + (1 if operation.state == OperationState.UNKNOWN else 0),
            bank_us=operation.bank_us + result.bank_us,
            bank_reference=result.bank_reference or operation.bank_reference,
            code=result.code or operation.code,
        )
        if (to := RESOLVED.get(result.outcome)) is not None:
            known = explain(world, operation, self.settling)
            if self._is_return(operation):
                done = resolve(after, OperationState.SUCCEEDED, world.wall_us, cost=result.cost_minor)
                charge = Changes(legs=charge_of(world, done).legs)
                return self._came_back(world, subject, done).join(charge).join(known)
            if to is not OperationState.SUCCEEDED:
                after = resolve(after, to, world.wall_us)
                return _with(subject.settle(world, after, result), after).join(known)
            after = resolve(after, to, world.wall_us, cost=result.cost_minor)
            changes = subject.settle(world, after, result)
            if not moves_money(after):
                changes, after = _charged_beside(world, changes, after)
            return _with(changes, after).join(known)
        if result.outcome is OperationOutcome.NOT_FOUND:
            return self._not_found(world, subject, after)
        waiting = result.outcome is OperationOutcome.PENDING
        return self._still_unknown(world, after, subject.waiting(world, after, result) if waiting else Changes())

    def _is_return(self, operation: Operation) -> bool:
        return operation.kind == OperationKind.PAY and self.result.outcome is OperationOutcome.RETURNED

    def _told_again(self, world: World, subject: Subject, operation: Operation) -> Changes:
        """Something more about an operation whose outcome was known: it was done after all, came back, or cost."""
        result = self.result
        if result.outcome is OperationOutcome.SUCCEEDED:
            if operation.state in REFUSED and not settled_by_line(world, operation):
                return subject.late(world, operation, result)
            if operation.state == OperationState.SUCCEEDED and result.cost_minor and not operation.cost:
                charged = operation._replace(cost=result.cost_minor, update_time=world.wall_us)
                return _saved(subject.charged(world, charged), charged)
        done = operation.state == OperationState.SUCCEEDED and operation.code != RETURNED
        if done and self._is_return(operation):
            return self._came_back(world, subject, operation)
        task = world.get(Work, operation.id)
        return Changes(done=(operation.id,) if task is not None and task.kind == WORK else ())

    def _came_back(self, world: World, subject: Subject, operation: Operation) -> Changes:
        """A payment out was carried out, and came back: the operation has succeeded, what it was for has not."""
        code = self.result.code or RETURNED
        failed = operation._replace(state=OperationState.FAILED, code=code)
        told = operation._replace(code=RETURNED, update_time=world.wall_us)
        return _with(subject.settle(world, failed, self.result), told)

    def _still_unknown(self, world: World, operation: Operation, changes: Changes) -> Changes:
        """It is asked about again; operators are told once that has come to nothing for long."""
        if operation.state == OperationState.SUBMITTED:
            operation = resolve(operation, OperationState.UNKNOWN, world.wall_us)
        changes = changes.join(report(world, operation, self.result.outcome))
        return _with(changes, operation, ask_again(operation, world.wall_us))

    def _not_found(self, world: World, subject: Subject, operation: Operation) -> Changes:
        """The bank does not know the key: that counts only after its settle time; then it is sent again, if the bank
        declares that this is safe, or given up. An authorization is given up only by a void that its bank has proven
        (see `Dispatcher`): one that is still on its way would take the payer's money.
        """
        bank = world.require(Bank, operation.bank)
        early = world.wall_us - operation.create_time < bank.settle_time_us
        if early or (not bank.idempotent and operation.kind == OperationKind.AUTHORIZE):
            return self._still_unknown(world, operation, Changes())
        if bank.idempotent:
            again = Work(operation.id, WORK, operation.id, WALL, world.wall_us, SEND)
            return _with(report(world, operation, self.result.outcome), operation, again)
        given_up = resolve(operation, OperationState.FAILED, world.wall_us, code=NEVER_ARRIVED)
        result = self.result._replace(outcome=OperationOutcome.FAILED, code=NEVER_ARRIVED)
        known = explain(world, operation, self.settling)
        return _with(subject.settle(world, given_up, result), given_up).join(known)


def _as_asked(result: OperationResult, operation: Operation) -> OperationResult:
    """Returns the result; a success of something else than was asked for is no answer: its bank is asked again."""
    if result.outcome is not OperationOutcome.SUCCEEDED:
        return result
    other_kind = result.kind is not None and result.kind != operation.kind
    other_amount = operation.kind != OperationKind.VOID and result.amount_minor not in {0, operation.amount}
    if other_kind or other_amount:
        return OperationResult(result.key, OperationOutcome.UNKNOWN, CONTRADICTS, bank_us=result.bank_us)
    return result


def _charged_beside(world: World, changes: Changes, operation: Operation) -> tuple[Changes, Operation]:
    """Books the charge of a success that moves no money, and so books nothing by itself; legs need an event."""
    if not changes.events:
        return changes, operation._replace(cost=0)
    return changes.join(Changes(legs=charge_of(world, operation).legs)), operation


def _saved(changes: Changes, operation: Operation) -> Changes:
    """Saves the operation, unless the subject already changed it further."""
    if any(type(row) is Operation and row.id == operation.id for row in changes.rows):
        return changes
    return changes._replace(rows=(*changes.rows, operation))


def _with(changes: Changes, operation: Operation, again: Work | None = None) -> Changes:
    """Saves the operation, and ends its work unless it goes on."""
    changes = _saved(changes, operation)
    if again is not None:
        return changes._replace(work=(*changes.work, again))
    if any(task.id == operation.id for task in changes.work):
        return changes
    return changes._replace(done=(*changes.done, operation.id))
