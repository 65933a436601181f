"""SQLite: one writer thread loads, decides and saves a whole batch; the event loop only hears the result.

In: batches. Out: durable commits (WAL, synchronous=FULL). Invariant: one writer process a file (file_lock), in it one
writer thread.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from keelpay_server.book.batch import Batch
from keelpay_server.book.changes import BUSINESS, WALL, Work
from keelpay_server.book.need import Need
from keelpay_server.book.ports import StorageLost, WallClock
from keelpay_server.book.request import RequestRow
from keelpay_server.book.world import Key, World

from . import snapshots
from .forgetting import sqlite_delete
from .loading import changed, fold, layout, make_world, sorted_keys, take
from .outage import is_outage
from .reader import SqlReader
from .schema import ENTITIES
from .schema.book import books, journal, requests, work
from .sql import Sqlite, fields, truths

Result = TypeVar("Result")
PRAGMAS = (
    "page_size=8192", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=8000", "busy_timeout=5000",
    "cache_size=-65536",
)  # fmt: skip
PARAMETERS_MAX = 8192


class SqliteStore:
    """One book in one file.

    Args:
        path: The database file, locked for this process; its tables exist already.
        book: Book number.
        reader: Reads outside batches.
        wall: Wall clock.
    """

    def __init__(self, path: Path, book: int, reader: SqlReader, wall: WallClock) -> None:
        self._path, self._book, self._wall = path, book, wall
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._line: sqlite3.Connection | None = None

    async def open(self) -> "SqliteStore":
        """Opens the writer's connection.

        Raises:
            StorageLost: The file cannot be used.
        """
        await self._in_thread(self._open)
        return self

    async def close(self) -> None:
        """Closes the writer's connection."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def transact(self, batch: Batch) -> None:
        """See `book.ports.Store.transact`."""
        await self._in_thread(self._transact, batch)

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        """See `book.ports.Store.claim`."""
        return await self._in_thread(self._claim, owner, now_us, lease_us, limit)

    async def renew(self, owner: str, until_us: int, keys: Sequence[bytes]) -> list[bytes]:
        """See `book.ports.Store.renew`."""
        return await self._in_thread(self._renew, owner, until_us, keys)

    async def advance(self, by_us: int) -> int:
        """See `book.ports.Store.advance`."""
        return await self._in_thread(self._advance, by_us)

    async def prune(self, entity: type, keys: Sequence[Key], where: Mapping[str, object]) -> int:
        """See `book.ports.Store.prune`."""
        sql, arguments = sqlite_delete(ENTITIES[entity], keys, where)
        return await self._in_thread(lambda: self._connection.execute(sql, (self._book, *arguments)).rowcount)

    async def save_snapshot(self, name: str, sequence: int, parts: Iterable[bytes]) -> None:
        """Keeps a projection's state as of a sequence; batches come between its parts."""
        await snapshots.save(self._run, self._book, name, sequence, parts)

    async def snapshot_sequence(self, name: str) -> int:
        """Returns the sequence of a projection's kept state, or 0."""
        return await snapshots.kept_sequence(self._run, self._book, name)

    async def _run(self, sql: str, *arguments: object) -> list[Any]:
        """Runs one statement in the writer's thread, committed by itself."""

        def execute() -> list[Any]:
            return self._connection.execute(sql.replace("$", "?"), arguments).fetchall()

        return await self._in_thread(execute)

    async def _in_thread(self, work_: Callable[..., Result], *arguments: Any) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work_, *arguments)
        except sqlite3.Error as error:
            if is_outage(error):
                raise StorageLost(str(error)) from error
            raise

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._line is None:
            raise StorageLost("the file is not open")
        return self._line

    def _open(self) -> None:
        self._line = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in PRAGMAS:
            self._line.execute(f"PRAGMA {pragma}")

    def _close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, whole or not at all."""
        db = self._connection
        if db.in_transaction:  # its roll-back failed
            db.execute("ROLLBACK")
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # a full disk has ended it already
                db.execute("ROLLBACK")
            raise

    def _transact(self, batch: Batch) -> None:
        with self._transaction() as db:
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

    def _entities(self, entity: type, column: str, keys: Sequence[Key]) -> Iterable[Sequence[Any]]:
        rows = self._some(ENTITIES[entity], column, keys)
        places = truths(ENTITIES[entity])
        return (_with_truths(row, places) for row in rows) if places else rows

    def _load(self, world: World, need: Need) -> None:
        for entity, keys in need.rows.items():
            take(world, entity, self._entities(entity, "id", sorted_keys(keys)))
        for (entity, column), values in need.groups.items():
            take(world, entity, self._entities(entity, column, sorted_keys(values)))
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
        # Without an event too: what was decided at a business time stands, so the clock never goes back behind it.
        db.execute(Sqlite.BOOK, (world.sequence, plan.link, world.business_us, world.next_owner, book))

    def _claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        db = self._connection
        row = db.execute(Sqlite.LOCK, (self._book,)).fetchone()
        business = max(row[3], now_us + row[2])
        # A lease from the future is from before the wall clock went back: it would keep work from everybody.
        found = db.execute(
            f"SELECT {', '.join(fields(work))} FROM {work.name} WHERE book_id = ?1 "
            "AND (lease_until_us <= ?2 OR lease_until_us > ?5) "
            f"AND ((clock = {WALL} AND due_time <= ?2) OR (clock = {BUSINESS} AND due_time <= ?3)) "
            "ORDER BY due_time LIMIT ?4",
            (self._book, now_us, business, limit, now_us + 2 * lease_us),
        ).fetchall()
        tasks = [Work(*r)._replace(lease_owner=owner, lease_until_us=now_us + lease_us) for r in found]
        if tasks:
            with self._transaction():
                db.executemany(
                    f"UPDATE {work.name} SET lease_owner = ?, lease_until_us = ? WHERE book_id = ? AND id = ?",
                    [(owner, now_us + lease_us, self._book, task.id) for task in tasks],
                )
        return tasks

    def _renew(self, owner: str, until_us: int, keys: Sequence[bytes]) -> list[bytes]:
        mine = [task.id for task in map(Work._make, self._some(work, "id", keys)) if task.lease_owner == owner]
        if mine:
            with self._transaction() as db:
                db.executemany(
                    f"UPDATE {work.name} SET lease_until_us = ? WHERE book_id = ? AND id = ?",
                    [(until_us, self._book, key) for key in mine],
                )
        return mine

    def _advance(self, by_us: int) -> int:
        db, now = self._connection, self._wall()
        db.execute(
            f"UPDATE {books.name} SET offset_us = offset_us + ?1, business_us = max(business_us, ?2 + offset_us + ?1) "
            "WHERE book_id = ?3",
            (by_us, now, self._book),
        )
        return int(db.execute(f"SELECT business_us FROM {books.name} WHERE book_id = ?", (self._book,)).fetchone()[0])


def _with_truths(row: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    """Returns a row with yes and no for 1 and 0, as PostgreSQL gives it: a decision sees the same on both."""
    found = list(row)
    for at in places:
        if found[at] is not None:
            found[at] = bool(found[at])
    return found
