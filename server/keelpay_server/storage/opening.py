"""Opening a database: its engine, its tables, its mode for ever, its book.

In: a URL (`sqlite:///path` or `postgresql://...`). Out: a Store ready for the engine.
Invariant: an installation is test or live from its creation on, and refuses to be opened as the other.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from keelpay_server.book.ports import WallClock

from .file_lock import lock_file
from .migrate import Standing, migrate, upgrade
from .outage import reaching
from .postgres import LANE_SETTINGS, SETTINGS, PostgresStore
from .reader import SqlReader
from .schema.book import books, installation
from .sql import COMBINATIONS_MAX
from .sqlite import PRAGMAS, SqliteStore

CONNECT_S_MAX = 5.0
"""How long to wait for a connection: a caller who hears no in time can go on."""


class WrongMode(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The database was created in the other mode (test or live)."""


def connect(url: str, *, pool_size: int = 8, single: bool = False) -> AsyncEngine:
    """Returns SQLAlchemy's engine for a keelpay database URL.

    Args:
        url: Where the database is.
        pool_size: Connections kept open.
        single: Every statement stands alone: none is wrapped in a transaction that only costs round trips.
    """
    parsed = make_url(url)
    alone: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True} if single else {}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), pool_size=pool_size, **alone)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    engine = create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=CONNECT_S_MAX,
        connect_args={"server_settings": SETTINGS, "timeout": CONNECT_S_MAX},
        **alone,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def connect_lane(url: str) -> AsyncEngine:
    """Returns the engine of a lane's one connection to PostgreSQL, which keeps every statement prepared."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={
            "server_settings": LANE_SETTINGS,
            "timeout": CONNECT_S_MAX,
            "statement_cache_size": COMBINATIONS_MAX,
            "max_cacheable_statement_size": 0,
            "max_cached_statement_lifetime": 0,
        },
    )


async def prepare(engine: AsyncEngine, *, mode: str, book: int) -> None:
    """Creates what is missing: tables by migration, the installation's mode, the book.

    Raises:
        WrongMode: The database belongs to an installation of the other mode.
        DatabaseNewer: It was migrated by a newer program.
    """
    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    async with engine.begin() as connection:
        await upgrade(connection)
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
async def open_store(url: str, *, book: int, mode: str, wall: WallClock) -> AsyncIterator[SqliteStore | PostgresStore]:
    """Opens one book of a database, creating what is missing, and closes it at the end.

    Raises:
        FileBusy: Another process has the file.
        WrongMode: The database belongs to an installation of the other mode.
        DatabaseNewer: It was migrated by a newer program.
        StorageLost: The database cannot be reached.
    """
    async with AsyncExitStack() as stack:
        engine, singles = connect(url, pool_size=4), connect(url, single=True)
        stack.push_async_callback(engine.dispose)
        stack.push_async_callback(singles.dispose)
        path = file_of(make_url(url))
        if path is not None:
            stack.enter_context(lock_file(path))
        with reaching(shown(url)):
            await prepare(engine, mode=mode, book=book)
        reader = SqlReader(engine, book, singles=singles)
        store: SqliteStore | PostgresStore
        if path is not None:
            store = SqliteStore(path, book, reader, wall)
        else:
            lane = connect_lane(url)
            stack.push_async_callback(lane.dispose)
            store = PostgresStore(lane, book, reader, wall)
        stack.push_async_callback(store.close)
        yield await store.open()


async def migrate_alone(url: str) -> Standing:
    """Brings a database to the newest step while no server has its file; returns where it stood.

    Raises:
        FileBusy: Another process has the file.
        DatabaseNewer: It was migrated by a newer program.
        StorageLost: The database cannot be reached.
    """
    async with AsyncExitStack() as stack:
        engine = connect(url)
        stack.push_async_callback(engine.dispose)
        path = file_of(make_url(url))
        if path is not None:
            stack.enter_context(lock_file(path))
        with reaching(shown(url)):
            return await migrate(engine)


def shown(url: str) -> str:
    """Returns a database's URL as it may be shown: without its password."""
    return make_url(url).render_as_string(hide_password=True)


def file_of(url: URL) -> Path | None:
    """Returns the file of an SQLite database; None for a server's."""
    return Path(url.database or "keelpay.db") if url.get_backend_name() == "sqlite" else None


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Lets the pool replace connections that the server has closed.

    The driver hears of that by itself, so no round trip is spent on asking, as `pool_pre_ping` would before each read.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
