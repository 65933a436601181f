"""The sandbox bank's own SQLite file: operations by key, entries of the account, closed statements, its clock.

In: rows. Out: rows. Invariant: one writer; a transaction is on disk (WAL, synchronous=FULL) before anybody is
answered, so kill -9 of the bank loses nothing that it said.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from .challenge import Asked
from .operation import Operation

NEVER_DAY: Final = 0
_BUSY_S: Final = 1.0
"""How long another process may take to let go of the file."""
_PRIMARY: Final = 0xFF
"""Of SQLite's extended result codes."""

_SCHEMA: Final = """
create table if not exists operation (
  key blob primary key, kind integer not null, body blob not null, original_key blob not null,
  amount_minor integer not null, currency text not null, scenario text not null, capture integer not null,
  outcome integer not null, code text not null, cost_minor integer not null, captured_minor integer not null,
  released_minor integer not null, refunded_minor integer not null, challenge integer not null,
  create_us integer not null, decide_us integer not null, value_day integer not null, due_us integer not null,
  due_outcome integer not null, due_code text not null) without rowid;
create index if not exists operation_due on operation (due_us) where due_us > 0;
create table if not exists entry (
  natural_key text primary key, posted integer not null, currency text not null, day integer not null,
  kind integer not null, amount_minor integer not null, operation_key blob not null, bank_reference text not null,
  text text not null) without rowid;
create index if not exists entry_day on entry (currency, day, posted);
create table if not exists account (
  currency text primary key, balance_minor integer not null, stated_minor integer not null, number integer not null);
create table if not exists statement (
  currency text not null, day integer not null, number integer not null, opening_minor integer not null,
  closing_minor integer not null, line_count integer not null, primary key (currency, day));
create table if not exists notice (
  id blob primary key, create_us integer not null, operation_key blob not null, day integer not null,
  currency text not null);
create table if not exists challenge (
  operation_key blob primary key, payee text not null, return_uri text not null, answer_id text not null) without rowid;
create table if not exists secret (one integer primary key check (one = 1), value blob not null);
create table if not exists clock (one integer primary key check (one = 1), offset_us integer, day integer);
"""
_SAVE: Final = "insert or replace into operation values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_SECRET_BYTES: Final = 32
_POST: Final = "insert into entry values (?,?,?,?,?,?,?,?,?)"


class Entry(NamedTuple):
    """One movement of our account, before and after it stands on a statement.

    Attributes:
        natural_key: Names it for ever.
        posted: Order of posting; lines are numbered in it.
        currency: Of the account.
        day: Ordinal of the business day whose statement carries it; NEVER_DAY: none does.
        kind: Number of the StatementLineKind.
        amount_minor: Signed.
        operation_key: What caused it, or empty.
        bank_reference: The bank's number of that, or empty.
        text: For a human.
    """

    natural_key: str
    posted: int
    currency: str
    day: int
    kind: int
    amount_minor: int
    operation_key: bytes
    bank_reference: str
    text: str


class Account(NamedTuple):
    """Our account in one currency: what is on it, what the last statement said, and that statement's number."""

    currency: str
    balance_minor: int
    stated_minor: int
    number: int


class ClosedDay(NamedTuple):
    """The head of a closed statement."""

    currency: str
    day: int
    number: int
    opening_minor: int
    closing_minor: int
    line_count: int


class Notice(NamedTuple):
    """News that keelpay was not told yet: of an operation, or (operation_key empty) of a closed day."""

    id: bytes
    create_us: int
    operation_key: bytes
    day: int
    currency: str


class BankFileError(Exception):
    """The file of a sandbox bank cannot be used; the text says which and why."""


class BankFileBusy(BankFileError):  # noqa: N818  (told to the person at the keyboard)
    """Another process has it."""


