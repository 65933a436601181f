"""Random walks over the postings: whatever happens, in whatever order, the invariants hold and everything drains."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelpay_server.ledger.account import is_floored, parse
from keelpay_server.ledger.chart import Chart
from tests.property.ledger import facts
from tests.property.ledger.drain import drain
from tests.property.ledger.walk import CNY, Walk

STEPS = 600
EMPTY_AT_THE_END = {
    Chart.BANK_CLEARING,
    Chart.MERCHANT_UNSETTLED,
    Chart.MERCHANT_AVAILABLE,
    Chart.PAYER_BALANCE,
    Chart.PAYOUT_TRANSIT,
    Chart.REFUND_TRANSIT,
    Chart.SUSPENSE,
}


def walked(seed, steps=STEPS):
    walk = Walk(Random(seed))
    for _ in range(steps):
        walk.step()
    return walk


def assert_all_hold(checker, head):
    for finding in checker.findings(head):
        assert finding.ok, finding


def assert_state_holds(book):
    sums = [sum(column) for column in zip(*book.accounts.values(), strict=True)]
    assert sums[0] == sums[1]
    assert sums[2] == sums[3]
    for account, (debits, credits_, pending_debits, pending_credits) in book.accounts.items():
        assert pending_debits >= 0
        assert pending_credits >= 0
        if is_floored(account):
            assert book.room(account) >= 0
        if parse(account).chart is Chart.MERCHANT_OWED:
            assert debits >= credits_


@given(seed=st.integers(0, 2**64))
@settings(max_examples=25, deadline=None)
def test_floors_hold_and_sums_are_zero_after_every_step(seed):
    walk = Walk(Random(seed))
    for _ in range(STEPS):
        walk.step()
        assert_state_holds(walk.book)


@given(seed=st.integers(0, 2**64))
@settings(max_examples=25, deadline=None)
def test_every_invariant_holds_in_the_middle_and_from_a_checkpoint(seed):
    walk = walked(seed)
    whole = facts.check(walk)
    assert_all_hold(whole, walk.book.head_row())
    for _ in range(STEPS // 4):
        walk.step()
    rest = facts.check(walk, whole.checkpoint())
    assert_all_hold(rest, walk.book.head_row())
    assert rest.checkpoint() == facts.check(walk).checkpoint()


@given(seed=st.integers(0, 2**64))
@settings(max_examples=25, deadline=None)
def test_control_and_transit_accounts_are_zero_when_all_is_drained(seed):
    walk = walked(seed)
    drain(walk)
    assert_all_hold(facts.check(walk), walk.book.head_row())
    for account, (_, _, pending_debits, pending_credits) in walk.book.accounts.items():
        assert (pending_debits, pending_credits) == (0, 0)
        if parse(account).chart in EMPTY_AT_THE_END:
            assert walk.book.balance(account) == 0, parse(account).name
    ours = sum(walk.book.balance(account) for account in walk.book.accounts if parse(account).row.code >= 3000)
    assets = -sum(walk.book.balance(account) for account in walk.book.accounts if parse(account).row.code < 2000)
    assert assets == ours


@given(seed=st.integers(0, 2**64))
@settings(max_examples=25, deadline=None)
def test_full_refunds_return_every_fee_and_promotion_that_policy_gives_back(seed):
    walk = walked(seed)
    for payment in walk.payments:
        assert 0 <= payment.fee_back <= payment.fee
        assert 0 <= payment.promotion_back <= payment.discounted
        if payment.captured and payment.refunded + payment.refund_pending == payment.captured:
            assert payment.promotion_back == payment.discounted


def test_the_walks_meet_every_case_and_thousands_of_payments():
    seen, payments = set(), 0
    for seed in range(30):
        walk = walked(seed)
        seen |= walk.seen
        payments += len(walk.payments)
    assert payments > 3_000
    assert seen == {
        *("Short", "FundingError", "available", "unsettled", "owed"),
        *("refund submit", "refund cancel", "refund sent", "refund netted", "refund credit"),
        *("refund fail", "refund reroute", "late settlement", "debt repaid before the refund failed"),
        *("payout submit", "payout cancel", "payout sent", "payout stay"),
        *("payout returned_unsent", "payout returned_sent"),
        *("break surplus", "break late_success", "break deficit"),
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_walks_the_same_way(seed):
    assert walked(seed).book.head_row() == walked(seed).book.head_row()
    assert all(parse(account).currency == CNY for account in walked(seed).book.accounts)
