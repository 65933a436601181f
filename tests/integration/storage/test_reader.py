"""Laws of reads: one moment where it is asked for, values as they were saved, trouble told as StorageLost."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page, StorageLost
from keelpay_server.storage.opening import connect
from keelpay_server.storage.reader import SqlReader
from tests.infrastructure.book_audit import audit, everything
from tests.integration.book.things import AVAILABLE, MakeThing, MoveMoney, OpenAccounts, Thing, TouchThing


async def test_a_consistent_reading_sees_one_moment_however_long_it_reads(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts())
    async with open_book.reader.consistent() as moment:
        before = await moment.book()
        for turn in range(3):
            await open_book.execute_many([MakeThing(amount=1) for _ in range(10)])
            assert await moment.book() == before, turn
            assert await moment.count(Thing, {}) == 0
            assert (await moment.account(AVAILABLE)).credits == 0
    assert await open_book.reader.count(Thing, {}) == 30


async def test_a_book_is_right_at_every_read_while_it_is_written(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts())

    async def write():
        for _ in range(15):
            await open_book.execute_many([MakeThing(amount=1), MoveMoney(hold=5), MoveMoney(post=5, hold=-5)])

    writing = asyncio.create_task(write())
    seen = set()
    while not writing.done():
        seen.add((await audit(open_book.reader)).events)
    await writing
    assert (await audit(open_book.reader)).events == 46
    assert len(seen) > 1


async def test_pages_of_any_order_give_every_row_once(open_book: Engine) -> None:
    names = [f"n{number % 4}" for number in range(30)]
    await open_book.execute_many([MakeThing(name=name) for name in names])
    ids = [thing.id for thing in await everything(open_book.reader, Thing)]
    for order in ("id", "name"):
        for descending in (False, True):
            found: list[Thing] = []
            page = Page(7, None, descending, order)
            while rows := await open_book.reader.find(Thing, {}, page):
                found += rows
                page = page._replace(after=(getattr(rows[-1], order), rows[-1].id))
            assert [thing[:2] for thing in found] == sorted(
                (thing[:2] for thing in found), key=lambda row: (row[1], row[0]) if order == "name" else row[0],
                reverse=descending,
            )  # fmt: skip
            assert sorted(thing.id for thing in found) == ids


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_stored_as_text(running_book, name):
    runner, engine = running_book
    made = runner.run(engine.execute(MakeThing(name=name)))
    runner.run(engine.execute(TouchThing(thing=made.key)))  # loaded and saved by the lane too
    assert runner.run(engine.reader.get(Thing, made.key)).name == name
    assert made.key in {thing.id for thing in runner.run(engine.reader.find(Thing, {"name": name}))}


async def test_text_that_no_database_holds_harms_only_its_sender(open_book: Engine) -> None:
    outcomes = await open_book.execute_many([MakeThing(), MakeThing(name="lone \ud800"), MakeThing()])
    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True]


async def test_reads_of_an_unreachable_server_are_storage_lost_at_once() -> None:
    engine = connect("postgresql://keelpay@127.0.0.1:1/keelpay")
    reader = SqlReader(engine, 1)
    for read in (reader.book, lambda: reader.get(Thing, b""), lambda: reader.fetch("SELECT 1")):
        with pytest.raises(StorageLost):
            await read()
    await engine.dispose()


async def test_a_read_alone_is_one_statement_and_no_transaction(migrated_dsn) -> None:
    engine, singles = connect(migrated_dsn), connect(migrated_dsn, single=True)
    try:
        reader = SqlReader(engine, 1, singles=singles)
        ((own,),) = await reader.rows(select(func.pg_backend_pid()))
        async with engine.connect() as connection:
            activity = text("SELECT state, query FROM pg_stat_activity WHERE pid = :own")
            state, last = (await connection.execute(activity, {"own": own})).one()
        assert (state, last.split()[0]) == ("idle", "SELECT")  # a transaction would have ended with a ROLLBACK
    finally:
        await engine.dispose()
        await singles.dispose()


async def test_reads_that_find_no_free_connection_are_storage_lost_in_time(migrated_dsn) -> None:
    engine = connect(migrated_dsn, pool_size=1)
    engine.sync_engine.pool._timeout = 0.05
    reader = SqlReader(engine, 1)
    async with engine.connect(), engine.connect(), engine.connect(), engine.connect(), engine.connect():
        for read in (reader.book, lambda: reader.fetch("SELECT 1")):
            with pytest.raises(StorageLost):
                await read()
    await engine.dispose()
