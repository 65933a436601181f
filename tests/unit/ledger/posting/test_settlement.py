import pytest

from keelpay_server.ledger.account import merchant_available, merchant_owed, merchant_unsettled
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.posting.settlement import settle

CNY = 156
SOURCE, OWED, AVAILABLE = merchant_unsettled(2, CNY, 5), merchant_owed(2, CNY), merchant_available(2, CNY)


@pytest.mark.parametrize(
    ("free", "owed", "repaid", "settled"),
    [(100, 0, 0, 100), (100, 30, 30, 70), (100, 100, 100, 0), (100, 130, 100, 0), (0, 30, 0, 0)],
)
def test_a_debt_is_repaid_before_money_becomes_available(free, owed, repaid, settled):
    legs = settle(merchant=2, window=5, currency=CNY, free=free, owed=owed).legs
    expected = ((SOURCE, OWED, repaid, LegCode.REPAY), (SOURCE, AVAILABLE, settled, LegCode.SETTLE))
    assert legs == tuple(leg for leg in expected if leg[2])
