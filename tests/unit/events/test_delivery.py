"""Laws of a delivery's life."""

import pytest

from keelpay.api.event.v1 import delivery_pb2, subscription_pb2
from keelpay_server.events.delivery import (
    GIVE_UP_US,
    RETRY_S,
    TRANSITIONS,
    Attempt,
    DeliveryState,
    Find,
    after_attempt,
    arrived,
    is_stale,
    new_delivery,
    queue_again,
)
from keelpay_server.events.subscription import SubscriptionState

NOW = 1_700_000_000_000_000
FRESH = new_delivery(b"d" * 16, b"s" * 16, Find(7, "payment.captured", NOW - 5), NOW)
FAILED = Attempt(FRESH.id, 500, "answered with 500", 3, NOW)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(DeliveryState, delivery_pb2.Delivery.State), (SubscriptionState, subscription_pb2.Subscription.State)],
)
def test_states_are_numbered_as_in_the_contract(ours, theirs):
    assert {f"STATE_{state.name}": int(state) for state in ours} | {"STATE_UNSPECIFIED": 0} == dict(theirs.items())


def test_every_state_is_reachable_and_can_end():
    assert TRANSITIONS.keys() == set(DeliveryState)
    assert set().union(*TRANSITIONS.values()) == set(DeliveryState)


def test_only_two_hundreds_count_as_delivered():
    assert [status for status in (100, 199, 200, 204, 299, 300, 302, 410, 500) if arrived(status)] == [200, 204, 299]


def test_attempts_are_spread_over_days_and_then_given_up():
    delivery, now, waits = FRESH, NOW, []
    while delivery.state == DeliveryState.PENDING:
        delivery = after_attempt(delivery, FAILED, now)
        if delivery.next_time:
            waits.append((delivery.next_time - now) // 1_000_000)
            now = delivery.next_time
    assert waits == list(RETRY_S)
    assert delivery.state == DeliveryState.FAILED
    assert delivery.attempts == len(RETRY_S) + 1
    assert 3 * 86_400 < sum(waits) < GIVE_UP_US // 1_000_000


def test_a_delivery_that_waited_too_long_is_not_tried_any_more():
    assert not is_stale(FRESH, NOW + GIVE_UP_US - 1)
    assert after_attempt(FRESH, FAILED, NOW + GIVE_UP_US).state == DeliveryState.FAILED


def test_an_arrival_ends_it_and_only_asking_again_brings_it_back():
    done = after_attempt(after_attempt(FRESH, FAILED, NOW), Attempt(FRESH.id, 204, "", 8, NOW + 9), NOW + 9)
    assert (done.state, done.next_time, done.attempts, done.failure) == (DeliveryState.DELIVERED, 0, 2, "")
    again = queue_again(done, NOW + 50)
    assert (again.state, again.next_time, again.tries, again.attempts) == (DeliveryState.PENDING, NOW + 50, 0, 2)
    assert again.sequence == FRESH.sequence
