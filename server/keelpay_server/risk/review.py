"""Review: a payment, or what stands behind a blocked one, that waits for a person's judgement.

In: decisions that ask for a person; operators' verdicts. Out: the review, its label, and (by reaction, in the same
commit) what becomes of the payment. Invariant: judged once; OPEN is the only state that anything leaves.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, NamedTuple

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.times import HOUR_US
from keelpay_server.book.world import World

from .decision import Decision
from .facts import DATA_KEY
from .label import Label, Report, report

KIND: Final = "rev"
DUE_US: Final = 4 * HOUR_US
"""A payer waits: a review should be judged within four hours."""


class ReviewState(IntEnum):
    """Where a review stands, numbered as in the contract."""

    OPEN = 1
    APPROVED = 2
    REJECTED = 3
    CLOSED = 4


class Verdict(IntEnum):
    """A person's judgement, numbered as in the contract."""

    APPROVE = 1
    REJECT = 2


_S = ReviewState
TRANSITIONS: Final[dict[ReviewState, frozenset[ReviewState]]] = {
    _S.OPEN: frozenset({_S.APPROVED, _S.REJECTED, _S.CLOSED}),
    _S.APPROVED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.CLOSED: frozenset(),
}
VERDICTS: Final = {
    Verdict.APPROVE: (ReviewState.APPROVED, Label.LEGITIMATE),
    Verdict.REJECT: (ReviewState.REJECTED, Label.FRAUD),
}
"""What a verdict makes of the review, and how it labels the payment."""


class Review(NamedTuple):
    """One review. Times on the business clock, but for `update_time` where nothing else is said.

    Attributes:
        id: Key; the decision names it too.
        decision: The decision that opened it.
        payment: Key of the payment, as in the decision.
        external: The partner's own number of a payment that is not made here; else empty.
        merchant: The merchant to be paid.
        outcome: What the decision asked.
        reasons: The decision's.
        amount: Minor units.
        currency: Its code.
        state: A ReviewState.
        state_version: Counts its changes.
        due_time: When it should be judged.
        comment: What the judge noted; empty while open.
        decider: Who judged; empty while open.
        decide_time: When; 0 while open.
        create_time: When it was opened.
        update_time: When it last changed.
    """

    id: bytes
    decision: bytes
    payment: bytes
    external: str
    merchant: str
    outcome: int
    reasons: str
    amount: int
    currency: str
    state: int
    state_version: int
    due_time: int
    comment: str
    decider: str
    decide_time: int
    create_time: int
    update_time: int


def open_review(world: World, decision: Decision) -> Changes:
    """Returns the review that a decision asks for, to be joined to the changes that save the decision.

    Args:
        world: Whose clock counts.
        decision: One with a `review`, that is, of outcome REVIEW or BLOCK_AND_REVIEW.
    """
    assert decision.review is not None
    now = world.business_us
    row = Review(
        decision.review, decision.id, decision.payment, decision.external, decision.merchant, decision.outcome,
        decision.reasons, decision.amount, decision.currency, int(ReviewState.OPEN), 1, now + DUE_US, "", "", 0, now,
        now,
    )  # fmt: skip
    return Changes(rows=(row,), events=(_event("review.opened", row),))


def close_review(world: World, review: bytes) -> Changes:
    """Closes the review of a payment that ended before anybody judged; one judged already stays as it is.

    The caller's `needs` named the review.
    """
    row = world.require(Review, review)
    if row.state != ReviewState.OPEN:
        return Changes()
    row = _move(row, ReviewState.CLOSED, world.business_us)
    return Changes(rows=(row,), events=(_event("review.closed", row),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideReview(Command):
    """Judges a review; what becomes of the payment is decided by a reaction in the same commit.

    Attributes:
        review: Key.
        state_version: What the judge saw, or 0 not to check.
        verdict: The judgement.
        comment: Why.
    """

    review: bytes
    state_version: int = 0
    verdict: Verdict
    comment: str

    depth: ClassVar[int] = 2
    emits: ClassVar[str] = "review.decided"

    def needs(self, need: Need) -> None:
        """The review, then its decision and the payment's label."""
        row = need.row(Review, self.review)
        if row is not None:
            need.row(Decision, row.decision)
            need.row(Report, row.payment)

    def decide(self, world: World) -> Changes:
        """Moves the review, labels the payment, and tells the counters that an approved one was its payer's.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ETAG_MISMATCH, ILLEGAL_TRANSITION.
        """
        row = world.require(Review, self.review)
        if self.state_version and self.state_version != row.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(row.state_version))
        state, label = VERDICTS[self.verdict]
        now = world.business_us
        row = _move(row, state, now)._replace(comment=self.comment, decider=world.caller.actor, decide_time=now)
        decision = world.require(Decision, row.decision)
        event = _event(self.emits, row)
        if self.verdict is Verdict.APPROVE:
            event.data[DATA_KEY] = decision.proof()
        labelled = report(world, decision, label, source="review")
        return Changes(row, events=(event,)).join(labelled)


def _move(row: Review, to: ReviewState, now_us: int) -> Review:
    if to not in TRANSITIONS[ReviewState(row.state)]:
        refuse_transition("review", ReviewState(row.state).name, to.name)
    return row._replace(state=int(to), state_version=row.state_version + 1, update_time=now_us)


def _event(kind: str, row: Review) -> Event:
    data = {"payment": row.payment, "risk_decision": row.decision, "state": row.state}
    return Event(kind, KIND, row.id, row.state_version, row.merchant, data)
