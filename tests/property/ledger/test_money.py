from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.ledger.currency import CURRENCIES
from keelpay_server.ledger.money import (
    AMOUNT_MAX,
    BASIS_POINTS,
    Rounding,
    format_minor,
    parse_minor,
    prorated,
    share,
    share_bp,
    split,
)
from keelpay_server.ledger.posting.payment import fee_due

amounts = st.integers(0, AMOUNT_MAX)


@given(amount=amounts, weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_split_conserves_and_every_part_is_its_share_rounded(amount, weights):
    parts = split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert -sum(weights) < part * sum(weights) - amount * weight < sum(weights)


@given(amount=amounts, basis_points=st.integers(0, BASIS_POINTS))
def test_a_share_and_its_complement_conserve(amount, basis_points):
    rest = BASIS_POINTS - basis_points
    assert share_bp(amount, basis_points, Rounding.DOWN) + share_bp(amount, rest, Rounding.UP) == amount


@given(amount=amounts, numerator=st.integers(0, 10**6), denominator=st.integers(1, 10**6))
def test_roundings_differ_by_at_most_one_unit(amount, numerator, denominator):
    down, half, up = (share(amount, numerator, denominator, rounding) for rounding in Rounding)
    assert down <= half <= up <= down + 1
    assert abs(2 * (half * denominator - amount * numerator)) <= denominator


@given(total=amounts, steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=10))
def test_prorated_steps_add_up_whatever_the_steps(total, steps):
    whole, part, taken = sum(steps), 0, 0
    for step in steps:
        part += step
        taken += prorated(total, part, whole, taken)
    assert taken == total


@given(captures=st.lists(st.integers(1, 10**6), min_size=1, max_size=10), rate_bp=st.integers(0, BASIS_POINTS))
def test_many_captures_cost_what_one_would(captures, rate_bp):
    total, taken = 0, 0
    for amount in captures:
        total += amount
        fee = fee_due(share_bp(total, rate_bp, Rounding.HALF_UP), taken, amount)
        assert 0 <= fee <= amount
        taken += fee
    assert taken == share_bp(total, rate_bp, Rounding.HALF_UP)


@given(amount=amounts, row=st.sampled_from(CURRENCIES))
def test_what_is_written_is_read_back(amount, row):
    assert parse_minor(format_minor(amount, row), row) == amount
