"""Which errors are the database's trouble: they are tried again; whatever a command can cause is isolated."""

import sqlite3

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from keelpay_server.storage.outage import is_outage

AWAY = [
    ConnectionRefusedError(), ConnectionResetError(), TimeoutError(), PoolExhausted("pool"),
    asyncpg.ConnectionDoesNotExistError(), asyncpg.InterfaceError("connection is closed"),
    asyncpg.AdminShutdownError(), asyncpg.CrashShutdownError(), asyncpg.CannotConnectNowError(),
    asyncpg.TooManyConnectionsError(), asyncpg.DiskFullError(), asyncpg.OutOfMemoryError(),
    asyncpg.ReadOnlySQLTransactionError(), asyncpg.IdleInTransactionSessionTimeoutError(),
    asyncpg.DeadlockDetectedError(), asyncpg.SerializationError(), asyncpg.LockNotAvailableError(),
    asyncpg.QueryCanceledError(), asyncpg.PostgresIOError(), asyncpg.DataCorruptedError(),
    asyncpg.InvalidCachedStatementError(), asyncpg.InternalClientError("protocol"),
]  # fmt: skip
BLAME = [
    asyncpg.UniqueViolationError(), asyncpg.CheckViolationError(), asyncpg.NotNullViolationError(),
    asyncpg.NumericValueOutOfRangeError(), asyncpg.CharacterNotInRepertoireError(), asyncpg.DataError("argument"),
    asyncpg.UndefinedColumnError(), asyncpg.PostgresSyntaxError(),
    sqlite3.ProgrammingError("closed"), OverflowError(), LookupError(), ValueError(), ZeroDivisionError(),
]  # fmt: skip


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_trouble_of_the_database_is_an_outage(error):
    assert is_outage(error)
    assert is_outage(OperationalError("text", {}, error))


@pytest.mark.parametrize("error", BLAME, ids=lambda error: type(error).__name__)
def test_what_a_command_can_cause_is_none(error):
    assert not is_outage(error)
    assert not is_outage(IntegrityError("text", {}, error))


def test_a_connection_that_the_pool_gave_up_is_an_outage():
    assert is_outage(OperationalError("text", {}, RuntimeError(), connection_invalidated=True))


def raised(connection, statement, *parameters):
    with pytest.raises(sqlite3.Error) as error:
        connection.execute(statement, *parameters)
    return error.value


def test_sqlite_in_trouble_and_wrong_statements_are_told_apart(tmp_path):
    path = tmp_path / "file"
    with sqlite3.connect(path, isolation_level=None) as db, sqlite3.connect(path, timeout=0) as other:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB NOT NULL CHECK (length(body) > 1)) STRICT")
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        assert is_outage(raised(db, "INSERT INTO t VALUES (1, zeroblob(100000))"))  # full
        db.execute("BEGIN IMMEDIATE")
        assert is_outage(raised(other, "DELETE FROM t"))  # locked
        db.execute("ROLLBACK")
        assert not is_outage(raised(db, "SELECT nothing FROM t"))
        assert not is_outage(raised(db, "INSERT INTO t VALUES (1, x'00')"))
        assert not is_outage(raised(db, "INSERT INTO t VALUES (1, NULL)"))
        assert not is_outage(raised(db, "INSERT INTO t VALUES ('one', x'0000')"))
    db.close()
    other.close()
    read_only = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert is_outage(raised(read_only, "DELETE FROM t"))
    read_only.close()
    missing = None
    with pytest.raises(sqlite3.OperationalError) as error:
        missing = sqlite3.connect(tmp_path / "no" / "such" / "folder")
    assert missing is None
    assert is_outage(error.value)
    (tmp_path / "text").write_text("no database " * 100)
    damaged = sqlite3.connect(tmp_path / "text")
    assert is_outage(raised(damaged, "SELECT * FROM t"))
    damaged.close()
