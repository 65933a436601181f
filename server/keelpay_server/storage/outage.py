"""Which errors mean that the database is away or in trouble, and not that a command was wrong.

In: an exception of a driver or of SQLAlchemy. Out: whether the same batch may be tried again later.
Invariant: what one command can cause (a value that does not fit, a broken constraint) is no outage: it is isolated.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from keelpay_server.book.ports import StorageLost

_GONE: Final = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.InvalidCachedStatementError,
                PoolExhausted)  # fmt: skip
"""The way to the server broke, or the connection knows too little of a database that was migrated meanwhile."""
_STATES: Final = frozenset({"08", "25", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE (PostgreSQL, appendix A): connection, transaction state (a read-only standby, a session ended for
idling), rollback (deadlock), resources (disk full), object state (lock), operator, system.
"""
_UNKNOWN: Final = frozenset({"28", "3D"})
"""While a database is opened, these are no outage but a wrong URL: who asks, which database."""
_FORBIDDEN: Final = "42501"
_DAMAGED: Final = frozenset({"XX001", "XX002"})
_RESULTS: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOTADB,
    }
)  # fmt: skip
"""Primary result codes of SQLite (https://sqlite.org/rescode.html); SQLITE_ERROR is a wrong statement."""


def is_outage(error: BaseException) -> bool:
    """Tells whether the database, not what was asked of it, is the trouble."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_outage(error.orig))
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _RESULTS  # the low byte of an extended code
    if isinstance(error, _GONE):
        return True
    state = getattr(error, "sqlstate", None) or ""
    return state[:2] in _STATES or state in _DAMAGED


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Tells in one sentence that a database cannot be used, while it is opened.

    Args:
        what: The database as people know it, without its password.

    Raises:
        StorageLost: It cannot be reached, knows neither the user nor the database, or is no database.
    """
    try:
        yield
    except Exception as error:
        inner = getattr(error, "orig", None) or error
        state = getattr(inner, "sqlstate", None) or ""
        if is_outage(error) or state[:2] in _UNKNOWN or state == _FORBIDDEN:
            raise StorageLost(f"cannot use {what}: {inner}") from error
        raise
