import pytest

from keelpay_server.ledger.account import (
    bank_clearing,
    bank_reserve,
    merchant_unsettled,
    number,
    payer_balance,
    refund_transit,
    suspense,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.posting import bank

CNY, BANK = 156, 3
AT = {"bank": BANK, "currency": CNY, "amount": 70}
RESERVE, CLEARING, SUSPENSE = bank_reserve(BANK, CNY), bank_clearing(BANK, CNY), suspense(BANK, CNY)


@pytest.mark.parametrize(
    ("posting", "debit", "credit", "code"),
    [
        (bank.top_up(payer=1, **AT), CLEARING, payer_balance(1, CNY), LegCode.TOP_UP),
        (bank.receive(**AT), RESERVE, CLEARING, LegCode.RECEIVE),
        (bank.surplus(**AT), RESERVE, SUSPENSE, LegCode.SURPLUS),
        (
            bank.assign_surplus(merchant=2, window=5, **AT),
            SUSPENSE,
            merchant_unsettled(2, CNY, 5),
            LegCode.SURPLUS_ASSIGNED,
        ),
        (bank.deficit(**AT), SUSPENSE, CLEARING, LegCode.DEFICIT),
        (bank.write_off(**AT), number(Chart.RECONCILIATION_WRITE_OFF, CNY), SUSPENSE, LegCode.WRITE_OFF),
        (bank.late_success(**AT), CLEARING, SUSPENSE, LegCode.LATE_SUCCESS),
        (bank.refund_suspense(**AT), SUSPENSE, refund_transit(BANK, CNY), LegCode.REFUND_SUSPENSE),
        (bank.refund_suspense_failed(to_bank=4, **AT), refund_transit(4, CNY), SUSPENSE, LegCode.REFUND_FAILED),
        (bank.capital(**AT), RESERVE, number(Chart.CAPITAL, CNY), LegCode.CAPITAL),
    ],
    ids=lambda value: value.name if isinstance(value, LegCode) else "",
)
def test_each_fact_of_a_bank_is_one_leg(posting, debit, credit, code):
    assert posting == (((debit, credit, 70, code),), ())
