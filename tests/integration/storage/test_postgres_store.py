"""Laws of the lane's connection to PostgreSQL: whatever ends it, a batch is whole or absent, and the next one comes."""

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.storage import postgres
from keelpay_server.storage.postgres import PostgresStore
from keelpay_server.storage.sql import Postgres
from tests.infrastructure.book_audit import audit
from tests.infrastructure.books import open_engine
from tests.infrastructure.sources import ROOT
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.book.things import MakeThing, OpenAccounts, Thing, asked


@pytest.fixture
async def engine(migrated_dsn):
    async with open_engine(migrated_dsn) as engine:
        await engine.execute(OpenAccounts())
        yield engine


def engine_url(engine) -> str:
    """The DSN of an engine's database."""
    return engine.reader._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


async def test_a_commit_whose_answer_was_lost_is_not_done_again(engine, monkeypatch):
    commit, cuts = PostgresStore._commit, []

    async def commit_and_cut(self, line, batch):
        await commit(self, line, batch)
        if len(cuts) < 3:
            cuts.append(batch)
            line.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(PostgresStore, "_commit", commit_and_cut)
    outcomes = await engine.execute_many([MakeThing(request=asked(n), amount=1) for n in range(20)])
    assert len(cuts) == 3
    assert all(outcome.refusal is None for outcome in outcomes)
    assert len({outcome.key for outcome in outcomes}) == 20
    assert await engine.reader.count(Thing, {}) == 20
    held = await audit(engine.reader)
    assert sorted(row.entity for row in held.requests.values()) == sorted(outcome.key for outcome in outcomes)


@pytest.mark.parametrize("statement", ["BEGIN", "SELECT b.sequence", "WITH", "COMMIT"])
async def test_a_connection_that_breaks_at_any_statement_costs_a_retry_and_nothing_else(engine, monkeypatch, statement):
    line = await engine.store._connect()
    method = "execute" if statement in {"BEGIN", "COMMIT"} else "fetch"
    original = getattr(asyncpg.Connection, method)
    broken = []

    async def break_once(self, query, *arguments, **options):
        if self is line and query.startswith(statement) and not broken:
            broken.append(query)
            self.terminate()
        return await original(self, query, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, method, break_once)
    outcomes = await engine.execute_many([MakeThing(request=asked(n), amount=1) for n in range(5)])
    assert broken
    assert all(outcome.refusal is None for outcome in outcomes)
    assert await engine.reader.count(Thing, {}) == 5
    await audit(engine.reader)


async def test_an_error_that_is_nobodys_fault_is_tried_again_whole(engine, monkeypatch):
    save, sizes = PostgresStore._save, []
    errors = iter([asyncpg.DeadlockDetectedError("deadlock"), asyncpg.DiskFullError("full"),
                   asyncpg.ReadOnlySQLTransactionError("standby")])  # fmt: skip

    async def fail(self, line, world):
        sizes.append(len(world.events))
        if (error := next(errors, None)) is not None:
            raise error
        await save(self, line, world)

    monkeypatch.setattr(PostgresStore, "_save", fail)
    outcomes = await engine.execute_many([MakeThing(request=asked(n)) for n in range(8)])
    assert all(outcome.refusal is None for outcome in outcomes)
    assert sizes == [8, 8, 8, 8]  # tried again as it was, not halved


async def test_a_failed_roll_back_ends_the_connection_and_hides_no_cause(engine, monkeypatch, caplog):
    execute = asyncpg.Connection.execute

    async def fail_roll_back(self, query, *arguments, **options):
        if query == "ROLLBACK":
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, "execute", fail_roll_back)
    commands = [MakeThing(request=asked(n), name="x" if n != 2 else "nul\0") for n in range(4)]
    outcomes = await engine.execute_many(commands)
    assert [outcome.refusal and outcome.refusal.reason for outcome in outcomes] == [None, None, Reason.INTERNAL, None]
    assert await engine.reader.count(Thing, {}) == 3
    assert "invalid byte sequence" in caplog.text
    assert "another operation" not in caplog.text


