"""Laws of the file: a full disk refuses clearly, leaves nothing half-written, and goes on when there is room again."""

import asyncio
import sqlite3

import pytest

from keelpay_server.book import lane as lane_module
from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import WALL, Work
from keelpay_server.book.lease import LEASE_US
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.reasons import Reason
from tests.infrastructure.book_audit import audit
from tests.infrastructure.books import open_engine, wall_us
from tests.infrastructure.clock import HOUR_US
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.book.things import MakeThing, OpenAccounts, Thing, asked


@pytest.fixture
async def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.01, 0.02))
    monkeypatch.setattr(worker_module, "IDLE_S", 3600)
    async with open_engine(f"sqlite:///{tmp_path / 'book.sqlite'}") as engine:
        await engine.execute(OpenAccounts())
        yield engine


async def limit(engine, pages):
    """Lets the file have so many pages more than now; None takes the limit away."""
    store = engine.store

    def set_limit():
        count = store._connection.execute("PRAGMA page_count").fetchone()[0]
        room = count + pages if pages is not None else 1 << 30
        store._connection.execute(f"PRAGMA max_page_count = {room}")

    await store._in_thread(set_limit)


async def fill(engine, first=0):
    """Makes things in batches until one is refused; returns the outcomes by request number."""
    outcomes = {}
    for batch in range(first, first + 400):
        numbers = range(10 * batch, 10 * batch + 10)
        made = await engine.execute_many([MakeThing(request=asked(n), amount=1, name="x" * 900) for n in numbers])
        outcomes.update(zip(numbers, made, strict=True))
        if made[-1].refusal is not None:
            return outcomes
    raise AssertionError("it never filled up")


async def test_a_full_disk_refuses_whole_batches_clearly_and_resumes_with_room(engine, caplog):
    await limit(engine, 20)
    outcomes = await fill(engine)
    done = {n: outcome.key for n, outcome in outcomes.items() if outcome.refusal is None}
    refused = {outcome.refusal.reason for outcome in outcomes.values() if outcome.refusal is not None}
    assert refused == {Reason.STORAGE_UNAVAILABLE}
    assert done
    assert len(outcomes) - len(done) == 10
    assert "database or disk is full" in caplog.text
    assert await engine.reader.count(Thing, {}) == len(done)  # reads go on
    assert len((await audit(engine.reader)).requests) == len(done)
    again = await engine.execute_many([MakeThing(request=asked(n), amount=1, name="x" * 900) for n in done])
    assert [outcome.key for outcome in again] == list(done.values())  # answers go on, for they need no room
    await limit(engine, None)
    rest = await engine.execute_many(
        [MakeThing(request=asked(n), amount=1, name="x" * 900) for n in outcomes if n not in done]
    )
    assert all(outcome.refusal is None for outcome in rest)
    assert await engine.reader.count(Thing, {}) == len(outcomes)
    await audit(engine.reader)


async def test_claiming_on_a_full_disk_leaves_no_transaction_open(engine):
    due_us = wall_us() + HOUR_US
    later = [Work(n.to_bytes(16, "big"), "touch", b"", WALL, due_us) for n in range(300)]
    await engine.execute_many([MakeThing(work=task) for task in later])
    store, broken = engine.store, []

    class Full:
        """The writer's connection, whose next updates find no room."""

        def __init__(self, db):
            self.db = db

        def __getattr__(self, name):
            return getattr(self.db, name)

        def executemany(self, *arguments):
            broken.append(1)
            self.db.executemany(*arguments)
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    line = store._line
    store._line = Full(line)
    with pytest.raises(StorageLost):
        await store.claim("somebody", due_us, LEASE_US, 500)
    store._line = line
    assert broken
    assert not line.in_transaction
    await engine.execute(MakeThing())
    assert len(await store.claim("somebody", due_us, LEASE_US, 500)) == 300


async def test_a_transaction_whose_roll_back_failed_is_ended_by_the_next(engine):
    store = engine.store
    await store._in_thread(store._connection.execute, "BEGIN IMMEDIATE")
    await store._in_thread(store._connection.execute, "DELETE FROM legs")
    await engine.execute(MakeThing(request=asked(1)))
    await audit(engine.reader)


async def test_a_wrong_statement_is_a_bug_and_no_outage(engine, caplog):
    store = engine.store
    await store._in_thread(store._connection.execute, "ALTER TABLE test_things RENAME TO elsewhere")
    outcomes = await engine.execute_many([MakeThing(), MakeThing()])
    assert {outcome.refusal.reason for outcome in outcomes} == {Reason.INTERNAL}
    assert "no such table" in caplog.text
    await store._in_thread(store._connection.execute, "ALTER TABLE elsewhere RENAME TO test_things")
    await engine.execute(MakeThing())


async def test_a_closed_store_is_storage_lost_and_no_crash(tmp_path):
    async with open_engine(f"sqlite:///{tmp_path / 'book.sqlite'}") as engine:
        await engine.store._in_thread(engine.store._close)
        with pytest.raises(StorageLost):
            await engine.store.claim("somebody", wall_us(), LEASE_US, 1)


async def test_a_cancelled_lane_ends_without_losing_what_its_thread_commits(tmp_path):
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    async with open_engine(url) as engine:
        running = asyncio.create_task(engine.execute_many([MakeThing(request=asked(n)) for n in range(200)]))
        for _ in range(5):
            await asyncio.sleep(0)
        engine._lane._task.cancel()
        outcomes = await asyncio.wait_for(running, PATIENCE_S)
        assert {outcome.refusal.reason for outcome in outcomes} == {Reason.STORAGE_UNAVAILABLE}
    async with open_engine(url) as engine:
        assert await engine.reader.count(Thing, {}) in {0, 200}
        outcomes = await engine.execute_many([MakeThing(request=asked(n)) for n in range(200)])
        assert len({outcome.key for outcome in outcomes}) == await engine.reader.count(Thing, {}) == 200
        await audit(engine.reader)
