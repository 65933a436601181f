"""Opening a database: its engine, its tables, its mode for ever, its book.

In: a URL (`sqlite:///path` or `postgresql://...`). Out: a Store ready for the engine.
Invariant: an installation is test or live from its creation on, and refuses to be opened as the other.
"""
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from keelpay_server.book.ports import WallClock

from .postgres import SETTINGS, PostgresStore
from .reader import SqlReader
from .schema import metadata
from .schema.book import books, installation
from .sqlite import PRAGMAS, SqliteStore


class WrongMode(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The database was created in the other mode (test or live)."""


def connect(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """Returns SQLAlchemy's engine for a keelpay database URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), pool_size=pool_size)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    return create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={"server_settings": SETTINGS},
    )


async def prepare(engine: AsyncEngine, *, mode: str, book: int) -> None:
    """Creates what is missing: tables, the installation's mode, the book.

    Raises:
        WrongMode: The database belongs to an installation of the other mode.
    """
    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(installation).values(id="mode", value=mode).on_conflict_do_nothing())
        await connection.execute(
            insert(books)
            .values(book_id=book, sequence=0, head=b"", offset_us=0, business_us=0, next_owner=1)
            .on_conflict_do_nothing()
        )
        kept = (await connection.execute(select(installation.c.value).where(installation.c.id == "mode"))).scalar_one()
    if kept != mode:
        raise WrongMode(f"this database is a {kept} installation; it cannot be opened as {mode}")


@asynccontextmanager
async def open_store(
    url: str, *, book: int, mode: str, wall: WallClock
) -> AsyncIterator[SqliteStore | PostgresStore]:
    """Opens one book of a database, creating what is missing, and closes it at the end."""
    engine = connect(url)
    try:
        await prepare(engine, mode=mode, book=book)
        reader = SqlReader(engine, book)
        store = _store(engine, make_url(url), book, reader, wall)
        await store.open()
        try:
            yield store
        finally:
            await store.close()
    finally:
        await engine.dispose()


def _store(
    engine: AsyncEngine, url: URL, book: int, reader: SqlReader, wall: WallClock
) -> SqliteStore | PostgresStore:
    if url.get_backend_name() == "sqlite":
        return SqliteStore(Path(url.database or "keelpay.db"), book, reader, wall)
    return PostgresStore(engine, book, reader, wall)


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
