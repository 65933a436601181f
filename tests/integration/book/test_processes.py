"""Laws of several processes on one PostgreSQL: one answer an id, wake-ups across, work handed on."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.infrastructure.book_audit import audit
from tests.infrastructure.books import open_engine
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.book.things import BALANCE, MakeThing, OpenAccounts, Thing, TouchThing, asked


@pytest.fixture
async def engines(migrated_dsn):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_engine(migrated_dsn, process=f"p{n}")) for n in range(3)]


async def test_the_same_requests_sent_to_all_at_once_are_done_once_with_one_answer(engines):
    await engines[0].execute(OpenAccounts(funds=60))

    async def send(engine):
        return await engine.execute_many([MakeThing(request=asked(n), amount=1) for n in range(100)])

    answers = await asyncio.gather(*(send(engine) for engine in engines for _ in range(3)))
    for outcomes in zip(*answers, strict=True):
        assert len({outcome.key for outcome in outcomes}) == 1
        assert len({outcome.refusal and outcome.refusal.reason for outcome in outcomes}) == 1
        assert sum(not outcome.replayed and outcome.refusal is None for outcome in outcomes) <= 1
    assert await engines[0].reader.count(Thing, {}) == 60
    balance = await engines[0].reader.account(BALANCE)
    assert balance.credits - balance.debits == 0
    assert len((await audit(engines[0].reader)).requests) == 100


async def test_changes_of_all_processes_add_up(engines):
    made = await engines[0].execute(MakeThing())
    await asyncio.gather(*(engine.execute(TouchThing(thing=made.key)) for engine in engines for _ in range(60)))
    assert (await engines[1].reader.get(Thing, made.key)).touches == 180
    await audit(engines[2].reader)


async def test_a_watcher_hears_of_every_process_even_while_its_own_writes(engines):
    here, there, _ = engines
    thing, noise = await here.execute(MakeThing()), await here.execute(MakeThing())
    with here.hub.watch(thing.key) as watch:
        seen = 0
        for turn in range(1, 16):
            await there.execute(TouchThing(thing=thing.key))
            await here.execute(TouchThing(thing=noise.key))
            async with asyncio.timeout(PATIENCE_S):
                while seen < turn:
                    assert await watch.wait(PATIENCE_S)
                    seen = (await here.reader.get(Thing, thing.key)).touches
    assert seen == 15
