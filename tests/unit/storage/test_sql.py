"""Laws of the generated statements: they name their columns, number their parameters, and bind every value."""

import re

import pytest

from keelpay_server.storage.schema import ENTITIES, metadata
from keelpay_server.storage.schema.book import accounts, requests
from keelpay_server.storage.sql import Postgres, Sqlite, combined, fields, truths

TABLES = [table for table in ENTITIES.values() if not table.name.startswith("test_")]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_an_insert_names_every_column_in_the_order_of_its_values(table):
    named = ["book_id", *fields(table)]
    for statement in (Sqlite.insert(table), Postgres.insert(table)):
        (listed,) = re.findall(r"INSERT INTO \w+ \(([^)]*)\)", statement)
        assert [name.strip(' "') for name in listed.split(",")] == named
    assert Sqlite.insert(table).count("?") == len(named)
    assert Postgres.insert(table).count("{}") == len(named) - 1  # the book is $1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_an_update_changes_all_but_the_key(table):
    for statement in (Sqlite.update(table), Postgres.update(table)):
        sets = re.findall(r'"?(\w+)"? = [?u]', statement.split(" WHERE ")[0])
        assert sets == fields(table)[1:]


def test_a_combined_statement_numbers_its_parameters_in_order():
    parts = (Postgres.insert(requests), Postgres.MOVE, Postgres.JOURNAL, Postgres.SEQUENCE)
    text = combined(parts, 1)
    numbers = [int(number) for number in re.findall(r"\$(\d+)", text)]
    assert [number for number in numbers if number > 1] == list(range(2, 2 + sum(part.count("{}") for part in parts)))
    assert "{}" not in text
    assert text.endswith("SELECT (SELECT count(*) FROM p1)")


def test_yes_and_no_fields_are_known_by_their_place():
    for table in TABLES:
        named = {fields(table)[at] for at in truths(table)}
        assert named == {column.name for column in table.columns if str(column.type) == "BOOLEAN"}
    assert truths(accounts) == ()


def test_every_table_of_the_metadata_has_its_book_first():
    for table in metadata.sorted_tables:
        if table.name not in {"installation", "alembic_version"}:
            assert next(iter(table.primary_key.columns)).name == "book_id"
