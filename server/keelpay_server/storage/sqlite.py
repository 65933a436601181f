"""SQLite: one writer thread loads, decides and saves a whole batch; the event loop only hears the result.

In: batches. Out: durable commits (WAL, synchronous=FULL). Invariant: one writer process a file, held by a lock file.
"""
import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from collections.abc import Callable

from keelpay_server.book.batch import Batch
from keelpay_server.book.changes import BUSINESS, WALL, Work
from keelpay_server.book.need import Need
from keelpay_server.book.ports import StorageLost, WallClock
from keelpay_server.book.request import RequestRow
from keelpay_server.book.world import Key, World

from .loading import changed, fold, layout, make_world, sorted_keys, take
from .reader import SqlReader
from .schema import ENTITIES
from .schema.book import books, journal, requests, work
from .sql import Sqlite, fields

Result = TypeVar("Result")
PRAGMAS = (
    "page_size=8192", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=8000", "busy_timeout=5000",
    "cache_size=-65536",
)  # fmt: skip
PARAMETERS_MAX = 8192


class FileBusy(Exception):  # noqa: N818  (told to the person at the keyboard)
    """Another process has this database file open for writing."""


class SqliteStore:
    """One book in one file.

    Args:
        path: The database file; its tables exist already.
        book: Book number.
        reader: Reads outside batches.
        wall: Wall clock.
    """

    def __init__(self, path: Path, book: int, reader: SqlReader, wall: WallClock) -> None:
        self._path, self._book, self._wall = path, book, wall
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._lock_file: int | None = None
        self._connection: sqlite3.Connection

    async def open(self) -> "SqliteStore":
        """Takes the file for this process.

        Raises:
            FileBusy: Another process has it.
        """
        await self._in_thread(self._open)
        return self

    async def close(self) -> None:
        """Gives the file back."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def transact(self, batch: Batch) -> None:
        """See `book.ports.Store.transact`."""
        try:
            await self._in_thread(self._transact, batch)
        except sqlite3.OperationalError as error:
            raise StorageLost(str(error)) from error

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        """See `book.ports.Store.claim`."""
        try:
            return await self._in_thread(self._claim, owner, now_us, lease_us, limit)
        except sqlite3.OperationalError as error:
            raise StorageLost(str(error)) from error

    async def advance(self, by_us: int) -> int:
        """See `book.ports.Store.advance`."""
        return await self._in_thread(self._advance, by_us)

    async def save_snapshot(self, name: str, sequence: int, body: bytes) -> None:
        """Keeps a projection's state as of a sequence."""

        def save() -> None:
            self._connection.execute(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?) ON CONFLICT (book_id, name) DO UPDATE SET "
                "sequence = excluded.sequence, body = excluded.body WHERE excluded.sequence > snapshots.sequence",
                (self._book, name, sequence, body),
            )

        await self._in_thread(save)

    async def _in_thread(self, work_: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work_, *arguments)

    def _open(self) -> None:
        self._lock_file = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock_file)
            self._lock_file = None
            raise FileBusy(f"{self._path} is open in another process") from error
        self._connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")

    def _close(self) -> None:
        if self._lock_file is not None:
            self._connection.close()
            os.close(self._lock_file)
            self._lock_file = None

    def _transact(self, batch: Batch) -> None:
        db = self._connection
        db.execute("BEGIN IMMEDIATE")
        try:
            row = db.execute(Sqlite.LOCK, (self._book,)).fetchone()
            world = make_world(self._book, row, self._wall())
            if batch.projection is not None and batch.projection.sequence < world.sequence:
                self._catch_up(batch, world.sequence)
            if keys := batch.request_keys():
                world.requests = {r[0]: RequestRow._make(r) for r in self._some(requests, "id", sorted(keys))}
            for need in batch.rounds(world):
                self._load(world, need)
            batch.decide(world)
            if changed(world):
                self._save(world)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        batch.committed()

    def _catch_up(self, batch: Batch, sequence: int) -> None:
        projection = batch.projection
        while projection is not None and projection.sequence < sequence:
            rows = self._connection.execute(
                f"SELECT first, last, wall_time, business_time, body FROM {journal.name} "
                "WHERE book_id = ? AND last > ? ORDER BY last LIMIT 500",
                (self._book, projection.sequence),
            ).fetchall()
            fold(projection, rows)

    def _some(self, table: Any, column: str, keys: Sequence[Key]) -> Iterable[Sequence[Any]]:
        """Yields rows by key; the list is padded to a power of two, so that a few statements serve every size."""
        for at in range(0, len(keys), PARAMETERS_MAX):
            part = keys[at : at + PARAMETERS_MAX]
            size = 1 << (len(part) - 1).bit_length()
            padding = (part[-1],) * (size - len(part))
            yield from self._connection.execute(Sqlite.load(table, column, size), (self._book, *part, *padding))

    def _load(self, world: World, need: Need) -> None:
        for entity, keys in need.rows.items():
            take(world, entity, self._some(ENTITIES[entity], "id", sorted_keys(keys)))
        for (entity, column), values in need.groups.items():
            take(world, entity, self._some(ENTITIES[entity], column, sorted_keys(values)))
        numbers = sorted(need.accounts - world.room.keys())
        for at in range(0, len(numbers), PARAMETERS_MAX):
            part = numbers[at : at + PARAMETERS_MAX]
            size = 1 << (len(part) - 1).bit_length()
            padding = (part[-1],) * (size - len(part))
            world.room.update(self._connection.execute(Sqlite.headroom(size), (self._book, *part, *padding)))

    def _save(self, world: World) -> None:
        db, book = self._connection, self._book
        plan = layout(world)
        if world.new_requests:
            db.executemany(Sqlite.REQUESTS, [(book, *row) for row in sorted(world.new_requests)])
        for table, rows in plan.inserts:
            db.executemany(Sqlite.insert(table), [(book, *row) for row in rows])
        for table, rows in plan.updates:
            db.executemany(Sqlite.update(table), [(book, *row) for row in rows])
        if world.done:
            db.executemany(Sqlite.DONE, [(book, key) for key in sorted(world.done)])
        if plan.opened:
            db.executemany(Sqlite.OPEN, [(book, *row) for row in plan.opened])
        if plan.moved:
            count = db.executemany(Sqlite.MOVE, [(book, *row) for row in plan.moved]).rowcount
            if count != len(plan.moved):
                raise LookupError(f"{len(plan.moved) - count} accounts of this batch were never opened")
        if world.legs:
            db.executemany(Sqlite.LEGS, [(book, *leg) for leg in world.legs])
        if plan.body is not None:
            times = (world.wall_us, world.business_us)
            db.execute(Sqlite.JOURNAL, (book, world.first, world.sequence, *times, plan.body, plan.link))
            db.execute(Sqlite.BOOK, (world.sequence, plan.link, world.business_us, world.next_owner, book))

    def _claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        db = self._connection
        row = db.execute(Sqlite.LOCK, (self._book,)).fetchone()
        business = max(row[3], now_us + row[2])
        found = db.execute(
            f"SELECT {', '.join(fields(work))} FROM {work.name} WHERE book_id = ?1 AND lease_until_us <= ?2 AND "
            f"((clock = {WALL} AND due_time <= ?2) OR (clock = {BUSINESS} AND due_time <= ?3)) ORDER BY due_time LIMIT ?4",
            (self._book, now_us, business, limit),
        ).fetchall()
        tasks = [Work(*r)._replace(lease_owner=owner, lease_until_us=now_us + lease_us) for r in found]
        if tasks:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                f"UPDATE {work.name} SET lease_owner = ?, lease_until_us = ? WHERE book_id = ? AND id = ?",
                [(owner, now_us + lease_us, self._book, task.id) for task in tasks],
            )
            db.execute("COMMIT")
        return tasks

    def _advance(self, by_us: int) -> int:
        db, now = self._connection, self._wall()
        db.execute(
            f"UPDATE {books.name} SET offset_us = offset_us + ?1, business_us = max(business_us, ?2 + offset_us + ?1) "
            "WHERE book_id = ?3",
            (by_us, now, self._book),
        )
        return int(db.execute(f"SELECT business_us FROM {books.name} WHERE book_id = ?", (self._book,)).fetchone()[0])
