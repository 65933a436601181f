"""Cut connections and a killed PostgreSQL: calls fail fast or are done, each once; service resumes without hands."""

import asyncio
import random
import time
from collections import Counter

import asyncpg
import pytest

from keelpay_server.book.ports import StorageLost
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from tests.faults.book.crew import finish_work, prove
from tests.faults.book.load import drive, loaded_engine, open_accounts
from tests.infrastructure.missing import missing
from tests.infrastructure.postgres import PostgresServer
from tests.infrastructure.postgres_installation import PostgresMissingError
from tests.infrastructure.waiting import until
from tests.integration.book.things import MakeThing, Thing, asked

pytestmark = [pytest.mark.faults, pytest.mark.slow]

FAILS_WITHIN_S = 8.0
"""The waits of one batch, and a slow machine."""
PROBE = 1 << 40
"""Requests beyond the load's numbers."""


async def test_cut_connections_cost_nothing_but_time(migrated_dsn, fault_seconds, fault_seed, publish):
    await open_accounts(migrated_dsn)
    answers, stop, cuts = [], asyncio.Event(), Counter()

    async def cut(boss):
        draw = random.Random(fault_seed)
        while not stop.is_set():
            await asyncio.sleep(draw.random() * 0.08)
            rows = await boss.fetch(
                "SELECT query, pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            cuts.update(row[0].split(" ")[0].rstrip(";") for row in rows)

    boss = await asyncpg.connect(migrated_dsn)
    try:
        async with loaded_engine(migrated_dsn, "one") as one, loaded_engine(migrated_dsn, "two") as two:
            cutting = asyncio.create_task(cut(boss))
            driving = [asyncio.create_task(drive(engine, fault_seed, answers.append, stop)) for engine in (one, two)]
            try:
                await asyncio.sleep(fault_seconds)
                await until(lambda: cuts.total() > 5)
            finally:
                stop.set()
            told = sum(await asyncio.gather(*driving), Counter())
            await cutting
            await finish_work(one)
            proof = await prove(one, answers)
    finally:
        await boss.close()
    assert told.keys() <= {Reason.STORAGE_UNAVAILABLE, Reason.IDEMPOTENCY_MISMATCH, Reason.INTERNAL}
    publish(cuts=dict(cuts), refused=named(told), lost=0, **proof._asdict())


def named(told):
    """Refusals by name."""
    return {reason.name: count for reason, count in told.items()}


@pytest.fixture
def own_server():
    """A PostgreSQL of this test's own, to be killed."""
    try:
        with PostgresServer(own=True) as server:
            yield server
    except PostgresMissingError as error:
        missing(str(error))


async def probe(engine, number):
    """Sends one request; returns how long the answer took and what it was."""
    started = time.monotonic()
    try:
        await engine.execute(MakeThing(request=asked(PROBE + number)))
    except Refused as refusal:
        return time.monotonic() - started, refusal.reason
    return time.monotonic() - started, None


async def test_a_killed_database_fails_calls_fast_and_is_used_again_when_it_is_back(
    own_server, fault_seconds, fault_seed, publish
):
    dsn = own_server.create_database()
    await open_accounts(dsn)
    answers, stop = [], asyncio.Event()
    kills, slowest, probes = 0, 0.0, 0
    async with loaded_engine(dsn, "one") as engine:
        end = time.monotonic() + fault_seconds
        driving = asyncio.create_task(drive(engine, fault_seed, answers.append, stop))
        while time.monotonic() < end or not kills:
            await asyncio.sleep(0.3 + random.Random(fault_seed + kills).random() * 0.5)
            await asyncio.to_thread(own_server.kill)
            kills += 1
            waits = []
            for _ in range(3):  # the first one waits for the database to come back, the others hear at once
                took, reason = await probe(engine, probes)
                waits.append(took)
                probes += 1
                assert reason is Reason.STORAGE_UNAVAILABLE
                assert took < FAILS_WITHIN_S
                slowest = max(slowest, took)
            assert min(waits[1:]) < 1.5, "an outage that is known is still waited for"
            with pytest.raises(StorageLost):
                await engine.reader.get(Thing, b"")
            await asyncio.to_thread(own_server.start)
            async with asyncio.timeout(60):
                while True:
                    probes += 1
                    if (await probe(engine, probes))[1] is None:
                        break
        await until(lambda: len(answers) > 50)
        stop.set()
        told = await asyncio.wait_for(driving, 60)
        await finish_work(engine)
        for number in range(probes + 1):  # an unanswered probe too is done at most once
            await engine.execute(MakeThing(request=asked(PROBE + number)))
        assert told.keys() <= {Reason.STORAGE_UNAVAILABLE, Reason.IDEMPOTENCY_MISMATCH, Reason.INTERNAL}
        proof = await prove(engine, answers, others=[asked(PROBE + number).key for number in range(probes + 1)])
    publish(kills=kills, slowest_refusal_s=round(slowest, 2), refused=named(told), lost=0, **proof._asdict())
    assert proof.acknowledged > 50
