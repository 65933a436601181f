import pytest

from keelpay_server.ledger import account
from keelpay_server.ledger.account import OWN_BANK, OWNER_MAX, WINDOW_MAX, AccountError, headroom, number, parse
from keelpay_server.ledger.chart import CHART, Chart, Owner
from keelpay_server.ledger.money import INT64_MAX

CNY = 156


@pytest.mark.parametrize("row", CHART, ids=lambda row: row.chart.name)
def test_a_number_parses_back_to_its_parts(row):
    owner = 0 if row.owner is Owner.HOUSE else OWNER_MAX
    window = WINDOW_MAX if row.windowed else 0
    made = number(row.chart, 1023, owner, window)
    assert parse(made) == (window, owner, 1023, row.chart)
    assert 0 < made <= INT64_MAX
    assert made & account.CHART_MASK == row.chart


def test_the_layout_is_window_owner_currency_chart():
    made = number(Chart.MERCHANT_UNSETTLED, CNY, 5, 3)
    assert made == 3 << 46 | 5 << 18 | CNY << 8 | Chart.MERCHANT_UNSETTLED


@pytest.mark.parametrize(
    ("chart", "currency", "owner", "window"),
    [
        (Chart.CAPITAL, CNY, 1, 0),
        (Chart.PAYER_BALANCE, CNY, 0, 0),
        (Chart.PAYER_BALANCE, CNY, 1, 1),
        (Chart.PAYER_BALANCE, CNY, OWNER_MAX + 1, 0),
        (Chart.PAYER_BALANCE, 0, 1, 0),
        (Chart.PAYER_BALANCE, 1024, 1, 0),
        (Chart.PAYER_BALANCE, CNY, -1, 0),
        (Chart.MERCHANT_UNSETTLED, CNY, 1, 0),
        (Chart.MERCHANT_UNSETTLED, CNY, 1, WINDOW_MAX + 1),
    ],
)
def test_parts_that_name_no_account_are_refused(chart, currency, owner, window):
    with pytest.raises(AccountError):
        number(chart, currency, owner, window)


@pytest.mark.parametrize("value", [0, -1, 255, 1 << 63, CNY << 8 | Chart.PAYER_BALANCE, 1 << 18 | Chart.PAYER_BALANCE])
def test_a_number_that_no_account_can_have_is_refused(value):
    with pytest.raises(AccountError):
        parse(value)


def test_a_bank_may_be_the_books_own_balances():
    assert parse(account.refund_transit(OWN_BANK, CNY)).owner == OWN_BANK


def test_a_window_is_one_range_of_numbers():
    first, last = account.window_range(3)
    inside = [number(Chart.MERCHANT_UNSETTLED, c, o, 3) for c in (1, 1023) for o in (1, OWNER_MAX)]
    outside = [number(Chart.MERCHANT_UNSETTLED, CNY, OWNER_MAX, 2), number(Chart.MERCHANT_UNSETTLED, CNY, 1, 4)]
    assert all(first <= one <= last for one in inside)
    assert not any(first <= one <= last for one in outside)
    assert last + 1 == account.window_range(4)[0]
    assert account.window_range(WINDOW_MAX)[1] == INT64_MAX


@pytest.mark.parametrize("window", [0, -1, WINDOW_MAX + 1])
def test_a_window_out_of_bounds_has_no_range(window):
    with pytest.raises(AccountError):
        account.window_range(window)


def test_the_floored_indexes_are_those_of_the_chart():
    assert tuple(int(row.chart) for row in CHART if row.floored) == account.FLOORED_INDEXES
    assert set(account.DEBIT_FLOORED_INDEXES) == {Chart.BANK_RESERVE}
    assert set(account.CREDIT_FLOORED_INDEXES) | {Chart.BANK_RESERVE} == set(account.FLOORED_INDEXES)


def test_the_floor_sign_tells_which_side_lowers():
    assert account.floor_sign(account.payer_balance(1, CNY)) == 1
    assert account.floor_sign(account.bank_reserve(1, CNY)) == -1
    assert account.floor_sign(account.bank_clearing(1, CNY)) == 0
    assert account.is_floored(account.bank_reserve(1, CNY))
    assert not account.is_floored(account.merchant_owed(1, CNY))


def test_headroom_counts_pending_moves_only_where_they_lower():
    assert headroom(account.payer_balance(1, CNY), 30, 100, 20, 500) == 50
    assert headroom(account.bank_reserve(1, CNY), 100, 30, 500, 20) == 50
    assert headroom(account.suspense(1, CNY), 30, 10, 0, 0) == -20


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (account.bank_reserve(2, CNY), "bank:2:reserve:CNY"),
        (account.bank_clearing(2, CNY), "bank:2:clearing:CNY"),
        (account.merchant_owed(7, CNY), "merchant:7:owed:CNY"),
        (account.payer_balance(9, 1000), "payer:9:balance:USDC"),
        (account.merchant_unsettled(7, CNY, 12), "merchant:7:unsettled:12:CNY"),
        (account.merchant_available(7, CNY), "merchant:7:available:CNY"),
        (account.payout_transit(2, CNY), "payout:2:in_transit:CNY"),
        (account.refund_transit(2, CNY), "refund:2:in_transit:CNY"),
        (account.suspense(2, CNY), "suspense:2:CNY"),
        (number(Chart.CAPITAL, CNY), "equity:capital:CNY"),
    ],
)
def test_an_account_has_a_name_for_people(made, name):
    assert parse(made).name == name


def test_the_owner_is_read_without_parsing():
    assert account.owner_number(account.merchant_unsettled(OWNER_MAX, CNY, WINDOW_MAX)) == OWNER_MAX
    assert account.owner_number(number(Chart.CAPITAL, CNY)) == 0


def test_an_account_has_its_like_in_another_window():
    assert account.in_window(account.merchant_unsettled(7, CNY, 3), 9) == account.merchant_unsettled(7, CNY, 9)


@pytest.mark.parametrize(
    ("one", "window"),
    [
        (account.merchant_unsettled(7, CNY, 3), 0),
        (account.merchant_unsettled(7, CNY, 3), WINDOW_MAX + 1),
        (account.merchant_available(7, CNY), 3),
    ],
)
def test_no_account_is_made_in_a_window_that_it_cannot_have(one, window):
    with pytest.raises(AccountError):
        account.in_window(one, window)


def test_the_row_of_a_number_is_its_row_of_the_chart():
    assert parse(account.payer_balance(1, CNY)).row.code == 2000
    assert account.currency_number(account.payer_balance(1, CNY)) == CNY
