"""Laws of time: the wall clock may leap; the business clock never goes back, ids of a batch sort."""

import pytest

from keelpay_server.book import ids, journal
from tests.infrastructure.book_audit import audit
from tests.infrastructure.books import open_engine
from tests.infrastructure.clock import HOUR_US, SettableClock
from tests.integration.book.things import MakeThing, OpenAccounts, RefuseThing, Thing, asked


@pytest.fixture
def clock():
    return SettableClock()


@pytest.fixture
async def engine(database_url, clock):
    async with open_engine(database_url, wall=clock) as engine:
        yield engine


async def test_leaps_of_the_wall_clock_never_move_the_business_clock_back(engine, clock):
    await engine.execute(OpenAccounts())
    business = []
    for leap in (HOUR_US, -2 * HOUR_US, 5, -HOUR_US, 3 * HOUR_US, 1):
        clock.leap(leap)
        await engine.execute_many([MakeThing(request=asked(len(business) * 10 + n), amount=1) for n in range(7)])
        business.append((await engine.reader.book()).business_us)
    assert business == sorted(business)
    assert business[-1] == clock.now_us  # once the wall clock has caught up, they agree again
    held = await audit(engine.reader)
    assert len(held.requests) == await engine.reader.count(Thing, {}) == 42


async def test_ids_of_a_batch_sort_and_tell_the_wall_clock_whatever_came_before(engine, clock):
    for leap in (0, -HOUR_US, HOUR_US):
        clock.leap(leap)
        await engine.execute_many([MakeThing() for _ in range(50)])
    seen = set()
    for row in await engine.reader.journal(0):
        keys = [event[3] for event in journal.decode(row.body).events]
        assert keys == sorted(keys)
        assert {ids.time_of(key) for key in keys} == {row.wall_time // 1000 * 1000}
        seen.update(keys)
    assert len(seen) == 150


async def test_a_decision_without_an_event_holds_the_business_clock_too(engine, clock):
    await engine.execute(MakeThing())
    clock.leap(HOUR_US)
    outcomes = await engine.execute_many([RefuseThing(request=asked(1))])  # a remembered refusal, at that time
    assert outcomes[0].refusal is not None
    decided_at = clock.now_us
    clock.leap(-HOUR_US)
    made = await engine.execute(MakeThing())
    assert made.row is not None
    assert (await engine.reader.journal(1))[0].business_time == decided_at


async def test_the_business_clock_advances_alone_and_keeps_its_lead(engine, clock):
    await engine.execute(MakeThing())
    assert await engine.store.advance(HOUR_US) == clock.now_us + HOUR_US
    clock.leap(-10)
    assert await engine.store.advance(0) == clock.now_us + 10 + HOUR_US
    clock.leap(1000)
    await engine.execute(MakeThing())
    row = (await engine.reader.journal(1))[0]
    assert (row.wall_time, row.business_time) == (clock.now_us, clock.now_us + HOUR_US)
    assert (await engine.reader.book()).offset_us == HOUR_US
