"""The lane's statements, generated once from the metadata for each database.

In: tables. Out: SQL texts whose only inputs are bound parameters; names come from the metadata alone.
Invariant: whatever is written is sorted by key, so writers never meet in opposite order.
"""

from collections.abc import Iterable
from functools import cache, lru_cache

from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from keelpay_server.ledger.account import CHART_MASK, CREDIT_FLOORED_INDEXES, DEBIT_FLOORED_INDEXES

from .schema.book import accounts, books, journal, legs, requests, work

_DEBIT_FLOORED = ", ".join(str(index) for index in sorted(DEBIT_FLOORED_INDEXES))
_CREDIT_FLOORED = ", ".join(str(index) for index in sorted(CREDIT_FLOORED_INDEXES))
HEADROOM = (
    f"CASE WHEN (id & {CHART_MASK}) IN ({_DEBIT_FLOORED}) THEN debits - credits - pending_credits "
    f"WHEN (id & {CHART_MASK}) IN ({_CREDIT_FLOORED}) THEN credits - debits - pending_debits"
    " ELSE credits - debits END"
)


def fields(table: Table) -> list[str]:
    """Returns the columns after `book_id`: the fields of the entity, in order."""
    return [column.name for column in table.columns][1:]


def quoted(names: Iterable[str]) -> str:
    """Returns column names as SQL lists them; quoted, because an entity may have a field named `order`."""
    return ", ".join(f'"{name}"' for name in names)


def array_type(column: "Column[object]") -> str:
    """Returns PostgreSQL's array type for a column's bound values."""
    kind = column.type
    if isinstance(kind, LargeBinary):
        return "bytea[]"
    if isinstance(kind, Text):
        return "text[]"
    if isinstance(kind, Boolean):
        return "boolean[]"
    return "bigint[]"


def into(table: Table) -> str:
    """Returns the beginning of an insert; it names the columns, for a migrated table may have them in another order."""
    return f"INSERT INTO {table.name} ({quoted(column.name for column in table.columns)})"


def _marks(table: Table) -> str:
    return ", ".join("?" * len(table.columns))


class Sqlite:
    """SQLite's statements: positional parameters, one row each, for executemany."""

    LOCK = f"SELECT sequence, head, offset_us, business_us, next_owner FROM {books.name} WHERE book_id = ?"
    BOOK = f"UPDATE {books.name} SET sequence = ?, head = ?, business_us = ?, next_owner = ? WHERE book_id = ?"
    JOURNAL = f"{into(journal)} VALUES ({_marks(journal)})"
    LEGS = f"{into(legs)} VALUES ({_marks(legs)})"
    REQUESTS = f"{into(requests)} VALUES ({_marks(requests)})"
    OPEN = f"{into(accounts)} VALUES ({_marks(accounts)})"
    MOVE = (
        f"UPDATE {accounts.name} SET debits = debits + ?3, credits = credits + ?4,"
        " pending_debits = pending_debits + ?5, pending_credits = pending_credits + ?6 WHERE book_id = ?1 AND id = ?2"
    )
    DONE = f"DELETE FROM {work.name} WHERE book_id = ? AND id = ?"

    @staticmethod
    @cache
    def load(table: Table, column: str, size: int) -> str:
        """Returns the statement that reads entities by `size` values of a column."""
        marks = ", ".join("?" * size)
        return f'SELECT {quoted(fields(table))} FROM {table.name} WHERE book_id = ? AND "{column}" IN ({marks})'

    @staticmethod
    @cache
    def headroom(size: int) -> str:
        """Returns the statement that reads what is left on `size` floored accounts."""
        return f"SELECT id, {HEADROOM} FROM {accounts.name} WHERE book_id = ? AND id IN ({', '.join('?' * size)})"

    @staticmethod
    @cache
    def insert(table: Table) -> str:
        """Returns the statement that adds an entity."""
        return f"{into(table)} VALUES ({_marks(table)})"

    @staticmethod
    @cache
    def update(table: Table) -> str:
        """Returns the statement that replaces an entity's fields; parameters are book, key, fields."""
        sets = ", ".join(f'"{name}" = ?{at + 3}' for at, name in enumerate(fields(table)[1:]))
        return f"UPDATE {table.name} SET {sets} WHERE book_id = ?1 AND id = ?2"


