"""Open books for tests: a real store on either database, with an engine on it.

In: a database URL. Out: engines, opened and closed in order. Invariant: the wall clock is real unless a test hands one.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from keelpay_server.book.engine import Engine
from keelpay_server.book.lease import LEASE_US
from keelpay_server.book.ports import WallClock
from keelpay_server.book.projection import Projection
from keelpay_server.book.reaction import Reactions
from keelpay_server.book.worker import Handler
from keelpay_server.storage.opening import connect, open_store
from keelpay_server.storage.schema import metadata


def wall_us() -> int:
    """The real clock, microseconds."""
    return time.time_ns() // 1000


@asynccontextmanager
async def open_engine(
    url: str,
    *,
    process: str = "test-process",
    wall: WallClock = wall_us,
    reactions: Reactions | None = None,
    projection: Projection | None = None,
    handlers: Mapping[str, Handler] | None = None,
    lease_us: int = LEASE_US,
) -> AsyncIterator[Engine]:
    """An engine on book 1 of a database, which is created if it is new."""
    async with open_store(url, book=1, mode="test", wall=wall) as store:
        await create_test_tables(url)
        engine = Engine(
            1, store, wall=wall, process=process, reactions=reactions or {}, projection=projection, lease_us=lease_us
        )
        engine.start(handlers or {})
        try:
            yield engine
        finally:
            await engine.close()


async def create_test_tables(url: str) -> None:
    """Creates the tables that tests have declared beside the product's, which its migrations know nothing of."""
    own = [table for table in metadata.tables.values() if table.name.startswith("test_")]
    if own:
        engine = connect(url)
        try:
            async with engine.begin() as connection:
                if engine.dialect.name == "postgresql":  # processes may start together
                    await connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
                await connection.run_sync(lambda plain: metadata.create_all(plain, tables=own))
        finally:
            await engine.dispose()


@pytest.fixture
async def open_book(database_url: str) -> AsyncIterator[Engine]:
    """An engine on a fresh book, on either database."""
    async with open_engine(database_url) as engine:
        yield engine
