"""Laws of the refund as a noun: its table, its due time, its next work."""

from datetime import UTC, datetime

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.refund import (
    ENDED,
    TRANSITIONS,
    Refund,
    RefundPolicy,
    RefundState,
    due_after,
    move,
    next_work,
)

SHANGHAI = "Asia/Shanghai"
POLICY = RefundPolicy()


def refund(**fields):
    """A refund with nothing in it but what is told."""
    blank = {name: kind() for name, kind in Refund.__annotations__.items() if kind in (int, str, bool, bytes)}
    blank |= {"instrument": None, "original": None, "operation": None, "currency": "CNY"}
    return Refund(**{**blank, "state": RefundState.CREATED, "state_version": 1, **fields})


def us(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize("origin", RefundState)
@pytest.mark.parametrize("target", RefundState)
def test_only_the_tables_transitions_happen(origin, target):
    before = refund(state=origin, attempts=3, retry_time=7)
    if target in TRANSITIONS[origin]:
        after = move(before, target, 5)
        assert (after.state, after.state_version, after.update_time) == (target, 2, 5)
        assert (after.attempts, after.retry_time) == (0, 0)
        return
    with pytest.raises(Refused) as refusal:
        move(before, target, 5)
    assert refusal.value.reason is Reason.ILLEGAL_TRANSITION


def test_every_state_is_reached_and_can_end():
    reached, ahead = {RefundState.CREATED}, [RefundState.CREATED]
    while ahead:
        for state in TRANSITIONS[ahead.pop()] - reached:
            reached.add(state)
            ahead.append(state)
    assert reached == set(RefundState)
    for state in RefundState:
        seen, ahead = set(), [state]
        while ahead:
            now = ahead.pop()
            seen.add(now)
            ahead.extend(TRANSITIONS[now] - seen)
        assert seen & ENDED


def test_a_refund_to_a_balance_is_due_in_a_minute():
    assert due_after(POLICY, True, us("2026-05-01T10:00:00"), SHANGHAI) == us("2026-05-01T10:01:00")


@pytest.mark.parametrize(
    ("begin", "due"),
    [
        ("2026-05-04T02:00:00", "2026-05-11T02:00:00"),  # Monday to Monday
        ("2026-05-08T02:00:00", "2026-05-15T02:00:00"),  # Friday to Friday
        ("2026-05-09T02:00:00", "2026-05-15T02:00:00"),  # Saturday counts for nothing
        ("2026-05-08T17:00:00", "2026-05-14T17:00:00"),  # already Saturday in Shanghai
    ],
)
def test_any_other_refund_is_due_in_five_business_days_of_the_merchants_zone(begin, due):
    assert due_after(POLICY, False, us(begin), SHANGHAI) == us(due)


def test_what_comes_first_is_what_is_done_next():
    waiting = refund(retry_time=50, due_time=90)
    assert next_work(waiting).due_time == 50
    assert next_work(waiting._replace(retry_time=95)).due_time == 90
    assert next_work(waiting._replace(retry_time=95, lagging=True)).due_time == 95


def test_a_refund_that_only_its_bank_can_move_on_has_no_work_and_an_ended_one_neither():
    assert next_work(refund(state=RefundState.SUBMITTED, lagging=True)) is None
    for state in ENDED:
        assert next_work(refund(state=state, retry_time=5, due_time=5)) is None
