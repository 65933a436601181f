import pytest

from keelpay_server.ledger.account import merchant_available, payer_balance
from keelpay_server.ledger.leg import LegCode, LegError, Posting, leg, linked, pending
from keelpay_server.ledger.money import INT64_MAX

CNY, USD = 156, 840
PAYER, MERCHANT = payer_balance(1, CNY), merchant_available(2, CNY)


def test_a_leg_is_a_bare_tuple():
    assert leg(PAYER, MERCHANT, 5, LegCode.PAY) == (PAYER, MERCHANT, 5, 1)


@pytest.mark.parametrize("amount", [0, -1, INT64_MAX + 1])
def test_a_leg_moves_a_positive_amount(amount):
    with pytest.raises(LegError):
        leg(PAYER, MERCHANT, amount, LegCode.PAY)


@pytest.mark.parametrize("credit", [PAYER, merchant_available(2, USD)])
def test_a_leg_joins_two_accounts_of_one_currency(credit):
    with pytest.raises(LegError):
        leg(PAYER, credit, 5, LegCode.PAY)
    with pytest.raises(LegError):
        pending(PAYER, credit, 5)


def test_a_pending_move_reserves_or_frees_but_moves_something():
    assert pending(PAYER, MERCHANT, -5) == (PAYER, MERCHANT, -5)
    with pytest.raises(LegError):
        pending(PAYER, MERCHANT, 0)


def test_linked_postings_keep_their_order():
    one, two = leg(PAYER, MERCHANT, 5, LegCode.PAY), leg(MERCHANT, PAYER, 2, LegCode.REFUND)
    held = pending(PAYER, MERCHANT, 3)
    assert linked(Posting((one,)), Posting(), Posting((two,), (held,))) == ((one, two), (held,))


def test_the_stored_leg_codes_never_change():
    assert [int(code) for code in LegCode] == list(range(1, 34))
    assert (LegCode.PAY, LegCode.CAPTURE, LegCode.SETTLE, LegCode.REFUND, LegCode.CAPITAL) == (1, 2, 8, 16, 31)