class Postgres:
    """PostgreSQL's statements: arrays of columns, many rows each, for one data-modifying CTE."""

    BOOK = (
        "SELECT b.sequence, b.head, b.offset_us, b.business_us, b.next_owner, "
        + ", ".join(f"r.{name}" for name in fields(requests))
        + f" FROM {books.name} b LEFT JOIN {requests.name} r ON r.book_id = b.book_id AND r.id = ANY($2::bytea[])"
        " WHERE b.book_id = $1"
    )
    HEADROOM = f"SELECT id, {HEADROOM} FROM {accounts.name} WHERE book_id = $1 AND id = ANY($2::bigint[])"
    MISSED = (
        f"SELECT first, last, wall_time, business_time, body FROM {journal.name}"
        " WHERE book_id = $1 AND last > $2 ORDER BY last LIMIT 500"
    )
    MOVE = (
        f"UPDATE {accounts.name} t SET debits = t.debits + u.d, credits = t.credits + u.c, pending_debits ="
        " t.pending_debits + u.pd, pending_credits = t.pending_credits + u.pc FROM unnest({}::bigint[], {}::bigint[],"
        " {}::bigint[], {}::bigint[], {}::bigint[]) u (id, d, c, pd, pc)"
        " WHERE t.book_id = $1 AND t.id = u.id RETURNING 1"
    )
    OPEN = f"{into(accounts)} SELECT $1, * FROM unnest(" + ", ".join(["{}::bigint[]"] * 5) + ")"
    LEGS = f"{into(legs)} SELECT $1, * FROM unnest(" + ", ".join(["{}::bigint[]"] * 6) + ")"
    DONE = f"DELETE FROM {work.name} WHERE book_id = $1 AND id = ANY({{}}::bytea[])"
    JOURNAL = f"{into(journal)} VALUES ($1, {{}}, {{}}, {{}}, {{}}, {{}}, {{}})"
    SEQUENCE = (
        f"UPDATE {books.name} SET sequence = {{}}, head = {{}}, business_us = {{}}, next_owner = {{}}"
        " WHERE book_id = $1"
    )

    @staticmethod
    def lock(book: int) -> str:
        """Returns begin-and-lock in one message; the book's number is an int, never text from outside."""
        return f"BEGIN; SELECT 1 FROM {books.name} WHERE book_id = {int(book)} FOR NO KEY UPDATE"

    @staticmethod
    @cache
    def load(table: Table, column: str) -> str:
        """Returns the statement that reads entities by values of a column."""
        kind = array_type(table.columns[column])
        return f'SELECT {quoted(fields(table))} FROM {table.name} WHERE book_id = $1 AND "{column}" = ANY($2::{kind})'

    @staticmethod
    @cache
    def insert(table: Table) -> str:
        """Returns the part that adds rows."""
        names = fields(table)
        arrays = ", ".join(f"{{}}::{array_type(table.columns[name])}" for name in names)
        return f"{into(table)} SELECT $1, * FROM unnest({arrays})"

    @staticmethod
    @cache
    def update(table: Table) -> str:
        """Returns the part that replaces rows' fields."""
        names = fields(table)
        arrays = ", ".join(f"{{}}::{array_type(table.columns[name])}" for name in names)
        sets = ", ".join(f'"{name}" = u."{name}"' for name in names[1:])
        return (
            f"UPDATE {table.name} t SET {sets} FROM unnest({arrays}) u ({quoted(names)})"
            " WHERE t.book_id = $1 AND t.id = u.id"
        )


COMBINATIONS_MAX = 1024
"""Statements of batches that the lane's connection keeps prepared: one a combination of touched tables."""


@cache
def truths(table: Table) -> tuple[int, ...]:
    """Returns the places of an entity's yes-or-no fields, which SQLite gives as 0 and 1."""
    return tuple(at for at, column in enumerate(list(table.columns)[1:]) if isinstance(column.type, Boolean))


@lru_cache(COMBINATIONS_MAX)
def combined(parts: tuple[str, ...], counted: int) -> str:
    """Returns one data-modifying CTE of the parts a batch touches, counting the rows of part `counted` (-1: none).

    `{}` in a part stands for its next parameter; `$1` is the book in all of them.
    """
    number = 1
    ctes = []
    for at, part in enumerate(parts):
        count = part.count("{}")
        ctes.append(f"p{at} AS ({part.format(*(f'${n}' for n in range(number + 1, number + count + 1)))})")
        number += count
    check = f"(SELECT count(*) FROM p{counted})" if counted >= 0 else "0"
    return "WITH " + ", ".join(ctes) + f" SELECT {check}"
