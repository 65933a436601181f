import pytest

from keelpay_server.ledger.account import (
    OWN_BANK,
    bank_clearing,
    bank_reserve,
    merchant_available,
    merchant_owed,
    merchant_unsettled,
    number,
    payer_balance,
    refund_transit,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.leg import LegCode, LegError
from keelpay_server.ledger.posting import refund
from keelpay_server.ledger.posting.refund import Funding, FundingError

CNY, MERCHANT, BANK = 156, 2, 3
AVAILABLE, OWED = merchant_available(MERCHANT, CNY), merchant_owed(MERCHANT, CNY)
UNSETTLED = merchant_unsettled(MERCHANT, CNY, 5)
TRANSIT = refund_transit(BANK, CNY)
FEE, PROMOTION = number(Chart.FEE_INCOME, CNY), number(Chart.PROMOTION_COST, CNY)
ALL_SOURCES = Funding(MERCHANT, CNY, 5, available=60, unsettled=30, owed=10, fee=7, promotion=4)


def fund(amount, available, unsettled, *, may_owe=False, fee=0, promotion=0):
    funding = refund.fund(
        merchant=MERCHANT,
        currency=CNY,
        window=5,
        amount=amount,
        available_room=available,
        unsettled_room=unsettled,
        may_owe=may_owe,
        fee=fee,
        promotion=promotion,
    )
    assert funding.amount == amount
    return funding.available, funding.unsettled, funding.owed


def test_available_money_goes_first_then_the_open_window_then_debt():
    assert fund(50, 60, 60) == (50, 0, 0)
    assert fund(100, 60, 60) == (60, 40, 0)
    assert fund(100, 0, 100) == (0, 100, 0)
    assert fund(100, 60, 30, may_owe=True) == (60, 30, 10)


def test_without_the_policy_a_shortfall_is_refused_and_named():
    with pytest.raises(FundingError) as refusal:
        fund(100, 60, 30)
    assert refusal.value.short == 10


def test_a_fee_given_back_lowers_and_a_promotion_raises_what_the_merchant_gives():
    assert fund(100, 200, 0, fee=7) == (93, 0, 0)
    assert fund(100, 200, 0, promotion=4) == (104, 0, 0)
    assert fund(100, 0, 0, fee=100) == (0, 0, 0)


@pytest.mark.parametrize(("fee", "promotion"), [(101, 0), (-1, 0), (0, -1)])
def test_a_fee_or_promotion_out_of_bounds_is_refused(fee, promotion):
    with pytest.raises(LegError):
        fund(100, 200, 0, fee=fee, promotion=promotion)


def test_reserving_holds_every_source_and_cancelling_frees_it():
    reserved = refund.reserve(ALL_SOURCES, BANK)
    assert reserved == ((), ((AVAILABLE, TRANSIT, 60), (UNSETTLED, TRANSIT, 30), (OWED, TRANSIT, 10)))
    cancelled = refund.cancel(ALL_SOURCES, BANK, settled=False, owed=0)
    assert cancelled == ((), tuple((debit, credit, -amount) for debit, credit, amount in reserved.pending))


def test_what_a_cancelled_refund_frees_in_a_settled_window_settles_now_and_repays_first():
    legs = refund.cancel(ALL_SOURCES, BANK, settled=True, owed=20).legs
    assert legs == ((UNSETTLED, OWED, 20, LegCode.REPAY), (UNSETTLED, AVAILABLE, 10, LegCode.SETTLE))


def test_submitting_posts_every_part_to_transit():
    legs, pending = refund.submit(ALL_SOURCES, BANK)
    assert legs == (
        (AVAILABLE, TRANSIT, 60, LegCode.REFUND),
        (UNSETTLED, TRANSIT, 30, LegCode.REFUND),
        (OWED, TRANSIT, 10, LegCode.REFUND_OWED),
        (FEE, TRANSIT, 7, LegCode.REFUND_FEE),
        (TRANSIT, PROMOTION, 4, LegCode.REFUND_PROMOTION),
    )
    assert pending == ((AVAILABLE, TRANSIT, -60), (UNSETTLED, TRANSIT, -30), (OWED, TRANSIT, -10))


def net(*postings):
    sums = {}
    for posting in postings:
        for debit, credit, amount, _ in posting.legs:
            sums[debit] = sums.get(debit, 0) - amount
            sums[credit] = sums.get(credit, 0) + amount
    return {account: amount for account, amount in sums.items() if amount}


def test_a_failed_refund_leaves_its_sources_as_if_it_had_never_been():
    failed = refund.fail(ALL_SOURCES, BANK, settled=False, owed=10)
    assert net(refund.submit(ALL_SOURCES, BANK), failed) == {}
    assert failed.pending == ()


def test_a_debt_repaid_meanwhile_returns_as_available_money():
    failed = refund.fail(ALL_SOURCES, BANK, settled=False, owed=4)
    assert net(refund.submit(ALL_SOURCES, BANK), failed) == {OWED: -6, AVAILABLE: 6}


def test_what_a_failed_refund_returns_to_a_settled_window_settles_at_once():
    failed = refund.fail(ALL_SOURCES, BANK, settled=True, owed=25)
    assert net(refund.submit(ALL_SOURCES, BANK), failed) == {UNSETTLED: -30, OWED: 15, AVAILABLE: 15}


def test_a_refund_arrives_by_the_line_by_netting_or_in_a_balance():
    at = {"currency": CNY, "amount": 9}
    assert refund.sent(bank=BANK, **at).legs == ((TRANSIT, bank_reserve(BANK, CNY), 9, LegCode.REFUND_SENT),)
    assert refund.netted(bank=BANK, **at).legs == ((TRANSIT, bank_clearing(BANK, CNY), 9, LegCode.REFUND_NETTED),)
    own, balance = refund_transit(OWN_BANK, CNY), payer_balance(1, CNY)
    assert refund.credit_balance(payer=1, **at).legs == ((own, balance, 9, LegCode.REFUND_CREDITED),)
    rerouted = refund.credit_balance(payer=1, bank=BANK, **at)
    assert rerouted.legs == ((TRANSIT, balance, 9, LegCode.REFUND_CREDITED),)


def test_a_reroute_moves_between_banks_and_the_same_bank_again_posts_nothing():
    moved = refund.reroute(currency=CNY, amount=9, from_bank=BANK, to_bank=4)
    assert moved.legs == ((TRANSIT, refund_transit(4, CNY), 9, LegCode.REFUND_REROUTED),)
    assert refund.reroute(currency=CNY, amount=9, from_bank=BANK, to_bank=BANK) == ((), ())
