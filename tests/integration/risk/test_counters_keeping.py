"""Laws of the counters' snapshots: taken beside the lane, whole or not at all, and nothing but a shorter start."""

import asyncio

from keelpay_server.app.counters_keeping import SNAPSHOT, CountersKeeping, kept_counters
from keelpay_server.risk.counters import KINDS, Counters
from keelpay_server.risk.counters_snapshot import ROWS_A_PART, encode
from keelpay_server.storage import snapshots
from keelpay_server.storage.schema.book import snapshots as snapshots_table
from tests.integration.risk.commands import Pay
from tests.integration.risk.test_projection import some_payments
from tests.unit.risk.stage import POLICY, payment_key, signals


async def until_kept(store, sequence):
    async with asyncio.timeout(10):
        while await store.snapshot_sequence(SNAPSHOT) < sequence:  # noqa: ASYNC110  (it is in the database)
            await asyncio.sleep(0.01)


async def test_a_snapshot_is_taken_now_and_then_while_payments_go_on(book):
    async with book.open() as (engine, live):
        keeping = CountersKeeping(engine.store, live, every_s=0.02, events_min=10)
        keeping.start()
        await engine.execute_many(some_payments(40))
        await until_kept(engine.store, 1)
        for number in range(100, 160):
            await engine.execute(Pay(signals=signals(payment=payment_key(number))))
        await until_kept(engine.store, live.sequence - 10)
        await keeping.close()
        assert (await engine.store.reader.snapshot(SNAPSHOT))[0] == live.sequence
        assert (await kept_counters(engine.store, POLICY)).dump() == live.dump()


async def test_little_that_happened_is_not_worth_a_snapshot(book):
    async with book.open() as (engine, live):
        keeping = CountersKeeping(engine.store, live, every_s=0.01, events_min=1_000_000)
        keeping.start()
        await engine.execute_many(some_payments(20))
        await asyncio.sleep(0.1)
        assert await engine.store.snapshot_sequence(SNAPSHOT) == 0
        await keeping.close()
        assert await engine.store.snapshot_sequence(SNAPSHOT) == live.sequence


def crowded(count):
    """Counters that know so many payers, by the state that a journal of them would leave."""
    counters = Counters(POLICY)
    for kind in KINDS:
        counters._tables[kind] = {f"{kind}-{number}": b"\0" * 152 for number in range(count)}
    counters.sequence = count
    return counters


async def test_many_payers_are_kept_in_parts_and_a_snapshot_that_broke_off_is_none(book):
    crowd = crowded(2 * ROWS_A_PART + 1)

    def broken():
        for number, part in enumerate(encode(crowd.copy())):
            if number == 4:
                raise RuntimeError("killed")
            yield part

    async with book.open() as (engine, live):
        await engine.execute_many(some_payments(5))
        await engine.store.save_snapshot(SNAPSHOT, live.sequence, encode(live.copy()))
        try:
            await engine.store.save_snapshot(SNAPSHOT, crowd.sequence, broken())
        except RuntimeError as error:
            assert str(error) == "killed"  # noqa: PT017  (what matters comes after it)
        assert (await kept_counters(engine.store, POLICY)).dump() == live.dump()
        await engine.store.save_snapshot(SNAPSHOT, crowd.sequence, encode(crowd.copy()))
        sequence, parts = await engine.store.reader.snapshot(SNAPSHOT)
        assert (sequence, len(parts)) == (crowd.sequence, 1 + 3 * len(KINDS))
        assert Counters.load(POLICY, parts).dump() == crowd.dump()
        await engine.store.save_snapshot(SNAPSHOT, live.sequence, encode(live.copy()))
        assert (await engine.store.reader.snapshot(SNAPSHOT))[0] == crowd.sequence


async def test_a_snapshot_forgets_those_before_it(book):
    async with book.open() as (engine, live):
        for number in range(3):
            await engine.execute_many(some_payments(5, seed=number)[number:])
            await engine.store.save_snapshot(SNAPSHOT, live.sequence, encode(live.copy()))
        left = await engine.store.reader.rows(
            engine.store.reader.columns(snapshots_table, ("sequence",)).where(
                snapshots_table.c.name.like(snapshots.parts_of(SNAPSHOT))
            )
        )
        assert {row.sequence for row in left} == {live.sequence}


async def test_a_snapshot_of_another_format_is_left_for_the_journal(book):
    async with book.open() as (engine, live):
        await engine.execute_many(some_payments(5))
        await engine.store.save_snapshot(SNAPSHOT, live.sequence, [b"\x93\x01\x07\x90"])
        assert (await kept_counters(engine.store, POLICY)).sequence == 0
