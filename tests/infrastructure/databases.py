"""Fresh databases for tests, with all tables or none: migrated once a worker, then copied for each test.

In: the PostgreSQL of this worker, a test's folder. Out: URLs. Invariant: nobody else sees a test's database; one with
tables is what the migrations make, and holds no row beyond theirs.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelpay_server.storage.opening import migrate_alone
from tests.infrastructure.postgres import PostgresServer, database_name, in_own_loop


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of the database that those with tables are copies of; nobody stays connected to it."""
    dsn = postgres_server.create_database()
    in_own_loop(migrate_alone(dsn))
    yield database_name(dsn)
    postgres_server.drop_database(dsn)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that those with tables are copies of."""
    file = tmp_path_factory.mktemp("migrated") / "book.sqlite"
    in_own_loop(migrate_alone(f"sqlite:///{file}"))
    return file


@pytest.fixture
def migrated_dsn(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """The DSN (postgresql://...) of a database with all tables that only this test sees."""
    dsn = postgres_server.create_database(migrated_postgres)
    yield dsn
    postgres_server.drop_database(dsn)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "book.sqlite")
        return f"sqlite:///{file}"
    return str(request.getfixturevalue("migrated_dsn"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'book.sqlite'}"
    return str(request.getfixturevalue("postgres_dsn"))
