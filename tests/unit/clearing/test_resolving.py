"""Resolutions: only those that fit a break, and afterwards the reserve is what the bank says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.rail import StatementLineKind
from keelpay_server.clearing.disagreement import BreakKind, Disagreement, Resolution
from keelpay_server.clearing.resolving import Standing, allowed, missing_minor, post_resolution, standing
from keelpay_server.ledger.account import bank_clearing, bank_reserve, merchant_unsettled, suspense

_K = StatementLineKind


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
        (BreakKind.OPERATION_UNKNOWN, None, None, {Resolution.OPERATION_FAILED}),
    ],
)
def test_only_what_fits_a_break_settles_it(kind, ledger, bank, ways):
    assert allowed(a_break(kind, ledger, bank), None) == ways


_R = Resolution
_LOST = {_R.CLAIM, _R.WRITE_OFF}
_WON = {_R.CREDIT_MERCHANT, _R.MATCH, _R.RETURN_TO_PAYER}


@pytest.mark.parametrize(
    ("kind", "subject", "line", "amounts", "ways"),
    [
        # a line of an operation that the bank refused: (ledger, channel, bank)
        (
            BreakKind.CHANNEL,
            "pay",
            _K.CAPTURE_SETTLEMENT,
            (0, 0, 5),
            {_R.CREDIT_MERCHANT, _R.MATCH, _R.RETURN_TO_PAYER},
        ),
        (BreakKind.CHANNEL, "trf", _K.CAPTURE_SETTLEMENT, (0, 0, 5), {_R.CREDIT_MERCHANT, _R.MATCH}),
        (BreakKind.CHANNEL, "ref", _K.REFUND, (0, 0, -5), _LOST | {_R.MATCH}),
        (BreakKind.CHANNEL, "po", _K.PAYOUT, (0, 0, -5), _LOST),
        (BreakKind.CHANNEL, "pay", _K.FEE, (0, 0, -5), _LOST),
        # ... or has not answered for
        (BreakKind.CHANNEL, "pay", _K.CAPTURE_SETTLEMENT, (None, 0, 5), {_R.MATCH}),
        (BreakKind.CHANNEL, "po", _K.PAYOUT, (None, 0, -5), {_R.MATCH}),
        (BreakKind.CHANNEL, "pay", _K.FEE, (None, 0, -5), set()),
        # a line that waits for our own account
        (BreakKind.CHANNEL, "po", _K.PAYOUT, (-5, -5, -5), set()),
        # other amounts
        (BreakKind.AMOUNT, "pay", _K.CAPTURE_SETTLEMENT, (5, 5, 7), {_R.CREDIT_MERCHANT, _R.RETURN_TO_PAYER}),
        (BreakKind.AMOUNT, "pay", _K.CAPTURE_SETTLEMENT, (0, 0, 7), _WON),
        (BreakKind.AMOUNT, "trf", _K.CAPTURE_SETTLEMENT, (5, 5, 7), {_R.CREDIT_MERCHANT, _R.RETURN_TO_PAYER}),
        (BreakKind.AMOUNT, "trf", _K.PAYOUT, (-7, -7, -5), {_R.CREDIT_MERCHANT, _R.RETURN_TO_PAYER}),
        (BreakKind.AMOUNT, "ref", _K.REFUND, (-7, -7, -5), {_R.CREDIT_MERCHANT, _R.RETURN_TO_PAYER}),
        (BreakKind.AMOUNT, "po", _K.PAYOUT, (-7, -7, -5), {_R.CREDIT_MERCHANT}),
        (BreakKind.AMOUNT, "po", _K.PAYOUT, (-5, -5, -7), _LOST),
        (BreakKind.AMOUNT, "po", _K.PAYOUT_RETURN, (7, -7, 5), _LOST),
        (BreakKind.AMOUNT, "po", _K.PAYOUT_RETURN, (7, -7, -7), set()),
        (BreakKind.AMOUNT, "ref", _K.FEE, (-2, -7, -5), _LOST),
        (BreakKind.AMOUNT, "pay", _K.FEE, (-5, 7, -2), {_R.CREDIT_MERCHANT}),
        (BreakKind.AMOUNT, "pay", _K.FEE, (0, 7, -2), _LOST),
        # nothing shown
        (BreakKind.LEDGER_ONLY, "po", None, (-5, -5, None), {_R.OPERATION_FAILED}),
        (BreakKind.LEDGER_ONLY, "ref", None, (-5, -5, None), {_R.OPERATION_FAILED}),
        (BreakKind.LEDGER_ONLY, "pay", None, (5, 5, None), _LOST),
        (
            BreakKind.BANK_ONLY,
            "pay",
            _K.CAPTURE_SETTLEMENT,
            (5, 5, 5),
            {_R.CREDIT_MERCHANT, _R.MATCH, _R.RETURN_TO_PAYER},
        ),
        (BreakKind.OPERATION_UNKNOWN, "po", None, (None, -5, None), {_R.OPERATION_FAILED}),
    ],
)
def test_what_a_break_is_about_decides_how_it_may_be_settled(kind, subject, line, amounts, ways):
    ledger, channel, bank = amounts
    row = a_break(kind, ledger, bank)._replace(operation=b"k", subject_kind=subject, channel_amount=channel)
    assert allowed(row, line) == ways


@pytest.mark.parametrize("resolution", [_R.CLAIM, _R.WRITE_OFF, _R.CREDIT_MERCHANT, _R.RETURN_TO_PAYER])
@pytest.mark.parametrize("subject", ["pay", "ref", "trf", "po"])
@pytest.mark.parametrize("line", [_K.CAPTURE_SETTLEMENT, _K.FEE, _K.REFUND, _K.PAYOUT, _K.PAYOUT_RETURN])
@given(ours=st.integers(-100, 100), shown=st.integers(-100, 100))
def test_the_reserve_follows_the_line_whatever_a_break_is_about(resolution, subject, line, ours, shown):
    ours = -abs(ours) if line is _K.FEE else ours
    out = line in {_K.REFUND, _K.PAYOUT, _K.PAYOUT_RETURN}
    row = a_break(BreakKind.AMOUNT, ours, shown, resolution)._replace(
        subject_kind=subject, operation=b"k", channel_amount=-abs(ours) if out else abs(ours)
    )
    if resolution not in allowed(row, line):
        return
    moved = 0
    for debit, credit, amount, _ in post_resolution(row, line, bank=1, currency=156, merchant=7, window=3).legs:
        moved += amount * ((debit == bank_reserve(1, 156)) - (credit == bank_reserve(1, 156)))
    by_noun = ours if standing(row, line) is Standing.OF_NOUN else 0
    assert moved + by_noun == shown


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
    ways = sorted(allowed(row, None))
    if not ways:
        return
    row = row._replace(resolution=int(data.draw(st.sampled_from(ways))))
    moved = {}
    for debit, credit, amount, _ in post_resolution(row, None, bank=1, currency=156, merchant=7, window=3).legs:
        moved[debit] = moved.get(debit, 0) + amount
        moved[credit] = moved.get(credit, 0) - amount
    expected = 0 if row.kind in {BreakKind.BANK_ONLY, BreakKind.DUPLICATE} else row.ledger_amount or 0
    assert moved.get(bank_reserve(1, 156), 0) == (row.bank_amount or 0)
    assert moved.get(bank_clearing(1, 156), 0) == -expected
    waits = moved.get(suspense(1, 156), 0)
    assert waits == {
        Resolution.CLAIM: missing_minor(row, None), Resolution.MATCH: missing_minor(row, None),
    }.get(Resolution(row.resolution), 0)  # fmt: skip
    if row.resolution == Resolution.CREDIT_MERCHANT:
        assert moved[merchant_unsettled(7, 156, 3)] == missing_minor(row, None)
