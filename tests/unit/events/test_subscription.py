"""Laws of a subscription's keys and health."""

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.events.subscription import (
    FAILING_AFTER_US,
    KEYS_MAX,
    PAUSE_DIVISOR,
    Key,
    Subscription,
    SubscriptionState,
    after_failure,
    after_success,
    rotate,
    valid_keys,
    write_keys,
)

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000
PLAIN = Subscription(
    b"s" * 16, "acme", "acme", "https://a.example/", "", "", "", 1, 1, write_keys([Key("first", "x", NOW, 0)]),
    0, 0, 0, 0, NOW, NOW,
)  # fmt: skip


def key_ids(row, at):
    return [key.id for key in valid_keys(row, at)]


def test_both_secrets_sign_during_the_overlap_and_only_the_new_one_after_it():
    row = rotate(PLAIN, Key("second", "y", NOW, 0), NOW, 3600)
    assert key_ids(row, NOW) == ["second", "first"]
    assert key_ids(row, NOW + HOUR) == ["second"]


def test_without_overlap_the_old_secret_ends_at_once():
    assert key_ids(rotate(PLAIN, Key("second", "y", NOW, 0), NOW, 0), NOW) == ["second"]


def test_a_rotation_never_lengthens_an_older_secret():
    row = rotate(PLAIN, Key("second", "y", NOW, 0), NOW, 60)
    row = rotate(row, Key("third", "z", NOW, 0), NOW, 3600)
    assert key_ids(row, NOW + 60_000_000) == ["third", "second"]


def test_too_many_valid_secrets_are_refused():
    row = PLAIN
    for number in range(KEYS_MAX - 1):
        row = rotate(row, Key(f"k{number}", "y", NOW, 0), NOW, 3600)
    with pytest.raises(Refused) as refused:
        rotate(row, Key("more", "y", NOW, 0), NOW, 3600)
    assert refused.value.reason is Reason.COUNT_LIMIT_REACHED


def test_a_day_without_success_is_failing_and_is_tried_ever_more_rarely():
    row = after_failure(PLAIN, NOW)
    assert (row.state, row.failing_since, row.resume_time) == (SubscriptionState.ACTIVE, NOW, 0)
    row = after_failure(row, NOW + FAILING_AFTER_US)
    assert row.state == SubscriptionState.FAILING
    assert row.state_version == PLAIN.state_version + 1
    assert row.resume_time == NOW + FAILING_AFTER_US + FAILING_AFTER_US // PAUSE_DIVISOR
    later = after_failure(row, NOW + 2 * FAILING_AFTER_US)
    assert later.state_version == row.state_version
    assert later.resume_time - NOW - 2 * FAILING_AFTER_US == 2 * (FAILING_AFTER_US // PAUSE_DIVISOR)


def test_one_success_makes_it_active_again():
    row = after_success(after_failure(after_failure(PLAIN, NOW), NOW + FAILING_AFTER_US), NOW + 2 * FAILING_AFTER_US)
    assert (row.state, row.failing_since, row.resume_time) == (SubscriptionState.ACTIVE, 0, 0)
    assert after_success(row, NOW) is row
