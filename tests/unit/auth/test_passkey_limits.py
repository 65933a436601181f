"""What a new passkey may confirm is worth about the same in every currency."""

import pytest

from keelpay_server.auth.passkey_limits import LIMITS, limit_minor
from keelpay_server.ledger.currency import CURRENCIES
from keelpay_server.risk.magnitude import CENTS_PER_THOUSAND, magnitude


def test_every_currency_that_can_be_counted_has_a_limit():
    assert set(LIMITS) == {row.code for row in CURRENCIES}
    assert all(limit_minor(code, {}) > 0 for code in LIMITS)


@pytest.mark.parametrize("code", sorted(CENTS_PER_THOUSAND))
def test_a_limit_is_worth_about_280_dollars_by_the_table_of_risk(code: str):
    assert 140_00 <= magnitude(limit_minor(code, {}), code) <= 560_00


@pytest.mark.parametrize(
    ("code", "minor"),
    [("CNY", 200_000), ("JPY", 40_000), ("KRW", 300_000), ("VND", 7_000_000), ("KWD", 100_000), ("USDC", 300_000_000)],
)
def test_a_limit_has_the_digits_of_its_currency(code: str, minor: int):
    assert limit_minor(code, {}) == minor


def test_the_installation_chooses_in_the_major_unit():
    assert limit_minor("KWD", {"KWD": 50, "JPY": 0}) == 50_000
    assert limit_minor("JPY", {"KWD": 50, "JPY": 0}) == 0


def test_what_is_no_currency_has_no_limit_to_confirm_up_to():
    assert limit_minor("", {}) == limit_minor("XYZ", {}) == 0
