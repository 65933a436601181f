"""Laws of later work on real databases: claimed once, again after its lease, handed over at once, due by its clock."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import BUSINESS, WALL, Changes, Event, Work
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.lease import LEASE_US
from keelpay_server.book.world import World
from tests.infrastructure.books import open_engine
from tests.infrastructure.clock import HOUR_US, SettableClock
from tests.infrastructure.waiting import until
from tests.integration.book.things import MakeThing, Thing, TouchThing


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWithWork(Command):
    """A thing with work about it."""

    due_time: int

    def decide(self, world: World) -> Changes:
        thing = Thing(world.new_id(), "thing", 0, True, None)
        event = Event("thing.made", "thg", thing.id, 1, "cafe", {})
        return Changes(thing, events=(event,), work=(Work(thing.id, "touch", thing.id, WALL, self.due_time),))


def due(clock: SettableClock, number: int = 1, in_us: int = 1000, on: int = WALL) -> Work:
    return Work(number.to_bytes(16, "big"), "touch", b"subject", on, clock.now_us + in_us)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def books(database_url, clock, monkeypatch):
    """Opens engines on the same database; SQLite has one process, PostgreSQL as many as are asked for."""
    monkeypatch.setattr(worker_module, "IDLE_S", 0.01)
    async with AsyncExitStack() as stack:

        async def enter(process="one", handlers=None) -> Engine:
            engine = open_engine(database_url, process=process, wall=clock, handlers=handlers)
            return await stack.enter_async_context(engine)

        yield enter


async def claim(engine, clock, owner="somebody"):
    return await engine.store.claim(owner, clock.now_us, LEASE_US, 100)


def still(monkeypatch):
    """Lets no worker claim by itself."""
    monkeypatch.setattr(worker_module, "IDLE_S", 3600)


async def test_due_work_is_claimed_once_until_its_lease_ends(books, clock, monkeypatch):
    still(monkeypatch)
    engine = await books()
    await engine.execute(MakeThing(work=due(clock)))
    assert await claim(engine, clock) == []  # not due yet
    clock.leap(1000)
    (task,) = await claim(engine, clock)
    assert (task.lease_owner, task.lease_until_us) == ("somebody", clock.now_us + LEASE_US)
    assert await claim(engine, clock, "another") == []
    clock.leap(LEASE_US - 1)
    assert await claim(engine, clock, "another") == []
    clock.leap(1)
    (again,) = await claim(engine, clock, "another")
    assert (again.id, again.lease_owner) == (task.id, "another")


async def test_finished_work_is_gone(books, clock, monkeypatch):
    still(monkeypatch)
    engine = await books()
    made = await engine.execute(MakeThing(work=due(clock)))
    await engine.execute(TouchThing(thing=made.key, done=due(clock).id))
    clock.leap(HOUR_US)
    assert await claim(engine, clock) == []


async def test_claimers_at_the_same_moment_get_different_rows(books, clock, monkeypatch):
    still(monkeypatch)
    engine = await books()
    await engine.execute_many([MakeThing(work=due(clock, number)) for number in range(250)])
    clock.leap(1000)
    groups = await asyncio.gather(*(engine.store.claim(f"p{n}", clock.now_us, LEASE_US, 50) for n in range(8)))
    claimed = [task.id for tasks in groups for task in tasks]
    assert len(claimed) == len(set(claimed))
    rest = [task.id for _ in range(5) for task in await claim(engine, clock)]
    assert sorted(claimed + rest) == sorted(due(clock, number).id for number in range(250))


async def test_a_lease_from_before_the_wall_clock_went_back_keeps_work_from_nobody(books, clock, monkeypatch):
    still(monkeypatch)
    engine = await books()
    await engine.execute(MakeThing(work=due(clock, in_us=-2 * HOUR_US + 1, on=WALL)))  # its maker's first
    clock.leap(-HOUR_US)
    assert len(await claim(engine, clock)) == 1
    assert await claim(engine, clock) == []


async def test_work_made_due_is_handed_over_right_after_its_commit(books, clock, monkeypatch):
    still(monkeypatch)
    seen = []

    async def handle(tasks, look):
        seen.extend((task.subject, look(Thing, task.subject)) for task in tasks)

    engine = await books(handlers={"touch": handle})
    made = await engine.execute(MakeWithWork(due_time=clock.now_us))
    await until(lambda: seen)
    assert seen == [(made.key, made.row)]
    assert await claim(engine, clock) == []  # leased to the process that made it
    clock.leap(LEASE_US)
    assert len(await claim(engine, clock)) == 1  # never finished: anybody's


async def test_work_whose_handler_failed_is_claimed_again_when_its_lease_ends(books, clock):
    tries = []

    async def handle(tasks, look):
        tries.append([task.id for task in tasks])
        if len(tries) < 3:
            raise ConnectionError
        await engine.execute_many([TouchThing(thing=made.key, done=task.id) for task in tasks])

    engine = await books(handlers={"touch": handle})
    made = await engine.execute(MakeThing(work=due(clock)))
    clock.leap(1000)
    for wanted in (1, 2, 3):
        await until(lambda: len(tries) >= wanted)  # noqa: B023  (it is called at once)
        await asyncio.sleep(0.03)
        assert len(tries) == wanted  # not before the lease ends
        clock.leap(LEASE_US)
    await engine.worker.idle()
    assert await claim(engine, clock) == []
    thing = await engine.reader.get(Thing, made.key)
    assert thing is not None
    assert thing.touches == 1


async def test_work_on_the_business_clock_is_due_after_an_advance_alone(books, clock):
    done = []

    async def handle(tasks, look):
        done.extend(task.id for task in tasks)

    engine = await books(handlers={"touch": handle})
    await engine.execute_many(
        [MakeThing(work=due(clock, 1, HOUR_US, BUSINESS)), MakeThing(work=due(clock, 2, HOUR_US, WALL))]
    )
    await asyncio.sleep(0.05)
    assert done == []
    await engine.store.advance(HOUR_US)
    engine.worker.nudge()
    await until(lambda: done)
    await asyncio.sleep(0.05)
    assert done == [due(clock, 1).id]
