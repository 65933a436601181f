"""Reads outside a batch: entities by key or by indexed columns, journal, accounts, legs.

In: entity classes and column values. Out: NamedTuples. Invariant: every value is a bound parameter; names of columns
come from the entity's own fields.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from keelpay_server.book.journal import JournalRow
from keelpay_server.book.ports import AccountRow, BookRow, LegRow, Page, StorageLost, Turnover
from keelpay_server.book.world import Key

from .outage import is_outage
from .schema import ENTITIES
from .schema.book import accounts, books, journal, legs, snapshots
from .shared_reads import SharedReads
from .snapshots import parts_of

Row = TypeVar("Row")
_BOOK = select(books.c.sequence, books.c.head, books.c.offset_us, books.c.business_us).where(
    books.c.book_id == bindparam("book")
)
_COMPARISONS = {
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
}


class SqlReader:
    """Reads one book.

    Args:
        engine: Where connections for consistent readings come from.
        book: Book number.
        singles: Where connections for single statements come from (`connect(url, single=True)`); None takes `engine`.
        connection: A connection with an open transaction, for a consistent reading; None reads each on its own.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        book: int,
        *,
        singles: AsyncEngine | None = None,
        connection: AsyncConnection | None = None,
    ) -> None:
        self._engine, self._book, self._connection = engine, book, connection
        self._singles = singles or engine
        self._shared = SharedReads(self._by_keys)

    @asynccontextmanager
    async def consistent(self) -> AsyncIterator["SqlReader"]:
        """Gives a reader that sees one moment, however long it reads."""
        async with self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                if self._engine.dialect.name == "sqlite":  # its driver begins by itself only before it writes
                    await connection.exec_driver_sql("BEGIN")
                yield SqlReader(self._engine, self._book, connection=connection)

    async def get(self, entity: type[Row], key: Key) -> Row | None:
        """See `book.ports.Reader.get`."""
        row: Row | None = await self._shared.get(entity, key)
        return row

    async def find(self, entity: type[Row], where: Mapping[str, object], page: Page = Page()) -> list[Row]:
        """See `book.ports.Reader.find`."""
        table = ENTITIES[entity]
        query = _columns(table, self._book).where(*_conditions(table, where))
        order, key = table.c[page.order], table.c.id
        if page.after is not None:
            mark = tuple_(*page.after) if page.order != "id" else page.after[1]
            place = tuple_(order, key) if page.order != "id" else key
            query = query.where(place < mark if page.descending else place > mark)
        columns = (order, key) if page.order != "id" else (key,)
        query = query.order_by(*(column.desc() if page.descending else column for column in columns)).limit(page.size)
        return [_make(entity, row) for row in await self._rows(query)]

    async def count(self, entity: type, where: Mapping[str, object]) -> int:
        """See `book.ports.Reader.count`."""
        table = ENTITIES[entity]
        query = select(func.count()).select_from(table)
        rows = await self._rows(query.where(table.c.book_id == self._book, *_conditions(table, where)))
        return int(rows[0][0])

    async def sum(self, entity: type, column: str, where: Mapping[str, object]) -> int:
        """Returns the sum of a column over the matching entities; 0 for none."""
        table = ENTITIES[entity]
        query = select(func.coalesce(func.sum(table.c[column]), 0))
        rows = await self._rows(query.where(table.c.book_id == self._book, *_conditions(table, where)))
        return int(rows[0][0])

    async def book(self) -> BookRow:
        """See `book.ports.Reader.book`."""
        return BookRow(*(await self._rows(_BOOK, {"book": self._book}))[0])

    async def journal(self, after: int, limit: int = 100) -> list[JournalRow]:
        """See `book.ports.Reader.journal`."""
        rows = await self._rows(
            _columns(journal, self._book).where(journal.c.last > after).order_by(journal.c.last).limit(limit)
        )
        return [JournalRow(*row) for row in rows]

    async def accounts(self, first: int, last: int, page: Page = Page()) -> list[AccountRow]:
        """See `book.ports.Reader.accounts`."""
        return await self.find(AccountRow, {"id__ge": first, "id__le": last}, page)

    async def account(self, number: int) -> AccountRow | None:
        """See `book.ports.Reader.account`."""
        rows = await self._rows(_columns(accounts, self._book).where(accounts.c.id == number))
        return AccountRow(*rows[0]) if rows else None

    async def legs(
        self, *, first: int = 0, last: int | None = None, account: int | None = None, limit: int = 1000
    ) -> list[LegRow]:
        """See `book.ports.Reader.legs`."""
        query = _columns(legs, self._book).where(legs.c.sequence >= first)
        if last is not None:
            query = query.where(legs.c.sequence <= last)
        if account is not None:
            query = query.where(or_(legs.c.debit == account, legs.c.credit == account))
        rows = await self._rows(query.order_by(legs.c.sequence, legs.c.n).limit(limit))
        return [LegRow(*row) for row in rows]

    async def turnovers(self, first: int, last: int) -> list[Turnover]:
        """See `book.ports.Reader.turnovers`."""
        found: dict[tuple[int, int], Turnover] = {}
        for side, at in ((legs.c.debit, 2), (legs.c.credit, 4)):
            query = select(side, legs.c.code, func.count(), func.sum(legs.c.amount))
            query = query.where(legs.c.book_id == self._book, side >= first, side <= last)
            for account, code, count, amount in await self._rows(query.group_by(side, legs.c.code)):
                row = list(found.get((account, code), (account, code, 0, 0, 0, 0)))
                row[at : at + 2] = int(count), int(amount)
                found[account, code] = Turnover(*row)
        return [found[key] for key in sorted(found)]

    def all_columns(self, table: Table) -> Select[Any]:
        """Returns the query of a table's rows of this book, without the book's number, for `rows`."""
        return _columns(table, self._book)

    def columns(self, table: Table, names: Sequence[str]) -> Select[Any]:
        """Returns the query of some columns of a table's rows of this book, for `rows`."""
        return select(*(table.c[name] for name in names)).where(table.c.book_id == self._book)

    async def rows(self, query: Select[Any]) -> list[Any]:
        """Runs a query of storage's own.

        Raises:
            StorageLost: The database cannot be reached.
        """
        return await self._rows(query)

    async def snapshot(self, name: str) -> tuple[int, list[bytes]] | None:
        """Returns the parts of a projection's kept state and the sequence it stands at, or None."""
        query = self.all_columns(snapshots)
        heads = await self._rows(query.where(snapshots.c.name == name))
        if not heads:
            return None
        sequence = int(heads[0].sequence)
        parts = query.where(snapshots.c.name.like(parts_of(name)), snapshots.c.sequence == sequence)
        rows = await self._rows(parts.order_by(snapshots.c.name))
        # Fewer are left where a newer one took its place meanwhile.
        return (sequence, [bytes(row.body) for row in rows]) if len(rows) == int(heads[0].body) else None

    async def fetch(self, sql: str, *arguments: object) -> list[Any]:
        """Runs one statement of the PostgreSQL store on a pooled connection, committed by itself."""
        try:
            async with self._singles.connect() as connection:
                raw = await connection.get_raw_connection()
                line = raw.driver_connection
                return list(await line.fetch(sql, *arguments))  # type: ignore[union-attr]
        except Exception as error:
            _raise_if_lost(error)
            raise

    async def _by_keys(self, entity: type[Row], keys: Sequence[Key]) -> dict[Key, Row]:
        table = ENTITIES[entity]
        if len(keys) == 1:
            rows = await self._rows(_by_key(table), {"book": self._book, "key": keys[0]})
        else:
            filled = (*keys, *(keys[-1],) * ((1 << (len(keys) - 1).bit_length()) - len(keys)))  # few statements in all
            rows = await self._rows(_columns(table, self._book).where(table.c.id.in_(filled)))
        return {row[0]: _make(entity, row) for row in rows}

    async def _rows(self, query: Select[Any], values: Mapping[str, object] | None = None) -> list[Any]:
        try:
            if self._connection is not None:
                return list((await self._connection.execute(query, values)).all())
            async with self._singles.connect() as connection:
                return list((await connection.execute(query, values)).all())
        except Exception as error:
            _raise_if_lost(error)
            raise


def _raise_if_lost(error: Exception) -> None:
    if is_outage(error):
        raise StorageLost(str(error) or type(error).__name__) from error


@cache
def _by_key(table: Table) -> Select[Any]:
    """Returns the query of one row: built once a table, since building costs as much as running it."""
    return select(*list(table.columns)[1:]).where(table.c.book_id == bindparam("book"), table.c.id == bindparam("key"))


def _columns(table: Table, book: int) -> Select[Any]:
    return select(*list(table.columns)[1:]).where(table.c.book_id == book)


def _make(entity: type[Row], row: Any) -> Row:
    return entity._make(row)  # type: ignore[attr-defined,no-any-return]


def _conditions(table: Table, where: Mapping[str, object]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name, value in where.items():
        field, _, comparison = name.partition("__")
        column = table.c[field]
        if comparison:
            found.append(_COMPARISONS[comparison](column, value))
        elif isinstance(value, list | tuple | set | frozenset):
            found.append(column.in_(list(value)))
        elif value is None:
            found.append(column.is_(None))
        else:
            found.append(column == value)
    return [and_(*found)] if found else []
