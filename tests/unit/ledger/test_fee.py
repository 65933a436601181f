"""Laws of the fee: what many captures cost, what a plan may say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.ledger.fee import (
    BASIS_POINTS_MAX,
    FIXED_MAX_MINOR,
    FeePlan,
    FeePlanInvalid,
    FeeRate,
    fee_plan_text,
    fee_total,
    parse_fee_plan,
)
from keelpay_server.ledger.posting.payment import fee_due

RATES = st.builds(FeeRate, st.integers(0, BASIS_POINTS_MAX), st.integers(0, 10_000))
PLANS = st.builds(
    lambda default, channels: FeePlan(default, tuple(sorted(channels.items()))),
    RATES, st.dictionaries(st.integers(1, 5), RATES, max_size=5),
)  # fmt: skip


@given(plan=PLANS, channel=st.integers(1, 5), captures=st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_the_fee_of_many_captures_is_the_fee_of_their_sum(plan, channel, captures):
    captured = taken = 0
    for capture in captures:
        captured += capture
        fee = fee_due(fee_total(plan, channel, captured), taken, capture)
        assert 0 <= fee <= capture
        taken += fee
    assert taken == fee_total(plan, channel, sum(captures))


@given(plan=PLANS, channel=st.integers(1, 5), captured=st.integers(0, 10**12))
def test_a_fee_is_within_what_was_captured(plan, channel, captured):
    assert 0 <= fee_total(plan, channel, captured) <= captured


@given(plan=PLANS)
def test_a_plan_survives_being_stored(plan):
    text = fee_plan_text(plan)
    assert parse_fee_plan(text) == plan
    assert fee_plan_text(parse_fee_plan(text)) == text


def test_a_channel_without_a_rate_of_its_own_costs_the_default():
    plan = parse_fee_plan('{"default": {"basis_points": 60}, "channels": {"3": {"basis_points": 200}}}')
    assert [fee_total(plan, channel, 10_000) for channel in (1, 3)] == [60, 200]


def test_half_a_minor_unit_of_fee_is_rounded_up():
    plan = FeePlan(FeeRate(50, 0))
    assert [fee_total(plan, 1, captured) for captured in (99, 100, 101, 299, 300)] == [0, 1, 1, 1, 2]


def test_the_fixed_part_is_taken_once_and_never_from_nothing():
    plan = FeePlan(FeeRate(0, 30))
    assert [fee_total(plan, 1, captured) for captured in (0, 10, 30, 1000)] == [0, 10, 30, 30]


@pytest.mark.parametrize(
    "document",
    [
        "", "[]", "{}", '{"default": 5}', '{"default": {}}', '{"default": {"basis_points": "60"}}',
        '{"default": {"basis_points": 60.5}}', '{"default": {"basis_points": true}}',
        json.dumps({"default": {"basis_points": BASIS_POINTS_MAX + 1}}), '{"default": {"basis_points": -1}}',
        json.dumps({"default": {"basis_points": 1, "fixed_minor": FIXED_MAX_MINOR + 1}}),
        '{"default": {"basis_points": 1}, "channels": {"card": {"basis_points": 1}}}',
        '{"default": {"basis_points": 1}, "channels": []}',
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(document):
    with pytest.raises(FeePlanInvalid):
        parse_fee_plan(document)
