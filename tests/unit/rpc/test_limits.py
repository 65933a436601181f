"""Laws of the limits: how often, how many at once, and how much memory that takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import MINUTE_US
from keelpay_server.rpc.limits import Load, RateLimit


def refusal(function, *arguments):
    with pytest.raises(Refused) as caught:
        function(*arguments)
    return caught.value


def test_a_minutes_worth_may_come_at_once_and_no_more():
    limit = RateLimit(60, 10)
    for _ in range(60):
        limit.take("a", 0)
    refused = refusal(limit.take, "a", 0)
    assert (refused.reason, refused.retry_after_ms) == (Reason.RATE_LIMITED, 1_000)


def test_the_time_told_is_exactly_when_the_next_call_passes():
    limit = RateLimit(6, 10)
    for _ in range(6):
        limit.take("a", 0)
    retry_us = refusal(limit.take, "a", 3_000_000).retry_after_ms * 1_000
    refusal(limit.take, "a", 3_000_000 + retry_us - 1)
    limit.take("a", 3_000_000 + retry_us)


def test_a_refused_call_costs_no_token():
    limit = RateLimit(1, 10)
    limit.take("a", 0)
    for _ in range(100):
        refusal(limit.take, "a", MINUTE_US - 1)
    limit.take("a", MINUTE_US)


def test_callers_do_not_share_a_bucket():
    limit = RateLimit(1, 10)
    limit.take("a", 0)
    limit.take("b", 0)


@given(st.lists(st.integers(0, 5_000_000), max_size=200))
def test_no_window_of_a_minute_sees_more_than_two_minutes_worth(gaps):
    rate, now, passed = 10, 0, []
    limit = RateLimit(rate, 10)
    for gap in gaps:
        now += gap
        try:
            limit.take("a", now)
        except Refused:
            continue
        passed.append(now)
    for start in passed:
        assert sum(start <= time < start + MINUTE_US for time in passed) <= 2 * rate


def test_memory_is_bounded_and_busy_callers_are_remembered_longest():
    limit = RateLimit(1, 100)
    for number in range(1_000):
        limit.take(number, 0)
        assert len(limit) <= 100
    refusal(limit.take, 999, 0)


def test_idle_callers_are_forgotten_first():
    limit = RateLimit(2, 3)
    limit.take("idle", 0)
    for _ in range(2):
        limit.take("busy", MINUTE_US)
    limit.take("third", MINUTE_US)
    limit.take("fourth", MINUTE_US)
    refusal(limit.take, "busy", MINUTE_US)


def test_calls_and_watches_are_counted_apart():
    load = Load(calls_max=1, watches_max=2, watches_per_caller_max=1, retry_after_ms=50)
    load.enter()
    refused = refusal(load.enter)
    assert (refused.reason, refused.retry_after_ms) == (Reason.OVERLOADED, 50)
    load.open_watch("a")
    assert refusal(load.open_watch, "a").reason is Reason.RATE_LIMITED
    load.open_watch("b")
    assert refusal(load.open_watch, "c").reason is Reason.OVERLOADED
    load.close_watch("a")
    load.open_watch("c")
    load.leave()
    load.enter()
    assert (load.calls, load.watches) == (1, 2)
