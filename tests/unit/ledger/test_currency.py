import pytest

from keelpay_server.ledger.currency import (
    CURRENCIES,
    NUMBER_MAX,
    TOKEN_NUMBER_MIN,
    Currency,
    CurrencyError,
    by_number,
    currency,
)


@pytest.mark.parametrize(
    "row",
    [
        Currency("CNY", 156, 2),
        Currency("USD", 840, 2),
        Currency("EUR", 978, 2),
        Currency("JPY", 392, 0),
        Currency("KWD", 414, 3),
        Currency("ALL", 8, 2),
        Currency("CLF", 990, 4),
        Currency("XCG", 532, 2),
        Currency("ZWG", 924, 2),
        Currency("USDC", 1000, 6),
        Currency("USDT", 1001, 6),
    ],
)
def test_a_currency_is_found_by_code_and_by_number(row):
    assert currency(row.code) == row
    assert by_number(row.number) == row


def test_codes_and_numbers_are_unique_and_fit_an_account_number():
    assert len({row.code for row in CURRENCIES}) == len(CURRENCIES) == 167
    assert len({row.number for row in CURRENCIES}) == len(CURRENCIES)
    assert all(0 < row.number <= NUMBER_MAX for row in CURRENCIES)


def test_iso_currencies_lie_below_the_tokens():
    for row in CURRENCIES:
        assert (row.number >= TOKEN_NUMBER_MIN) == (len(row.code) > 3)


def test_currencies_are_ordered_by_code():
    assert [row.code for row in CURRENCIES] == sorted(row.code for row in CURRENCIES)


@pytest.mark.parametrize("code", ["", "cny", "CNY ", "XXX", "XTS", "XAU", "DEM", "HRK", "ANG", "156", "USDX"])
def test_what_is_not_in_use_or_has_no_minor_unit_is_unknown(code):
    with pytest.raises(CurrencyError):
        currency(code)


@pytest.mark.parametrize("number", [0, -1, 999, 1002, 1024])
def test_an_unused_number_is_unknown(number):
    with pytest.raises(CurrencyError):
        by_number(number)