class BankStore:
    """The file.

    Args:
        path: Where it is; None keeps everything in memory.

    Raises:
        BankFileBusy: Another process has it.
        BankFileError: It is no database, or it cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.durable = path is not None
        try:
            self._db = sqlite3.connect(
                path or ":memory:", timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._posted = self._begin()
        except sqlite3.Error as error:
            raise _told(path, error) from error

    def _begin(self) -> int:
        """Makes the file ours alone and whole, with a secret of its own; returns the number of the last entry."""
        # Before anything else: a file in WAL that is opened first and locked then lets two begin.
        self._db.execute("pragma locking_mode=exclusive")
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.executescript(_SCHEMA)
        self._db.execute("insert or ignore into secret values (1, ?)", (secrets.token_bytes(_SECRET_BYTES),))
        self.secret = bytes(self._db.execute("select value from secret").fetchone()[0])
        return int(self._db.execute("select coalesce(max(posted), 0) from entry").fetchone()[0])

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing is."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def load(self, keys: Iterable[bytes]) -> dict[bytes, Operation]:
        """Returns those of the operations that exist, by key."""
        found: dict[bytes, Operation] = {}
        execute = self._db.execute
        for key in keys:
            row = execute("select * from operation where key = ?", (key,)).fetchone()
            if row is not None:
                found[key] = Operation._make(row)
        return found

    def load_due(self, until_us: int) -> list[Operation]:
        """Returns the operations whose next decision is due, the oldest first."""
        rows = self._db.execute(
            "select * from operation where due_us > 0 and due_us <= ? order by due_us, key", (until_us,)
        )
        return [Operation._make(row) for row in rows]

    def save(self, rows: Iterable[Operation]) -> None:
        """Writes new and changed operations."""
        self._db.executemany(_SAVE, rows)

    def save_asked(self, asked: Iterable[Asked]) -> None:
        """Writes what redirected payers are asked."""
        self._db.executemany("insert or replace into challenge values (?,?,?,?)", asked)

    def asked(self, key: bytes) -> Asked | None:
        """Returns what a redirected payer is asked of an operation."""
        row = self._db.execute("select * from challenge where operation_key = ?", (key,)).fetchone()
        return Asked._make(row) if row else None

    def next_posted(self) -> int:
        """Returns the next number in the order of posting."""
        self._posted += 1
        return int(self._posted)

    def post(self, entries: Iterable[Entry]) -> None:
        """Writes new entries."""
        self._db.executemany(_POST, entries)

    def entry_of(self, natural_key: str) -> Entry | None:
        """Returns an entry, if it exists."""
        row = self._db.execute("select * from entry where natural_key = ?", (natural_key,)).fetchone()
        return Entry._make(row) if row else None

    def rebook(self, natural_key: str, day: int, amount_minor: int) -> None:
        """Puts an entry on another day's statement, or on none, or with another amount."""
        self._db.execute(
            "update entry set day = ?, amount_minor = ? where natural_key = ?", (day, amount_minor, natural_key)
        )

    def lines_of(self, currency: str, day: int) -> list[Entry]:
        """Returns the entries of one statement, in the order of their line numbers."""
        rows = self._db.execute("select * from entry where currency = ? and day = ? order by posted", (currency, day))
        return [Entry._make(row) for row in rows]

    def accounts(self) -> list[Account]:
        """Returns all accounts."""
        return [Account._make(row) for row in self._db.execute("select * from account order by currency")]

    def save_accounts(self, accounts: Iterable[Account]) -> None:
        """Writes accounts."""
        self._db.executemany("insert or replace into account values (?,?,?,?)", accounts)

    def close_day(self, day: ClosedDay) -> None:
        """Writes the head of a statement."""
        self._db.execute("insert into statement values (?,?,?,?,?,?)", day)

    def closed_day(self, currency: str, day: int) -> ClosedDay | None:
        """Returns the head of a statement, if the day was closed."""
        row = self._db.execute("select * from statement where currency = ? and day = ?", (currency, day)).fetchone()
        return ClosedDay._make(row) if row else None

    def clock(self) -> tuple[int, int] | None:
        """Returns the offset of the bank's clock in microseconds and the ordinal of the open day."""
        row = self._db.execute("select offset_us, day from clock").fetchone()
        return (row[0], row[1]) if row else None

    def set_clock(self, offset_us: int, day: int) -> None:
        """Writes the clock."""
        self._db.execute("insert or replace into clock values (1, ?, ?)", (offset_us, day))

    def add_notices(self, notices: Iterable[Notice]) -> None:
        """Writes news to tell."""
        self._db.executemany("insert or ignore into notice values (?,?,?,?,?)", notices)

    def notices(self, items_max: int) -> list[Notice]:
        """Returns the oldest news to tell."""
        rows = self._db.execute("select * from notice order by create_us, id limit ?", (items_max,))
        return [Notice._make(row) for row in rows]

    def drop_notice(self, notice_id: bytes) -> None:
        """Forgets news that was told."""
        self._db.execute("delete from notice where id = ?", (notice_id,))


def _told(path: Path | None, error: sqlite3.Error) -> BankFileError:
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return BankFileBusy(f"the sandbox bank's file {path} is open in another process; a bank has one")
    return BankFileError(f"the sandbox bank's file {path} cannot be used: {error}")
