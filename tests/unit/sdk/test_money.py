from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay import Money
from keelpay.money import _EXPONENTS, exponent_of
from keelpay_server.ledger.currency import CURRENCIES


def test_the_sdk_and_the_ledger_know_the_same_currencies():
    assert {each.code: each.exponent for each in CURRENCIES} == _EXPONENTS


@pytest.mark.parametrize(
    ("amount", "code", "minor"),
    [
        ("12.30", "CNY", 1230),
        ("12.3", "CNY", 1230),
        ("12", "CNY", 1200),
        (12, "CNY", 1200),
        (Decimal("0.01"), "CNY", 1),
        ("-0.05", "CNY", -5),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("0.000001", "USDC", 1),
        ("007", "JPY", 7),
    ],
)
def test_amounts_are_read_as_people_write_them(amount, code, minor):
    assert Money.of(amount, code) == Money(minor, code)


@pytest.mark.parametrize(
    "amount", ["", "12,30", "12.345", "1e3", " 1", "1 ", "+1", "12.", ".5", "１２", "1\n", "NaN", Decimal("NaN")]
)
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError):
        Money.of(amount, "CNY")


@pytest.mark.parametrize("amount", [12.30, True, None, b"12"])
def test_a_float_is_never_taken(amount):
    with pytest.raises(TypeError, match="text"):
        Money.of(amount, "CNY")


@pytest.mark.parametrize("code", ["XXX", "cny", "", "XAU"])
def test_an_unknown_currency_is_refused_and_can_still_be_counted(code):
    with pytest.raises(ValueError, match="minor units yourself"):
        Money.of("1", code)
    assert str(Money(5, code)) == f"5 minor units of {code}"


@given(st.integers(-(10**17), 10**17), st.sampled_from(sorted(_EXPONENTS)))
def test_a_printed_amount_reads_as_itself(minor, code):
    money = Money(minor, code)
    assert Money.of(money.amount, code) == money
    decimals = exponent_of(code)
    assert len(money.amount.partition(".")[2]) == decimals
    assert ("." in money.amount) == bool(decimals)


def test_money_is_printed_with_its_currency():
    assert (str(Money(1230, "CNY")), str(Money(-5, "CNY")), str(Money(7, "JPY"))) == ("12.30 CNY", "-0.05 CNY", "7 JPY")


@pytest.mark.parametrize("arguments", [("CNY", 5), (5.0, "CNY"), (True, "CNY"), ("5", "CNY"), (5, None), (5, b"CNY")])
def test_money_is_minor_units_and_a_currency_in_this_order(arguments):
    with pytest.raises(TypeError, match="minor units, then the currency"):
        Money(*arguments)


def test_money_is_not_computed_with():
    with pytest.raises(TypeError):
        Money(1, "CNY") + Money(1, "CNY")
