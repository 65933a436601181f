"""Resolutions: only those that fit a break, and afterwards the reserve is what the bank says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.clearing.disagreement import BreakKind, Disagreement, Resolution
from keelpay_server.clearing.resolving import allowed, missing_minor, post_resolution
from keelpay_server.ledger.account import bank_clearing, bank_reserve, merchant_unsettled, suspense


def a_break(kind, ledger, bank, resolution=0):
    return Disagreement(
        b"k", kind, 1, 1, "bank", "CNY", None, None, "", b"", "", None, "", ledger, ledger, bank, None, resolution, "",
        None, "", 0, 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ledger", "bank", "ways"),
    [
        (BreakKind.BANK_ONLY, None, 5, {Resolution.CREDIT_MERCHANT, Resolution.MATCH}),
        (BreakKind.BANK_ONLY, None, -5, {Resolution.CLAIM, Resolution.WRITE_OFF}),
        (BreakKind.DUPLICATE, 5, -5, {Resolution.CLAIM, Resolution.WRITE_OFF}),
        (BreakKind.AMOUNT, 10, 8, {Resolution.CLAIM, Resolution.WRITE_OFF}),
        (BreakKind.AMOUNT, 10, 12, {Resolution.CREDIT_MERCHANT}),
        (BreakKind.AMOUNT, 10, -3, set()),
        (BreakKind.AMOUNT, -10, -12, set()),
        (BreakKind.LEDGER_ONLY, 10, None, {Resolution.CLAIM, Resolution.WRITE_OFF}),
        (BreakKind.LEDGER_ONLY, -10, None, set()),
        (BreakKind.CHANNEL, 10, 10, set()),
        (BreakKind.CHANNEL, None, 10, set()),
        (BreakKind.CHANNEL, 0, 10, {Resolution.CREDIT_MERCHANT, Resolution.MATCH}),
        (BreakKind.CHANNEL, 0, -10, {Resolution.CLAIM, Resolution.WRITE_OFF}),
        (BreakKind.OPERATION_UNKNOWN, 0, None, set()),
    ],
)
def test_only_what_fits_a_break_settles_it(kind, ledger, bank, ways):
    assert allowed(a_break(kind, ledger, bank)) == ways


AMOUNT = st.integers(1, 10**15)


@given(
    st.one_of(
        st.tuples(
            st.sampled_from([BreakKind.BANK_ONLY, BreakKind.DUPLICATE]), st.none(), AMOUNT | AMOUNT.map(int.__neg__)
        ),
        st.tuples(st.just(BreakKind.AMOUNT), AMOUNT, AMOUNT),
        st.tuples(st.just(BreakKind.LEDGER_ONLY), AMOUNT, st.none()),
    ),
    st.data(),
)
def test_after_a_resolution_the_reserve_is_what_the_bank_says_and_nothing_waits_in_clearing(facts, data):
    row = a_break(*facts)
    ways = sorted(allowed(row))
    if not ways:
        return
    row = row._replace(resolution=int(data.draw(st.sampled_from(ways))))
    moved = {}
    for debit, credit, amount, _ in post_resolution(row, bank=1, currency=156, merchant=7, window=3).legs:
        moved[debit] = moved.get(debit, 0) + amount
        moved[credit] = moved.get(credit, 0) - amount
    expected = 0 if row.kind in {BreakKind.BANK_ONLY, BreakKind.DUPLICATE} else row.ledger_amount or 0
    assert moved.get(bank_reserve(1, 156), 0) == (row.bank_amount or 0)
    assert moved.get(bank_clearing(1, 156), 0) == -expected
    waits = moved.get(suspense(1, 156), 0)
    assert waits == {
        Resolution.CLAIM: missing_minor(row), Resolution.MATCH: missing_minor(row),
    }.get(Resolution(row.resolution), 0)  # fmt: skip
    if row.resolution == Resolution.CREDIT_MERCHANT:
        assert moved[merchant_unsettled(7, 156, 3)] == missing_minor(row)
