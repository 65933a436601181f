"""The counters are a projection of the journal: whoever folds it, whenever, holds the same."""

import random

from keelpay_server.risk.counters import Counters
from keelpay_server.risk.decision import Decision
from keelpay_server.risk.label import Label, ReportOutcome
from keelpay_server.risk.list_entry import Listed, RemoveEntries, UpsertEntries
from keelpay_server.risk.listing import EntryKind, Strength, entry_id
from tests.integration.risk.commands import Pay
from tests.integration.risk.conftest import OPERATOR
from tests.unit.risk.stage import KEY, POLICY, payment_key, signals


def some_payments(count, seed=7):
    chance = random.Random(seed)
    return [
        Pay(
            signals=signals(
                payment=payment_key(number),
                payer=f"acme/{chance.randrange(5)}",
                device=f"d{chance.randrange(4)}",
                instrument=f"i{chance.randrange(6)}",
                amount=chance.randrange(100, 90_000),
            )
        )
        for number in range(count)
    ]


async def live_through(engine):
    outcomes = await engine.execute_many(some_payments(60))
    for outcome in outcomes[::10]:
        await engine.execute(ReportOutcome(decision=outcome.key, label=Label.FRAUD, caller=OPERATOR))
    await engine.store.advance(86_400_000_000)
    entry = Listed(entry_id(KEY, EntryKind.DEVICE, "d1"), EntryKind.DEVICE, Strength.BLOCK, "stolen")
    await engine.execute(UpsertEntries(entries=(entry,), caller=OPERATOR))
    await engine.execute_many(some_payments(20, seed=8))
    return entry.id


async def test_replaying_the_journal_gives_what_the_live_counters_hold(book):
    async with book.open() as (engine, live):
        await live_through(engine)
        lived = live.dump()
    async with book.open() as (engine, replayed):
        assert replayed.sequence == 0
        await engine.execute(RemoveEntries(entries=(), comment="nothing", caller=OPERATOR))
        assert replayed.dump() == lived


async def test_a_restart_goes_on_from_its_snapshot(book):
    async with book.open() as (engine, live):
        entry = await live_through(engine)
        await engine.store.save_snapshot("risk", live.sequence, live.dump())
        await engine.execute_many(some_payments(10, seed=9))
        lived = live.dump()
    async with book.open() as (engine, _):
        sequence, parts = await engine.store.reader.snapshot("risk")
    async with book.open(Counters.load(POLICY, parts)) as (engine, resumed):
        assert resumed.sequence == sequence
        await engine.execute(RemoveEntries(entries=(), comment="nothing", caller=OPERATOR))
        assert resumed.dump() == lived
        assert resumed.view().listed(entry, 0) == Strength.BLOCK


async def test_a_message_of_many_decides_as_many_calls_do(book):
    def told(rows):
        return [(row.payment, row.outcome, row.reasons, row.first) for row in rows]

    async with book.open() as (engine, _):
        # One after the other, each in a batch of its own; the wall clock stands in for the same moment.
        apart = [(await engine.execute(command)).row for command in some_payments(30)]
    together_book = type(book)(book.url)
    together_book.clock.now_us = book.clock.now_us
    async with together_book.open(Counters(POLICY)) as (engine, counters):
        counters.sequence = (await engine.reader.book()).sequence
        together = [outcome.row for outcome in await engine.execute_many(some_payments(30))]
    assert told(together) == told(apart)


async def test_decisions_are_stored_as_decided(book):
    async with book.open() as (engine, _):
        made = (await engine.execute(some_payments(1)[0])).row
        assert await engine.reader.get(Decision, made.id) == made


async def test_a_refused_batch_leaves_the_counters_alone(book):
    async with book.open() as (engine, live):
        await engine.execute(some_payments(1)[0])
        before = live.dump()
        outcomes = await engine.execute_many([ReportOutcome(payment=b"0" * 16, label=Label.FRAUD, caller=OPERATOR)])
        assert outcomes[0].refusal is not None
        assert live.dump() == before