@pytest.mark.parametrize("statement", ["BEGIN", "WITH", "COMMIT"])
async def test_a_lane_that_is_cancelled_midway_leaves_the_batch_whole_or_absent(engine, monkeypatch, statement):
    method = "fetch" if statement == "WITH" else "execute"
    original = getattr(asyncpg.Connection, method)
    inside = asyncio.Event()

    async def linger(self, query, *arguments, **options):
        if query.startswith(statement):
            inside.set()
        return await original(self, query, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, method, linger)
    running = asyncio.create_task(engine.execute_many([MakeThing(request=asked(n), amount=1) for n in range(30)]))
    await inside.wait()
    await asyncio.sleep(0)
    engine._lane._task.cancel()
    outcomes = await asyncio.wait_for(running, PATIENCE_S)
    assert {outcome.refusal.reason for outcome in outcomes} == {Reason.STORAGE_UNAVAILABLE}
    monkeypatch.undo()
    await asyncio.sleep(0.2)
    assert await engine.reader.count(Thing, {}) in {0, 30}
    async with open_engine(engine_url(engine)) as again:  # the lock is free, the same ids give one answer each
        outcomes = await asyncio.wait_for(
            again.execute_many([MakeThing(request=asked(n), amount=1) for n in range(30)]), PATIENCE_S
        )
        assert all(outcome.refusal is None for outcome in outcomes)
        assert await again.reader.count(Thing, {}) == 30
        await audit(again.reader)


async def test_a_hanging_server_ends_the_batch_in_time(engine, monkeypatch):
    monkeypatch.setattr("keelpay_server.book.lane.RETRY_S", (0.01,))
    blocker = await asyncpg.connect(engine_url(engine))
    await blocker.execute(Postgres.lock(1))
    try:
        with monkeypatch.context() as hasty:
            hasty.setattr(postgres, "BATCH_S_MAX", 0.1)
            with pytest.raises(Refused) as refused:
                await asyncio.wait_for(engine.execute(MakeThing(request=asked(1))), PATIENCE_S)
    finally:
        await blocker.close()
    assert refused.value.reason is Reason.STORAGE_UNAVAILABLE
    await engine.execute(MakeThing(request=asked(1)))
    assert await engine.reader.count(Thing, {}) == 1


async def test_a_process_that_freezes_with_the_lock_keeps_the_others_out_only_for_a_while(migrated_dsn, monkeypatch):
    monkeypatch.setitem(postgres.LANE_SETTINGS, "idle_in_transaction_session_timeout", "300ms")
    async with open_engine(migrated_dsn, process="one") as frozen, open_engine(migrated_dsn, process="two") as other:
        line = await frozen.store._connect()
        await line.execute(Postgres.lock(1))
        started = time.monotonic()
        await asyncio.wait_for(other.execute(MakeThing(request=asked(1))), PATIENCE_S)
        assert time.monotonic() - started > 0.1
        await frozen.execute(MakeThing(request=asked(2)))  # thawed: its own connection is gone, it makes a new one
        await audit(other.reader)


async def test_the_lane_gets_its_connection_however_many_reads_wait(engine):
    pool = engine.reader._singles
    async with AsyncExitStack() as stack:
        for _ in range(12):  # size and overflow
            await stack.enter_async_context(pool.connect())
        engine.store._drop()
        await asyncio.wait_for(engine.execute(MakeThing(request=asked(1))), PATIENCE_S)


async def test_a_process_opens_as_many_connections_as_its_operator_was_told(engine):
    pools = [each.pool for each in (engine.reader._engine, engine.reader._singles)]
    kept, more = sum(pool.size() for pool in pools) + 1, sum(pool._max_overflow for pool in pools)  # one is the lane's
    told = " ".join((ROOT / "docs/operations.md").read_text().split())
    assert f"up to {kept} connections to PostgreSQL and opens up to {kept + more} under load" in told


async def test_many_shapes_of_batches_keep_the_statements_of_a_connection_bounded(engine):
    for turn in range(40):
        await engine.execute_many([MakeThing(request=asked(100 * turn + n), amount=n % 2) for n in range(turn % 7 + 1)])
    line = await engine.store._connect()
    (count,) = await line.fetchrow("SELECT count(*) FROM pg_prepared_statements")
    assert count < 30
