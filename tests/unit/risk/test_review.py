"""Reviews: judged once, by people, with everything that follows in one commit."""

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.risk.label import Label, Report
from keelpay_server.risk.listing import EntryKind, Strength
from keelpay_server.risk.review import (
    DUE_US,
    TRANSITIONS,
    DecideReview,
    ReviewState,
    Verdict,
    close_review,
    open_review,
)


@pytest.fixture
def decision(stage):
    stage.list(EntryKind.PAYER, "acme/ann", Strength.BLOCK)
    made = stage.pay()
    stage.knows(made.payment, made.review)
    return made


@pytest.fixture
def review(stage, decision):
    changes = open_review(stage.world, decision)
    stage.apply(changes)
    return changes.rows[0]


def judge(stage, review, verdict=Verdict.APPROVE, **changes):
    return DecideReview(review=review.id, verdict=verdict, comment="looked at it", **changes).decide(stage.world)


def test_a_review_opens_with_what_the_decision_said(stage, decision, review):
    assert (review.id, review.decision, review.state) == (decision.review, decision.id, ReviewState.OPEN)
    assert review.reasons == decision.reasons
    assert review.due_time == stage.now_us + DUE_US


@pytest.mark.parametrize(
    "verdict, state, label",
    [
        (Verdict.APPROVE, ReviewState.APPROVED, Label.LEGITIMATE),
        (Verdict.REJECT, ReviewState.REJECTED, Label.FRAUD),
    ],
)
def test_a_verdict_moves_the_review_and_labels_the_payment(stage, review, verdict, state, label):
    changes = judge(stage, review, verdict)
    reports = [row for row in changes.rows if isinstance(row, Report)]
    assert changes.row.state == state
    assert changes.row.decider == "operator:ops-1"
    assert [row.label for row in reports] == [label]
    assert [event.type for event in changes.events] == ["review.decided", "risk.reported"]


def test_an_approved_payment_becomes_usual_and_a_rejected_one_does_not(stage, review):
    stage.apply(judge(stage, review, Verdict.APPROVE))
    assert stage.counters.view().uses("acme/ann", "merchant", "cafe") == 1
    assert "decision" not in judge_of_another(stage).events[0].data


def judge_of_another(stage):
    decision = stage.pay(payment=b"another payment.")
    stage.knows(decision.payment)
    opened = open_review(stage.world, decision)
    stage.apply(opened)
    return judge(stage, opened.rows[0], Verdict.REJECT)


def test_a_review_is_judged_once(stage, review):
    stage.apply(judge(stage, review))
    with pytest.raises(Refused) as refused:
        judge(stage, review, Verdict.REJECT)
    assert refused.value.reason is Reason.ILLEGAL_TRANSITION


def test_a_verdict_on_another_version_is_refused(stage, review):
    with pytest.raises(Refused) as refused:
        judge(stage, review, state_version=2)
    assert refused.value.reason is Reason.ETAG_MISMATCH


def test_closing_ends_an_open_review_and_leaves_a_judged_one(stage, review):
    assert close_review(stage.world, review.id).rows[0].state == ReviewState.CLOSED
    stage.apply(judge(stage, review))
    assert close_review(stage.world, review.id).rows == ()


def test_every_state_is_reached_and_only_open_is_left():
    assert set(TRANSITIONS) == set(ReviewState)
    assert set().union(*TRANSITIONS.values()) | {ReviewState.OPEN} == set(ReviewState)
    assert [state for state, following in TRANSITIONS.items() if following] == [ReviewState.OPEN]
