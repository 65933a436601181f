"""Commits that were done, with their answer lost: callers hear the truth, and what was due at once is done at once."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from keelpay_server.book import lane as lane_module
from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import Work
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from tests.faults.book.deaf_line import deaf_line
from tests.infrastructure.book_audit import audit
from tests.infrastructure.books import open_engine, wall_us
from tests.integration.book.test_work import MakeWithWork
from tests.integration.book.things import MakeThing, Thing, TouchThing, asked

pytestmark = [pytest.mark.faults]

SOON_S = 15.0
"""A slow machine's idea of at once; a lease lasts half a minute."""


@asynccontextmanager
async def touching_engine(url):
    """An engine that touches what has work about it, and what its handler was told."""
    told = asyncio.Queue()

    async def touch(tasks, look):
        for task in tasks:
            told.put_nowait(look(Thing, task.subject))
            await engine.execute(TouchThing(thing=task.subject, done=task.id))

    async with open_engine(url, handlers={"touch": touch}) as engine:
        yield engine, told


async def done_once(engine, told, key):
    """Waits for the work and proves that it was done once, by its maker."""
    handed_over = await asyncio.wait_for(told.get(), SOON_S)
    assert handed_over is not None, "it was claimed as if another process had begun it"
    assert handed_over.id == key
    await engine.worker.idle()
    assert (await engine.reader.get(Thing, key)).touches == 1
    assert await engine.reader.count(Work, {}) == 0
    assert told.empty()


@pytest.mark.parametrize("cuts", [1, 3])
async def test_an_answer_lost_on_the_way_delays_no_work(migrated_dsn, cuts):
    async with deaf_line(migrated_dsn) as (line, dsn), touching_engine(dsn) as (engine, told):
        await engine.execute(MakeThing())
        line.cuts_left = cuts
        made = await engine.execute(MakeWithWork(request=asked(1), due_time=wall_us()))
        assert line.cuts == cuts
        assert made.replayed, "the first try was not committed"
        await done_once(engine, told, made.key)
        held = await audit(engine.reader)
        assert [row.entity for row in held.requests.values()] == [made.key]


async def test_work_whose_maker_gave_up_on_the_database_is_done_as_soon_as_it_is_back(migrated_dsn, monkeypatch):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.01,))
    monkeypatch.setattr(worker_module, "IDLE_S", 3600)
    async with deaf_line(migrated_dsn) as (line, dsn), touching_engine(dsn) as (engine, told):
        await engine.execute(MakeThing())
        line.cuts_left = 2
        with pytest.raises(Refused) as refused:
            await engine.execute(MakeWithWork(request=asked(1), due_time=wall_us()))
        assert refused.value.reason is Reason.STORAGE_UNAVAILABLE
        assert line.cuts == 2
        assert told.empty()
        again = await engine.execute(MakeWithWork(request=asked(1), due_time=wall_us()))
        assert again.replayed
        await done_once(engine, told, again.key)
