import gzip
import sys
from collections import Counter

import duckdb
import pytest

from keelpay_clients.recorded_traffic import read_transactions
from keelpay_clients.run_error import TrafficError
from keelpay_clients.seeded_traffic import PURSE_MAX_MINOR, RHYTHM, make_transactions
from keelpay_clients.traffic import load_traffic, thin
from keelpay_clients.transaction import DAY_S, HOUR_S, Transaction

HEAD = "tx_id,t,customer,terminal,amount_cents,fraud,scenario\n"


def write(path, *rows):
    text = HEAD + "".join(f"{number},{row},0\n" for number, row in enumerate(rows))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["traffic.csv", "traffic.csv.gz"])
def test_a_row_becomes_a_transaction(tmp_path, name):
    path = write(tmp_path / name, "569,4128,8737,6449,1")
    assert read_transactions(path, days=1) == [Transaction(569, "4128", "8737", 6449, True)]


def test_only_the_first_days_are_read(tmp_path):
    path = write(tmp_path / "t.csv", f"{DAY_S - 1},a,t,1,0", f"{DAY_S},b,t,1,0", f"{2 * DAY_S},c,t,1,0")
    assert [each.customer for each in read_transactions(path, days=1)] == ["a"]
    assert [each.customer for each in read_transactions(path, days=2)] == ["a", "b"]


def test_a_row_without_an_amount_is_left_out(tmp_path):
    path = write(tmp_path / "t.csv", "1,a,t,0,0", "2,b,t,5,0")
    assert [each.customer for each in read_transactions(path, days=1)] == ["b"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TrafficError, match=r"nothing\.csv"):
        read_transactions(tmp_path / "nothing.csv", days=1)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", HEAD + "0,x,c,t,5,0,0\n", HEAD + "0,1,c,t,,0,0\n"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(TrafficError, match="row 2"):
        read_transactions(path, days=1)


def test_a_broken_archive_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(TrafficError, match="cannot be read"):
        read_transactions(path, days=1)


def write_parquet(path, rows):
    with duckdb.connect() as line:
        line.execute(
            f"COPY (SELECT * FROM (VALUES {rows}) AS r(t, customer, terminal, amount_cents, fraud)) TO '{path}'"
        )
    return path


def test_parquet_is_read_like_text(tmp_path):
    path = write_parquet(tmp_path / "t.parquet", f"(5, 1, 3, 7, 1), (9, 1, 3, 0, 0), ({DAY_S}, 2, 4, 8, 0)")
    assert read_transactions(path, days=1) == [Transaction(5, "1", "3", 7, True)]
    assert len(read_transactions(path, days=2)) == 2


def test_parquet_keeps_the_order_of_a_long_file(tmp_path):
    path = tmp_path / "t.parquet"
    with duckdb.connect() as line:
        line.execute(
            "COPY (SELECT i AS t, i % 9 AS customer, 1 AS terminal, 1 + i AS amount_cents, 0 AS fraud "
            f"FROM range(150_000) AS made(i)) TO '{path}'"
        )
    read = read_transactions(path, days=2, rows_max=140_000)
    assert all(each.amount_minor == place for place, each in enumerate(read, start=1))
    assert len(read) == 140_000


@pytest.mark.parametrize("rows", ["(5, 1, 3, 7, 'x')", "(5, 1, 3, NULL, 0)"])
def test_parquet_of_something_else_is_refused(tmp_path, rows):
    with pytest.raises(TrafficError, match="row 2"):
        read_transactions(write_parquet(tmp_path / "t.parquet", rows), days=1)


def test_parquet_without_the_columns_and_a_broken_file_are_refused(tmp_path):
    with duckdb.connect() as line:
        line.execute(f"COPY (SELECT 1 AS milk) TO '{tmp_path / 'list.parquet'}' (FORMAT parquet)")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing that anybody reads PAR1")
    for name, word in (("list.parquet", "row 2 has not the columns"), ("broken.parquet", r"parquet cannot be read: .")):
        with pytest.raises(TrafficError, match=word):
            read_transactions(tmp_path / name, days=1)


def test_without_the_reader_of_parquet_another_file_is_advised(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(TrafficError, match="pip install"):
        read_transactions(tmp_path / "t.parquet", days=1)


def test_a_customer_buys_something_big_now_and_then():
    made = make_transactions(days=2, count=1000, seed=1)
    big = [each for each in made if each.amount_minor > 2 * PURSE_MAX_MINOR]
    assert 10 <= len(big) <= 60


def test_three_of_a_thousand_purchases_are_a_thiefs():
    made = make_transactions(days=2, count=2000, seed=1)
    assert [each.fraud for each in made].count(True) == 6
    assert not any(each.fraud for each in made[:1000])


def test_made_up_traffic_is_the_same_for_the_same_seed():
    assert make_transactions(days=2, count=300, seed=7) == make_transactions(days=2, count=300, seed=7)
    assert make_transactions(days=2, count=300, seed=7) != make_transactions(days=2, count=300, seed=8)


@pytest.mark.parametrize(("days", "count"), [(1, 1), (1, 24), (3, 500), (7, 40)])
def test_made_up_traffic_has_its_size_and_keeps_to_its_days(days, count):
    made = make_transactions(days=days, count=count, seed=1)
    assert len(made) == count
    assert made == sorted(made)
    assert all(0 <= each.time_s < days * DAY_S and each.amount_minor > 0 for each in made)


def test_made_up_traffic_follows_the_rhythm_of_the_day():
    hours = Counter(each.time_s % DAY_S // HOUR_S for each in make_transactions(days=2, count=2000, seed=1))
    assert hours[RHYTHM.index(max(RHYTHM))] > 4 * hours[0]


def traffic(customers, each):
    return sorted(Transaction(turn * 10 + c, f"c{c}", "t", 5) for c in range(customers) for turn in range(each))


def test_thinning_keeps_exactly_the_count_and_the_order():
    thinned = thin(traffic(10, 9), 40, seed=1)
    assert len(thinned) == 40
    assert thinned == sorted(thinned)


def test_thinning_leaves_out_whole_customers_first():
    thinned = thin(traffic(10, 9), 45, seed=1)
    assert Counter(Counter(each.customer for each in thinned).values()) == {9: 5}


def test_thinning_does_nothing_where_there_is_little():
    assert thin(traffic(2, 3), 6, seed=1) == traffic(2, 3)


def test_a_file_is_capped_and_nothing_is_made_up_beside_it(tmp_path):
    path = write(tmp_path / "t.csv", *(f"{place},c{place % 3},t,5,0" for place in range(30)))
    assert len(load_traffic(path, days=1, payments_max=12, seed=1)) == 12
    assert len(load_traffic(path, days=1, payments_max=99, seed=1)) == 30
    assert len(load_traffic(None, days=1, payments_max=99, seed=1)) == 99
