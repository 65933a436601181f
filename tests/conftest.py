"""What every suite may use: a real PostgreSQL, started once a worker, and a fresh database a test.

Property tests have no deadline an example: the machine is shared, and a slow example is no wrong one.
"""

from collections.abc import Iterator

import hypothesis
import pytest

from tests.infrastructure.books import open_book
from tests.infrastructure.chromium import browser_context, chromium
from tests.infrastructure.databases import (
    database_url,
    empty_database_url,
    migrated_dsn,
    migrated_postgres,
    migrated_sqlite,
)
from tests.infrastructure.missing import missing
from tests.infrastructure.postgres import PostgresServer
from tests.infrastructure.postgres_installation import PostgresMissingError

__all__ = [
    "browser_context", "chromium", "database_url", "empty_database_url", "migrated_dsn", "migrated_postgres",
    "migrated_sqlite", "open_book",
]  # fmt: skip

hypothesis.settings.register_profile("shared-machine", deadline=None)
hypothesis.settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One running server for all tests of this worker; where CI is set, a missing one is a failure."""
    server = PostgresServer()
    try:
        server.__enter__()
    except PostgresMissingError as error:
        missing(str(error))
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """The DSN (postgresql://...) of an empty database that only this test sees."""
    dsn = postgres_server.create_database()
    yield dsn
    postgres_server.drop_database(dsn)
