import pytest

from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.money import (
    AMOUNT_MAX,
    INT64_MAX,
    AmountError,
    Rounding,
    format_minor,
    parse_minor,
    prorated,
    share,
    share_bp,
    split,
)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (9001, [50, 30, 20], [4501, 2700, 1800]),
        (100, [1, 1, 1], [34, 33, 33]),
        (2, [1, 1, 1], [1, 1, 0]),
        (0, [1, 2], [0, 0]),
        (5, [0, 1, 0], [0, 5, 0]),
        (10, [1, 2, 3, 4], [1, 2, 3, 4]),
        (1, [1, 2], [0, 1]),
        (AMOUNT_MAX, [AMOUNT_MAX, AMOUNT_MAX], [AMOUNT_MAX // 2, AMOUNT_MAX // 2]),
    ],
)
def test_split_gives_the_rest_to_the_largest_remainders(amount, weights, parts):
    assert split(amount, weights) == parts


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_split_refuses_what_it_cannot_conserve(amount, weights):
    with pytest.raises(AmountError):
        split(amount, weights)


@pytest.mark.parametrize(
    ("amount", "rounding", "part"),
    [
        (1000, Rounding.DOWN, 6),
        (1000, Rounding.UP, 6),
        (1250, Rounding.DOWN, 7),
        (1250, Rounding.HALF_UP, 8),
        (1250, Rounding.UP, 8),
        (1249, Rounding.HALF_UP, 7),
        (1, Rounding.DOWN, 0),
        (1, Rounding.UP, 1),
        (0, Rounding.UP, 0),
    ],
)
def test_sixty_basis_points_round_as_asked(amount, rounding, part):
    assert share_bp(amount, 60, rounding) == part


def test_the_largest_amount_is_shared_exactly():
    assert share(AMOUNT_MAX, 2, 3, Rounding.DOWN) + share(AMOUNT_MAX, 1, 3, Rounding.UP) == AMOUNT_MAX


@pytest.mark.parametrize(("amount", "numerator", "denominator"), [(-1, 1, 2), (1, -1, 2), (1, 1, 0), (1, 1, -2)])
def test_share_refuses_arguments_out_of_bounds(amount, numerator, denominator):
    with pytest.raises(AmountError):
        share(amount, numerator, denominator, Rounding.DOWN)


def test_prorated_parts_add_up_to_the_total():
    taken = 0
    for part in (1, 3, 4, 7, 10):
        taken += prorated(33, part, 10, taken)
    assert taken == 33


def test_prorated_never_takes_back():
    assert prorated(10, 1, 10, 5) == 0


@pytest.mark.parametrize(("part", "whole", "taken"), [(-1, 10, 0), (11, 10, 0), (0, 0, 0), (1, 10, -1)])
def test_prorated_refuses_arguments_out_of_bounds(part, whole, taken):
    with pytest.raises(AmountError):
        prorated(10, part, whole, taken)


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [
        (1230, "CNY", "12.30"),
        (5, "CNY", "0.05"),
        (0, "CNY", "0.00"),
        (-5, "CNY", "-0.05"),
        (1230, "JPY", "1230"),
        (-7, "JPY", "-7"),
        (1230, "KWD", "1.230"),
        (1, "USDC", "0.000001"),
        (INT64_MAX, "CNY", "92233720368547758.07"),
    ],
)
def test_minor_units_are_written_with_the_decimals_of_the_currency(amount, code, text):
    assert format_minor(amount, currency(code)) == text


@pytest.mark.parametrize(
    ("text", "code", "amount"),
    [
        ("12.30", "CNY", 1230),
        ("12.3", "CNY", 1230),
        ("12", "CNY", 1200),
        ("0", "CNY", 0),
        ("0.01", "CNY", 1),
        ("1230", "JPY", 1230),
        ("1.234", "KWD", 1234),
        ("0.000001", "USDC", 1),
        ("10000000000000.00", "CNY", AMOUNT_MAX),
    ],
)
def test_decimal_text_is_read_exactly(text, code, amount):
    assert parse_minor(text, currency(code)) == amount


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1,00",
            "1 ",
            " 1",
            "1e3",
            "1.234",
            "01",
            "00.1",
            "1\n",
            "NaN",
            "١",
            "1.2.3",
        ),
        *("10000000000000.01", "9" * 20, "9" * 5000),
    ],
)
def test_text_that_is_no_amount_of_the_currency_is_refused(text):
    with pytest.raises(AmountError):
        parse_minor(text, currency("CNY"))


def test_a_currency_without_decimals_takes_no_point():
    with pytest.raises(AmountError):
        parse_minor("1.0", currency("JPY"))


def test_an_amount_survives_a_reader_that_knows_only_doubles():
    assert int(float(AMOUNT_MAX)) == AMOUNT_MAX
    assert AMOUNT_MAX < 2**53
    assert 9_000 * AMOUNT_MAX < INT64_MAX
