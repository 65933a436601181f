import pytest

from keelpay_server.ledger.chart import CHART, ROW_BY_INDEX, Chart, Owner, Side

SIDE_OF_DIGIT = {1: Side.DEBIT, 2: Side.CREDIT, 3: Side.CREDIT, 4: Side.CREDIT, 5: Side.DEBIT, 6: Side.CONTROL}


def test_every_kind_has_one_row_and_one_code():
    assert [row.chart for row in CHART] == list(Chart)
    assert [row.code for row in CHART] == sorted({row.code for row in CHART})
    assert {index: row.chart for index, row in ROW_BY_INDEX.items()} == {int(kind): kind for kind in Chart}


@pytest.mark.parametrize("row", CHART, ids=lambda row: row.chart.name)
def test_the_first_digit_of_a_code_tells_the_side(row):
    assert row.side is SIDE_OF_DIGIT[row.code // 1000]


@pytest.mark.parametrize("row", CHART, ids=lambda row: row.chart.name)
def test_a_name_tells_the_owner_and_the_window_where_there_is_one(row):
    assert ("{owner}" in row.name) == (row.owner is not Owner.HOUSE)
    assert ("{window}" in row.name) == row.windowed
    assert "{currency}" in row.name


def test_indexes_fit_the_low_byte_and_never_change():
    assert [int(kind) for kind in Chart] == list(range(1, 29))


def test_the_money_we_keep_for_others_and_the_bank_reserve_are_floored():
    floored = {row.code for row in CHART if row.floored}
    assert floored == {1000, 2000, 2040, 2100, 2110, 2120, 2130, 2200, 2300}
