import pytest

from keelpay_server.ledger.account import bank_clearing, merchant_unsettled, number, payer_balance
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.leg import LegCode, LegError
from keelpay_server.ledger.posting import payment

CNY = 156
PAYER, MERCHANT, BANK = 1, 2, 3
BALANCE, CLEARING = payer_balance(PAYER, CNY), bank_clearing(BANK, CNY)
OPEN, NEXT = merchant_unsettled(MERCHANT, CNY, 1), merchant_unsettled(MERCHANT, CNY, 2)
FEE, COST = number(Chart.FEE_INCOME, CNY), number(Chart.PROCESSOR_COST, CNY)
PROMOTION = number(Chart.PROMOTION_COST, CNY)

AT_BANK = payment.hold_bank(bank=BANK, merchant=MERCHANT, window=1, currency=CNY, amount=1000)
AT_HOME = payment.hold_balance(payer=PAYER, merchant=MERCHANT, window=1, currency=CNY, amount=1000)


def pay(**parts):
    return payment.pay(payer=PAYER, merchant=MERCHANT, window=1, currency=CNY, amount=1000, **parts)


def test_a_payment_from_a_balance_posts_at_once_with_its_fee():
    assert pay(fee=6) == (((BALANCE, OPEN, 1000, LegCode.PAY), (OPEN, FEE, 6, LegCode.FEE)), ())


def test_a_promotion_fills_up_what_the_payer_did_not_pay():
    legs = pay(fee=1200, discount=200).legs
    assert legs[1:] == ((PROMOTION, OPEN, 200, LegCode.PROMOTION), (OPEN, FEE, 1200, LegCode.FEE))


@pytest.mark.parametrize(("fee", "discount"), [(1001, 0), (1202, 201), (-1, 0)])
def test_a_fee_is_never_above_what_the_merchant_gets(fee, discount):
    with pytest.raises(LegError):
        pay(fee=fee, discount=discount)


def test_authorizing_only_holds():
    assert payment.authorize(AT_BANK) == ((), ((CLEARING, OPEN, 1000),))
    assert payment.authorize(AT_HOME) == ((), ((BALANCE, OPEN, 1000),))


def test_a_capture_goes_to_the_window_that_is_open_now_and_frees_its_own_hold():
    after = AT_BANK.capture(400)
    legs, pending = payment.capture(AT_BANK, after, window=2, fee=4, cost=2)
    assert legs == (
        (CLEARING, NEXT, 400, LegCode.CAPTURE),
        (NEXT, FEE, 4, LegCode.FEE),
        (COST, CLEARING, 2, LegCode.COST),
    )
    assert pending == ((CLEARING, OPEN, -400),)


def test_a_final_capture_frees_the_rest_too():
    posting = payment.capture(AT_BANK, AT_BANK.capture(400, final=True), window=1)
    assert posting == (((CLEARING, OPEN, 400, LegCode.CAPTURE),), ((CLEARING, OPEN, -1000),))


def test_a_later_capture_posts_only_its_own_part():
    first = AT_HOME.capture(400)
    posting = payment.capture(first, first.capture(500), window=1, discount=10)
    assert posting.legs == ((BALANCE, OPEN, 500, LegCode.PAY), (PROMOTION, OPEN, 10, LegCode.PROMOTION))
    assert posting.pending == ((BALANCE, OPEN, -500),)


def test_no_bank_charges_for_a_balance():
    with pytest.raises(LegError):
        payment.capture(AT_HOME, AT_HOME.capture(400), window=1, cost=1)


def test_releasing_frees_the_rest_and_posts_nothing():
    after = AT_BANK.capture(400)
    assert payment.release(after, after.release()) == ((), ((CLEARING, OPEN, -600),))


def test_a_fee_that_the_capture_cannot_carry_falls_due_with_the_next():
    assert payment.fee_due(50, 0, 20) == 20
    assert payment.fee_due(60, 20, 500) == 40
    assert payment.fee_due(60, 60, 500) == 0
    assert payment.fee_due(50, 60, 500) == 0
