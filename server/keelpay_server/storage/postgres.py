"""PostgreSQL: lock the book, load, decide, save as one statement, commit. Any number of processes may do so.

In: batches. Out: durable commits. Invariant: the book's row lock is the only lock a batch waits for; what is read
after it is current, because each later statement takes its snapshot after the lock was won.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from keelpay_server.book.batch import Batch
from keelpay_server.book.changes import BUSINESS, WALL, Work
from keelpay_server.book.need import Need
from keelpay_server.book.ports import StorageLost, WallClock
from keelpay_server.book.request import RequestRow
from keelpay_server.book.world import Key, World

from . import snapshots
from .forgetting import postgres_delete
from .loading import changed, fold, layout, make_world, sorted_keys, take
from .outage import is_outage
from .reader import SqlReader
from .schema import ENTITIES
from .schema.book import books, work
from .sql import Postgres, combined, fields

SETTINGS: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
LANE_SETTINGS: Final = {**SETTINGS, "idle_in_transaction_session_timeout": "10s"}
"""A process that freezes while it holds the book's lock must not keep the others out for long."""
BATCH_S_MAX: Final = 20.0
"""How long a batch may take, the wait for the lock included, before its connection counts as lost."""


class PostgresStore:
    """One book in a PostgreSQL database.

    Args:
        engine: SQLAlchemy's engine without a pool: the lane's one connection is never kept waiting by reads.
        book: Book number.
        reader: Reads outside batches.
        wall: Wall clock.
    """

    def __init__(self, engine: AsyncEngine, book: int, reader: SqlReader, wall: WallClock) -> None:
        self._engine, self._book, self._wall = engine, book, wall
        self.reader = reader
        self._held: Any = None
        self._line: asyncpg.Connection[Any] | None = None

    async def open(self) -> "PostgresStore":
        """Connects the lane.

        Raises:
            StorageLost: The database cannot be reached.
        """
        await self._connect()
        return self

    async def close(self) -> None:
        """Gives the lane's connection back."""
        self._drop()

    async def transact(self, batch: Batch) -> None:
        """See `book.ports.Store.transact`."""
        line = await self._connect()
        try:
            async with asyncio.timeout(BATCH_S_MAX):
                await self._commit(line, batch)
        except Exception as error:
            if line.is_closed() or is_outage(error):
                self._drop()
                raise StorageLost(str(error) or type(error).__name__) from error
            await self._roll_back(line)
            raise
        except BaseException:  # cancelled: the server rolls back what it sees the end of the connection of
            self._drop()
            raise
        batch.committed()

    async def _commit(self, line: "asyncpg.Connection[Any]", batch: Batch) -> None:
        await line.execute(Postgres.lock(self._book))
        world = await self._load(line, batch)
        batch.decide(world)
        if changed(world):
            await self._save(line, world)
        # A failed transaction answers COMMIT with ROLLBACK and no error.
        if await line.execute("COMMIT") != "COMMIT":
            raise AssertionError("the transaction was rolled back at its commit")

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        """See `book.ports.Store.claim`. Rows that another process is claiming are skipped, not waited for."""
        sql = (
            f"WITH due AS (SELECT w.id FROM {work.name} w JOIN {books.name} b ON b.book_id = w.book_id "
            "WHERE w.book_id = $1 AND (w.lease_until_us <= $2 OR w.lease_until_us > $6) AND "
            f"((w.clock = {WALL} AND w.due_time <= $2) OR "
            f"(w.clock = {BUSINESS} AND w.due_time <= greatest(b.business_us, $2 + b.offset_us))) "
            "ORDER BY w.due_time LIMIT $3 FOR NO KEY UPDATE OF w SKIP LOCKED) "
            f"UPDATE {work.name} w SET lease_owner = $4, lease_until_us = $5 FROM due "
            f"WHERE w.book_id = $1 AND w.id = due.id RETURNING {', '.join('w.' + name for name in fields(work))}"
        )
        # A lease from the future is from before the wall clock went back: it would keep work from everybody.
        rows = await self.reader.fetch(sql, self._book, now_us, limit, owner, now_us + lease_us, now_us + 2 * lease_us)
        return [Work(*row) for row in rows]

    async def renew(self, owner: str, until_us: int, keys: Sequence[bytes]) -> list[bytes]:
        """See `book.ports.Store.renew`. A row that a batch is writing is skipped: waiting could meet it crosswise."""
        rows = await self.reader.fetch(
            f"WITH mine AS (SELECT id FROM {work.name} WHERE book_id = $1 AND id = ANY($2::bytea[]) "
            "AND lease_owner = $3 FOR NO KEY UPDATE SKIP LOCKED) "
            f"UPDATE {work.name} w SET lease_until_us = $4 FROM mine WHERE w.book_id = $1 AND w.id = mine.id "
            "RETURNING w.id",
            self._book, keys, owner, until_us,
        )  # fmt: skip
        return [bytes(row[0]) for row in rows]

    async def advance(self, by_us: int) -> int:
        """See `book.ports.Store.advance`."""
        rows = await self.reader.fetch(
            f"UPDATE {books.name} SET offset_us = offset_us + $1, "
            "business_us = greatest(business_us, $2 + offset_us + $1) WHERE book_id = $3 RETURNING business_us",
            by_us, self._wall(), self._book,
        )  # fmt: skip
        return int(rows[0][0])

    async def prune(self, entity: type, keys: Sequence[Key], where: Mapping[str, object]) -> int:
        """See `book.ports.Store.prune`."""
        sql, arguments = postgres_delete(ENTITIES[entity], where)
        return len(await self.reader.fetch(sql, self._book, list(keys), *arguments))

    async def save_snapshot(self, name: str, sequence: int, parts: Iterable[bytes]) -> None:
        """Keeps a projection's state as of a sequence."""
        await snapshots.save(self.reader.fetch, self._book, name, sequence, parts)

    async def snapshot_sequence(self, name: str) -> int:
        """Returns the sequence of a projection's kept state, or 0."""
        return await snapshots.kept_sequence(self.reader.fetch, self._book, name)

    async def _connect(self) -> "asyncpg.Connection[Any]":
        if self._line is not None and not self._line.is_closed():
            return self._line
        self._drop()
        try:
            self._held = await self._engine.raw_connection()
        except Exception as error:
            raise StorageLost(str(error)) from error
        line = self._held.driver_connection
        self._line = line
        return line  # type: ignore[no-any-return]

    def _drop(self) -> None:
        if self._line is not None and not self._line.is_closed():
            self._line.terminate()
        if self._held is not None:
            self._held.invalidate()
        self._held = self._line = None

    async def _roll_back(self, line: "asyncpg.Connection[Any]") -> None:
        """Ends a failed transaction; where that fails too, the end of the connection does it."""
        try:
            async with asyncio.timeout(BATCH_S_MAX):
                await line.execute("ROLLBACK")
        except Exception:
            self._drop()
        except BaseException:
            self._drop()
            raise

    async def _load(self, line: "asyncpg.Connection[Any]", batch: Batch) -> World:
        keys = batch.request_keys()
        found = await line.fetch(Postgres.BOOK, self._book, keys)
        world = make_world(self._book, found[0], self._wall())
        if found[0][5] is not None:
            world.requests = {row[5]: RequestRow._make(tuple(row)[5:]) for row in found}
        projection = batch.projection
        while projection is not None and projection.sequence < world.sequence:
            fold(projection, await line.fetch(Postgres.MISSED, self._book, projection.sequence))
        for need in batch.rounds(world):
            await self._load_round(line, world, need)
        return world

    async def _load_round(self, line: "asyncpg.Connection[Any]", world: World, need: Need) -> None:
        for entity, keys in need.rows.items():
            take(world, entity, await line.fetch(Postgres.load(ENTITIES[entity], "id"), self._book, sorted_keys(keys)))
        for (entity, column), values in need.groups.items():
            sql = Postgres.load(ENTITIES[entity], column)
            take(world, entity, await line.fetch(sql, self._book, sorted_keys(values)))
        if numbers := sorted(need.accounts - world.room.keys()):
            world.room.update(await line.fetch(Postgres.HEADROOM, self._book, numbers))

    async def _save(self, line: "asyncpg.Connection[Any]", world: World) -> None:
        plan = layout(world)
        parts: list[str] = []
        arguments: list[Any] = [self._book]

        def add(part: str, rows: Any) -> None:
            parts.append(part)
            arguments.extend(map(list, zip(*rows, strict=True)))

        if world.new_requests:
            add(Postgres.insert(ENTITIES[RequestRow]), sorted(world.new_requests))
        for table, rows in plan.inserts:
            add(Postgres.insert(table), rows)
        for table, rows in plan.updates:
            add(Postgres.update(table), rows)
        if world.done:
            parts.append(Postgres.DONE)
            arguments.append(sorted(world.done))
        if plan.opened:
            add(Postgres.OPEN, plan.opened)
        counted = -1
        if plan.moved:
            counted = len(parts)
            add(Postgres.MOVE, plan.moved)
        if world.legs:
            add(Postgres.LEGS, world.legs)
        if plan.body is not None:
            parts.append(Postgres.JOURNAL)
            arguments += [world.first, world.sequence, world.wall_us, world.business_us, plan.body, plan.link]
        # Without an event too: what was decided at a business time stands, so the clock never goes back behind it.
        parts.append(Postgres.SEQUENCE)
        arguments += [world.sequence, plan.link, world.business_us, world.next_owner]
        ((count,),) = await line.fetch(combined(tuple(parts), counted), *arguments)
        if plan.moved and count != len(plan.moved):
            raise LookupError(f"{len(plan.moved) - count} accounts of this batch were never opened")
