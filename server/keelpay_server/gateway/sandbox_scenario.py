"""What a test installation keeps of its levers: scenarios that were asked for, and how far the clock was moved.

In: requests of the sandbox service. Out: rows, and orders for the sandbox banks. Pure.
Invariant: a scenario is made once under its request id; the clock's target only moves forward.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, refuse_transition
from keelpay_server.book.sandbox_bank import SandboxOrder
from keelpay_server.book.times import DAY_US
from keelpay_server.book.world import World

from .operation import Operation
from .result import RecordOperation

KIND: Final = "scn"
CLOCK: Final = "clock"
STEP_US_MAX: Final = 400 * DAY_US


class Scenario(NamedTuple):
    """One scenario, as it was asked for.

    Attributes:
        id: Server-made id; also the bank's order.
        bank: The sandbox bank.
        behaviour: A Behaviour of the contract.
        kinds: Numbers of the operation kinds it befalls, space-separated; empty for any.
        instrument: The bank's token of the only instrument it befalls, or empty.
        operation_count: How many operations it befalls.
        delay_us: How late or how long; 0 for the behaviour's own.
        code: Why it is declined, or empty.
        amount_delta: What is added to a statement's line, in minor units.
        create_time: Wall clock.
    """

    id: bytes
    bank: str
    behaviour: int
    kinds: str
    instrument: str
    operation_count: int
    delay_us: int
    code: str
    amount_delta: int
    create_time: int

    def order(self) -> SandboxOrder:
        """Returns it in the words of the bank."""
        kinds = frozenset(int(kind) for kind in self.kinds.split())
        return SandboxOrder(
            self.id,
            self.behaviour,
            kinds,
            self.instrument,
            self.operation_count,
            self.delay_us,
            self.code,
            self.amount_delta,
        )


class SandboxClock(NamedTuple):
    """What was done to the sandbox as a whole; one row, `clock`.

    Attributes:
        id: CLOCK.
        state_version: How often the business clock was advanced.
        target: The business time that the last advance was to reach; 0 before the first.
        resets: How often all scenarios were ended.
        update_time: Wall clock.
    """

    id: str
    state_version: int
    target: int
    resets: int
    update_time: int


_NEVER_TOUCHED: Final = SandboxClock(CLOCK, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateScenario(Command):
    """Keeps a scenario.

    Attributes:
        scenario: Without id and time, which are set here.
        verdict: Why the bank cannot behave so, or None; found out before the queue.
    """

    scenario: Scenario
    verdict: Reason | None = None

    def decide(self, world: World) -> Changes:
        """Keeps it.

        Raises:
            Refused: RESOURCE_NOT_FOUND, UNSUPPORTED_BY_RAIL.
        """
        if self.verdict is not None:
            raise Refused(self.verdict, resource="sandbox bank")
        return Changes(self.scenario._replace(id=world.new_id(), create_time=world.wall_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Command):
    """Remembers that all scenarios were ended; they live at the banks."""

    def needs(self, need: Need) -> None:
        """The row that counts."""
        need.row(SandboxClock, CLOCK)

    def decide(self, world: World) -> Changes:
        """Counts it."""
        row = world.get(SandboxClock, CLOCK) or _NEVER_TOUCHED
        return Changes(row._replace(resets=row.resets + 1, update_time=world.wall_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEntry(Command):
    """Remembers that a bank booked what no operation caused; the entry lives at the bank.

    Attributes:
        verdict: Why it could not, or None.
    """

    verdict: Reason | None = None

    def needs(self, need: Need) -> None:
        """The row that stands for the sandbox."""
        need.row(SandboxClock, CLOCK)

    def decide(self, world: World) -> Changes:
        """Notes when.

        Raises:
            Refused: RESOURCE_NOT_FOUND, UNSUPPORTED_BY_RAIL.
        """
        if self.verdict is not None:
            raise Refused(self.verdict, resource="sandbox bank")
        row = world.get(SandboxClock, CLOCK) or _NEVER_TOUCHED
        return Changes(row._replace(update_time=world.wall_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceClock(Command):
    """Sets how far the business clock is to be moved; whoever asked moves it there after the commit, and a repeat
    does so again if the first did not come to it.

    Attributes:
        step_us: By how much, or 0.
        until_us: Until when, where `step_us` is 0.
    """

    step_us: int
    until_us: int

    def needs(self, need: Need) -> None:
        """The clock."""
        need.row(SandboxClock, CLOCK)

    def decide(self, world: World) -> Changes:
        """Sets the target.

        Raises:
            Refused: FIELD_INVALID where it lies behind, or too far ahead.
        """
        row = world.get(SandboxClock, CLOCK) or _NEVER_TOUCHED
        now = max(world.business_us, row.target)
        target = now + self.step_us if self.step_us else self.until_us
        if target <= world.business_us:
            invalid("until", "has passed; the clock never goes back")
        if target > world.business_us + STEP_US_MAX and not self.step_us:
            invalid("until", "is more than 400 days ahead")
        after = row._replace(
            state_version=row.state_version + 1, target=max(target, row.target), update_time=world.wall_us
        )
        return Changes(after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTrigger(RecordOperation):
    """Takes what a bank decided because a test said so.

    Attributes:
        happened: Whether it did.
        trigger: What was asked for, by name.
    """

    happened: bool
    trigger: str

    depth: ClassVar[int] = RecordOperation.depth

    def decide(self, world: World) -> Changes:
        """Takes it as any other result, or says that it could not happen.

        Raises:
            Refused: ILLEGAL_TRANSITION.
        """
        if not self.happened:
            refuse_transition("operation", "its state at the bank", self.trigger)
        changes = RecordOperation.decide(self, world)
        # What answers a repeat is the operation itself.
        operation = next((row for row in changes.rows if type(row) is Operation), None)
        if changes.row is not None or operation is None:
            return changes
        return changes._replace(row=operation, rows=tuple(row for row in changes.rows if row is not operation))


class Trigger(NamedTuple):
    """What a trigger makes a bank decide.

    Attributes:
        name: For messages.
        collection: What it can happen to, by collection.
        outcome: What the bank decides.
        code: Why.
    """

    name: str
    collection: str
    outcome: OperationOutcome
    code: str = ""


TRIGGERS: Final = {
    1: Trigger("LATE_SUCCESS", "payments", OperationOutcome.SUCCEEDED),
    2: Trigger("LATE_DECLINE", "payments", OperationOutcome.DECLINED, "DO_NOT_HONOR"),
    3: Trigger("PAYOUT_RETURNED", "payouts", OperationOutcome.RETURNED, "ACCOUNT_CLOSED"),
    4: Trigger("REFUND_RETURNED", "refunds", OperationOutcome.DECLINED, "ACCOUNT_CLOSED"),
}
"""By the number of the contract's Trigger."""
