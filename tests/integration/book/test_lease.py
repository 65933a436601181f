"""Laws of leases on real databases: who works keeps the work however long it takes, and who dies gives it up."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import WALL, Work
from keelpay_server.book.engine import Engine
from keelpay_server.storage.opening import open_store
from tests.infrastructure.books import create_test_tables, wall_us
from tests.infrastructure.clock import HOUR_US
from tests.infrastructure.waiting import until
from tests.integration.book.things import MakeThing, Thing, TouchThing

LEASE_US = 1_500_000
"""Half of it, on a bad day, is for the commit of its renewal."""
LEASE_S = LEASE_US / 1e6


@pytest.fixture
async def pair(database_url, monkeypatch):
    """Two processes' engines on one book: on PostgreSQL with a store each, on SQLite on one store, for it has one.

    Neither works before it is started.
    """
    monkeypatch.setattr(worker_module, "IDLE_S", 0.01)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_store(database_url, book=1, mode="test", wall=wall_us))]
        await create_test_tables(database_url)
        if not database_url.startswith("sqlite"):
            other = open_store(database_url, book=1, mode="test", wall=wall_us)
            opened.append(await stack.enter_async_context(other))
        engines = []
        for store, process in ((opened[0], "first"), (opened[-1], "second")):
            engines.append(Engine(1, store, wall=wall_us, process=process, reactions={}, lease_us=LEASE_US))
            stack.push_async_callback(engines[-1].close)
        yield engines


def handler_of(engine, runs, until):
    """Notes who began what and when, waits, then finishes the work."""

    async def handle(tasks, look):
        runs.extend((engine, task.id, asyncio.get_running_loop().time()) for task in tasks)
        await until.wait()
        await engine.execute_many([TouchThing(thing=task.subject, done=task.id) for task in tasks])

    return {"touch": handle}


async def make(engine, count, due_us):
    """Makes things and then, at a time, work about each of them."""
    made = await engine.execute_many([MakeThing() for _ in range(count)])
    things = [outcome.key for outcome in made]
    rows = [Work(key, "touch", key, WALL, due_us) for key in things]
    await engine.execute_many([MakeThing(work=row) for row in rows])
    return things


async def touches(engine, things):
    rows = [await engine.reader.get(Thing, key) for key in things]
    return [row.touches for row in rows]


@pytest.mark.parametrize("handed_over", [True, False], ids=["handed over", "claimed"])
async def test_a_handler_slower_than_three_leases_is_run_by_nobody_else(pair, handed_over):
    first, second = pair
    runs, go = [], asyncio.Event()
    first.start(handler_of(first, runs, go))
    things = await make(first, 3, wall_us() + (0 if handed_over else 50_000))
    await until(lambda: len(runs) == 3)
    second.start(handler_of(second, runs, go))
    await asyncio.sleep(3.2 * LEASE_S)
    assert [engine for engine, *_ in runs] == [first] * 3
    go.set()
    await first.worker.idle()
    assert await touches(first, things) == [1, 1, 1]
    assert len(runs) == 3
    assert await first.reader.count(Work, {}) == 0


async def test_the_work_of_a_dead_process_is_taken_over_after_one_lease(pair):
    first, second = pair
    runs, go, never = [], asyncio.Event(), asyncio.Event()
    first.start(handler_of(first, runs, never))
    things = await make(first, 2, wall_us())
    await asyncio.sleep(1.5 * LEASE_S)
    second.start(handler_of(second, runs, go))
    assert [engine for engine, *_ in runs] == [first] * 2
    died = asyncio.get_running_loop().time()
    await first.worker.close(grace_s=0)  # what was running is cut short, what it had stays leased
    go.set()

    async def nothing_is_left():
        return not await second.reader.count(Work, {})

    await until(nothing_is_left)
    later = [(engine, began - died) for engine, _, began in runs[2:]]
    assert [engine for engine, _ in later] == [second] * 2
    for _, after_s in later:
        assert LEASE_S * 0.3 < after_s < 3 * LEASE_S  # the last renewal was up to half a lease ago
    assert await touches(second, things) == [1, 1]


async def test_only_leases_that_a_process_still_has_are_renewed(pair):
    engine, _ = pair
    now = wall_us()
    mine, anothers, nobodys = (n.to_bytes(16, "big") for n in (1, 2, 3))
    for at, key in enumerate((mine, anothers, nobodys), 1):
        await engine.execute(MakeThing(work=Work(key, "touch", b"", WALL, now + at * HOUR_US)))
    claim, renew = engine.store.claim, engine.store.renew
    assert [task.id for task in await claim("me", now + HOUR_US, LEASE_US, 9)] == [mine]
    assert [task.id for task in await claim("another", now + 2 * HOUR_US, LEASE_US, 1)] == [mine]  # it had ended
    assert [task.id for task in await claim("me", now + 2 * HOUR_US, LEASE_US, 9)] == [anothers]
    mine, anothers = anothers, mine
    later = now + 9 * HOUR_US
    assert await renew("me", later, [mine, anothers, nobodys, bytes(16)]) == [mine]
    ends = {row.id: row.lease_until_us for row in await engine.reader.find(Work, {})}
    assert ends == {mine: later, anothers: now + 2 * HOUR_US + LEASE_US, nobodys: 0}
    assert await renew("me", later + 1, []) == []
