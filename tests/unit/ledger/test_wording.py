"""What a check says of accounts and amounts: names and decimals, and never a failure of its own."""

import pytest

from keelpay_server.ledger.account import bank_reserve, merchant_unsettled, payer_balance
from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.money import amount_text
from keelpay_server.ledger.wording import account_words, amount_words, balance_words, currency_words

CNY, JPY = (currency(code).number for code in ("CNY", "JPY"))


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [(1250, "CNY", "12.50 CNY"), (-5, "CNY", "-0.05 CNY"), (1250, "JPY", "1250 JPY"), (7, "USDC", "0.000007 USDC")],
)
def test_an_amount_is_told_with_its_point_and_currency(amount, code, text):
    assert amount_text(amount, code) == text
    assert amount_words(amount, currency(code).number) == text


def test_a_currency_that_is_not_known_is_told_in_minor_units():
    assert amount_text(1250, "XYZQ") == "1250 minor units of XYZQ"
    assert currency_words(1023) == "currency 1023"
    assert amount_words(1250, 1023) == "1250 minor units of currency 1023"


def test_an_account_is_told_by_its_name_and_no_account_by_its_number():
    assert account_words(merchant_unsettled(7, CNY, 12)) == "merchant:7:unsettled:12:CNY"
    for number in (0, -1, 2**63 - 1):
        assert account_words(number) == str(number)


def test_a_balance_is_told_by_its_parts():
    assert balance_words([100, 0, 0, 5], bank_reserve(1, JPY)) == "debits 100 JPY, pending credits 5 JPY"
    assert balance_words([0, 0, 0, 0], payer_balance(1, CNY)) == "nothing"
