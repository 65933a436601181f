import pytest

from keelpay_server.ledger.account import bank_reserve, merchant_available, payer_balance, payout_transit
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.posting import payout

CNY, BANK = 156, 3
TRANSIT, RESERVE = payout_transit(BANK, CNY), bank_reserve(BANK, CNY)
PAYOUT = payout.hold_payout(merchant=2, bank=BANK, currency=CNY, amount=80)
WITHDRAWAL = payout.hold_withdrawal(payer=1, bank=BANK, currency=CNY, amount=80)
CASES = pytest.mark.parametrize(
    ("hold", "source", "codes"),
    [
        (PAYOUT, merchant_available(2, CNY), (LegCode.PAYOUT, LegCode.PAYOUT_SENT, LegCode.PAYOUT_RETURNED)),
        (WITHDRAWAL, payer_balance(1, CNY), (LegCode.WITHDRAW, LegCode.WITHDRAW_SENT, LegCode.WITHDRAW_RETURNED)),
    ],
)


@CASES
def test_money_leaves_its_source_when_submitted_and_us_when_the_line_shows_it(hold, source, codes):
    assert payout.reserve(hold) == ((), ((source, TRANSIT, 80),))
    assert payout.submit(hold) == (((source, TRANSIT, 80, codes[0]),), ((source, TRANSIT, -80),))
    assert payout.sent(hold) == (((TRANSIT, RESERVE, 80, codes[1]),), ())


@CASES
def test_money_returns_from_transit_before_the_line_and_from_the_bank_after_it(hold, source, codes):
    assert payout.returned_unsent(hold) == (((TRANSIT, source, 80, codes[2]),), ())
    assert payout.returned_sent(hold) == (((RESERVE, source, 80, codes[2]),), ())


@CASES
def test_a_cancelled_reservation_frees_what_it_held(hold, source, codes):
    assert payout.cancel(hold) == ((), ((source, TRANSIT, -80),))
