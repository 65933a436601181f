from collections import Counter, defaultdict

import pytest

from keelpay_clients.mixture import Way
from keelpay_clients.plan import MANDATE_DAY_MINOR, MANDATE_PAYMENT_MINOR, ActKind, make_plan
from keelpay_clients.planned_payment import Obstacle
from keelpay_clients.seeded_traffic import make_transactions
from keelpay_clients.transaction import DAY_S

DAYS = 3


@pytest.fixture(scope="module")
def plan():
    transactions = make_transactions(days=DAYS, count=1000, seed=3)
    return make_plan(transactions, days=DAYS, merchants_max=20, seed=3)


def test_the_same_input_gives_the_same_plan(plan):
    transactions = make_transactions(days=DAYS, count=1000, seed=3)
    assert make_plan(transactions, days=DAYS, merchants_max=20, seed=3) == plan


def test_channels_have_exactly_their_shares(plan):
    ways = Counter(each.way for each in plan.payments)
    assert ways == {Way.WALLET: 780, Way.CARD: 150, Way.BALANCE: 50, Way.BANK: 20}


def test_a_customer_lives_in_one_region(plan):
    regions = defaultdict(set)
    for each in plan.payments:
        regions[each.customer].add(each.region)
    assert {len(found) for found in regions.values()} == {1}


def test_there_are_no_more_merchants_than_allowed(plan):
    assert len(plan.merchants) == 20 < plan.terminals


def test_captures_are_in_order_and_never_above_the_amount(plan):
    parted = [each for each in plan.payments if each.captures]
    assert parted
    for each in parted:
        assert each.captured_minor <= each.amount_minor
        assert [c.time_s for c in each.captures] == sorted(c.time_s for c in each.captures)
        assert each.captures[0].time_s >= each.time_s
        assert each.captures[-1].final


def test_some_captures_are_partial_and_some_are_many(plan):
    assert any(each.captured_minor < each.amount_minor for each in plan.payments)
    assert any(len(each.captures) > 1 for each in plan.payments)


def test_only_a_channel_that_can_is_captured_in_parts(plan):
    assert {each.way for each in plan.payments if len(each.captures) > 1} <= {Way.CARD, Way.BALANCE}
    assert not any(each.captures for each in plan.payments if each.way is Way.BANK)


def test_refunds_come_after_their_captures_and_never_exceed_them(plan):
    refunded = [each for each in plan.payments if each.refund]
    assert len(refunded) == 29
    for each in refunded:
        assert 0 < each.refund.amount_minor <= each.captured_minor
        assert each.refund.time_s >= max([each.time_s, *(c.time_s for c in each.captures)])


def test_mandates_keep_to_the_limits_they_are_given(plan):
    mandated = [each for each in plan.payments if each.under_mandate]
    assert mandated
    days = Counter()
    for each in mandated:
        assert each.way is Way.BALANCE
        assert each.amount_minor <= MANDATE_PAYMENT_MINOR
        days[each.customer, each.merchant, each.time_s // DAY_S] += each.amount_minor
    assert max(days.values()) <= MANDATE_DAY_MINOR
    assert {(each.customer, each.merchant) for each in mandated} == set(plan.mandates)


def test_obstacles_befall_wallets_and_cards_alone(plan):
    obstructed = [each for each in plan.payments if each.obstacle]
    assert {each.way for each in obstructed} == {Way.WALLET, Way.CARD}
    assert {each.obstacle for each in obstructed} == set(Obstacle)
    assert {each.gives_up for each in obstructed if each.obstacle is Obstacle.NO_MONEY} == {True, False}


def test_a_thief_gives_nothing_back_and_has_no_mandate(plan):
    thieves = [each for each in plan.payments if each.fraud]
    assert len(thieves) == 3
    assert not any(each.refund or each.captures or each.obstacle or each.under_mandate for each in thieves)


def test_balances_are_known_before_they_are_spent(plan):
    spent = plan.spent_from_balance()
    assert sum(spent.values()) == sum(each.amount_minor for each in plan.payments if each.way is Way.BALANCE)


def test_every_act_is_within_the_days_and_in_order(plan):
    acts = plan.acts()
    assert acts == sorted(acts)
    assert all(0 <= act.time_s < DAYS * DAY_S for act in acts)
    kinds = Counter(act.kind for act in acts)
    assert kinds[ActKind.PAY] == len(plan.payments)
    assert kinds[ActKind.CAPTURE] == sum(len(each.captures) for each in plan.payments)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_tiny_plan_is_whole(count):
    transactions = make_transactions(days=1, count=count, seed=1)
    plan = make_plan(transactions, days=1, merchants_max=1, seed=1)
    assert len(plan.payments) == count
    assert plan.merchants == [0]
