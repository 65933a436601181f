"""Label: what became known about a payment after it was decided; the counters of everybody involved move at once.

In: reports of partners, banks, reviewers, and of a step-up that failed. Out: the report in force, an event with marks.
Invariant: a payment has one label; a later one takes the earlier back exactly; who knows less never overrules who
knows more: a partner not a bank, a bank not an operator.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, NamedTuple

from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, refuse_transition
from keelpay_server.book.world import World

from .counters import LABEL_EVENT
from .decision import KIND, Decision, facts_of
from .features import from_snapshot

EXPLAINED_Z: Final = 2.5
"""From so many standard deviations on, the payer's own anomaly explains a fraud, and the payee is not suspected."""


class Label(IntEnum):
    """What became known, numbered as in the contract."""

    FRAUD = 1
    LEGITIMATE = 2
    DISPUTE = 3
    STEP_UP_FAILED = 4


WEIGHTS_MILLI: Final = {Label.FRAUD: 1000, Label.LEGITIMATE: 0, Label.DISPUTE: 500, Label.STEP_UP_FAILED: 300}
"""How much of a fraud each label counts as: a suspicion weighs less than a proof."""
_RANKS: Final = {CallerKind.OPERATOR: 3, CallerKind.BANK: 2}
_RANK_OTHERS: Final = 1


class Report(NamedTuple):
    """The label of one payment.

    Attributes:
        id: Key of the payment, as in its decisions.
        decision: The decision that was the latest when the payment was first labelled.
        merchant: The merchant.
        label: A Label.
        rank: How much its reporter knows: 1 partner or system, 2 bank, 3 operator.
        observe_time: When it was found out, business clock.
        count_time: When the counters took it in, business clock.
        source: Where it comes from.
        reporter: Who reported it.
        state_version: Counts its changes.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    decision: bytes
    merchant: str
    label: int
    rank: int
    observe_time: int
    count_time: int
    source: str
    reporter: str
    state_version: int
    create_time: int
    update_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutcome(Command):
    """Labels a payment.

    Attributes:
        decision: Key of a decision about it, or None where `payment` is given.
        payment: Key of the payment, or None where `decision` is given.
        merchant: The merchant it must belong to; empty for any.
        label: What became known.
        observe_time: When, business clock; 0 for now.
        source: Where it comes from.
    """

    decision: bytes | None = None
    payment: bytes | None = None
    merchant: str = ""
    label: Label
    observe_time: int = 0
    source: str = ""

    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """The decision, then the label there is already."""
        payment = self.payment
        if self.decision is not None:
            known = need.row(Decision, self.decision)
            payment = None if known is None else known.payment
        if payment is not None:
            need.all(Decision, "payment", payment)
            need.row(Report, payment)

    def decide(self, world: World) -> Changes:
        """See `report`.

        Raises:
            Refused: RESOURCE_NOT_FOUND where no decision is known or it is another merchant's; those of `report`.
        """
        payment = self.payment
        if self.decision is not None:
            payment = world.require(Decision, self.decision).payment
        decisions = world.all(Decision, "payment", payment or b"")
        if not decisions or (self.merchant and decisions[0].merchant != self.merchant):
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="decision")
        return report(world, latest(decisions), self.label, observe_time=self.observe_time, source=self.source)


def latest(decisions: list[Decision]) -> Decision:
    """Returns the newest of a payment's decisions; ids grow with time."""
    return max(decisions, key=lambda decision: decision.id)


def report(world: World, decision: Decision, label: Label, *, observe_time: int = 0, source: str = "") -> Changes:
    """Labels the payment of a decision. The caller's `needs` named `Report` with the decision's payment.

    Raises:
        Refused: FIELD_INVALID for a time ahead; ILLEGAL_TRANSITION where somebody who knows more has spoken.
    """
    now = world.business_us
    if observe_time > now:
        invalid("observe_time", "it lies ahead")
    before = world.get(Report, decision.payment)
    rank = _RANKS.get(world.caller.kind, _RANK_OTHERS)
    marks: list[tuple[int, int]] = []
    if before is None:
        row = Report(
            decision.payment, decision.id, decision.merchant, int(label), rank, observe_time or now, now, source,
            world.caller.actor, 1, world.wall_us, world.wall_us,
        )  # fmt: skip
    else:
        if before.label == label:
            return Changes(before)
        if before.rank > rank:
            refuse_transition("label", Label(before.label).name, label.name)
        if weight := WEIGHTS_MILLI[Label(before.label)]:
            marks.append((-weight, before.count_time))
        row = before._replace(
            label=int(label), rank=rank, observe_time=observe_time or now, count_time=now, source=source,
            reporter=world.caller.actor, state_version=before.state_version + 1, update_time=world.wall_us,
        )  # fmt: skip
    if weight := WEIGHTS_MILLI[label]:
        marks.append((weight, now))
    return Changes(row, events=(_event(decision, row, marks),))


def _event(decision: Decision, row: Report, marks: list[tuple[int, int]]) -> Event:
    explained = bool(decision.features) and from_snapshot(decision.features).payer_z_30 >= EXPLAINED_Z
    data = {
        "label": row.label, "payment": decision.payment, "facts": facts_of(decision)._asdict(), "marks": marks,
        "explained": explained,
    }  # fmt: skip
    return Event(LABEL_EVENT, KIND, decision.id, row.state_version, decision.merchant, data)
