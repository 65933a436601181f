"""Reading a book that another process may be serving: nothing is locked, nothing is created, nothing is changed.

In: a database URL. Out: a reader of one book. Invariant: the connections refuse every write.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from .migrate import Standing, standing
from .opening import connect, file_of, shown
from .outage import reaching
from .reader import SqlReader
from .schema.book import books


class BookMissing(Exception):  # noqa: N818  (told to the person at the keyboard)
    """There is no such database, or it has no such book or not all of its tables."""


@asynccontextmanager
async def open_engine_for_reading(url: str) -> AsyncIterator[AsyncEngine]:
    """Gives SQLAlchemy's engine of a database that exists.

    Raises:
        BookMissing: There is no such file.
        StorageLost: The database cannot be reached.
    """
    path = file_of(make_url(url))
    if path is not None and not path.exists():
        raise BookMissing(f"there is no database at {path}")
    engine = connect(url, pool_size=1)
    if path is not None:
        event.listen(engine.sync_engine, "connect", _refuse_writes_of_a_file)
    else:
        event.listen(engine.sync_engine, "do_connect", _refuse_writes_of_a_server)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_for_reading(url: str, book: int) -> AsyncIterator[SqlReader]:
    """Gives a reader of one book.

    Raises:
        BookMissing: The database, some of its tables or the book is missing.
        DatabaseNewer: It was migrated by a newer program.
        StorageLost: The database cannot be reached.
    """
    async with open_engine_for_reading(url) as engine:
        with reaching(shown(url)):
            found = await standing(engine)
            if found.waiting:
                stands = "is empty" if found.step is None else f"is at step {found.step}, not at {found.newest}"
                raise BookMissing(f"{shown(url)} {stands}")
            async with engine.connect() as connection:
                number = (await connection.execute(select(books.c.book_id).where(books.c.book_id == book))).scalar()
        if number is None:
            raise BookMissing(f"{shown(url)} has no book {book}")
        yield SqlReader(engine, book)


async def read_standing(url: str) -> Standing:
    """Returns where the tables of a database stand.

    Raises:
        BookMissing: There is no such file.
        DatabaseNewer: It was migrated by a newer program.
        StorageLost: The database cannot be reached.
    """
    async with open_engine_for_reading(url) as engine:
        with reaching(shown(url)):
            return await standing(engine)


def _refuse_writes_of_a_file(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _refuse_writes_of_a_server(_dialect: Any, _record: Any, _arguments: Any, settings: dict[str, Any]) -> None:
    settings["server_settings"] = {**settings["server_settings"], "default_transaction_read_only": "on"}
