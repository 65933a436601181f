"""Laws of the engine, on both databases: idempotency, isolation, refusals as outcomes, order, the chain."""

import asyncio

import pytest

from keelpay_server.book import journal
from keelpay_server.book.engine import Engine
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from tests.infrastructure.books import wall_us
from tests.integration.book.things import (
    AVAILABLE,
    BALANCE,
    MakeThing,
    OpenAccounts,
    RefuseThing,
    Thing,
    TouchThing,
    asked,
)


async def test_the_same_request_is_done_once_and_answers_the_same_thing(open_book: Engine) -> None:
    first = await open_book.execute(MakeThing(request=asked(1)))
    again = await open_book.execute(MakeThing(request=asked(1)))
    assert not first.replayed
    assert again.replayed
    assert again.key == first.key
    assert await open_book.reader.count(Thing, {}) == 1


async def test_the_same_request_twice_in_one_batch_is_done_once(open_book: Engine) -> None:
    outcomes = await open_book.execute_many([MakeThing(request=asked(1)) for _ in range(3)])
    assert len({outcome.key for outcome in outcomes}) == 1
    assert [outcome.replayed for outcome in outcomes] == [False, True, True]
    assert await open_book.reader.count(Thing, {}) == 1


async def test_another_body_under_a_known_id_is_refused_before_any_effect(open_book: Engine) -> None:
    await open_book.execute(MakeThing(request=asked(1)))
    with pytest.raises(Refused) as refused:
        await open_book.execute(MakeThing(request=asked(1, b"other")))
    assert refused.value.reason is Reason.IDEMPOTENCY_MISMATCH
    assert await open_book.reader.count(Thing, {}) == 1


async def test_a_refusal_is_remembered_and_told_again(open_book: Engine) -> None:
    for replayed in (False, True):
        with pytest.raises(Refused) as refused:
            await open_book.execute(RefuseThing(request=asked(1)))
        assert refused.value.reason is Reason.CONFIRMATION_REUSED
        assert refused.value.message == "it was used"
        assert refused.value.metadata == {"confirmation": "c1"}
        assert refused.value.replayed is replayed
    assert (await open_book.reader.book()).sequence == 0


async def test_a_refusal_keeps_what_it_changed(open_book: Engine) -> None:
    made = await open_book.execute(MakeThing())
    with pytest.raises(Refused):
        await open_book.execute(RefuseThing(request=asked(1), spend=made.key))
    thing = await open_book.reader.get(Thing, made.key)
    assert thing is not None
    assert thing.note == "spent"


async def test_a_broken_command_fails_alone(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts())
    commands = [MakeThing(request=asked(n), broken=n == 3, amount=0 if n == 3 else 10) for n in range(7)]
    outcomes = await open_book.execute_many(commands)
    failed = [n for n, outcome in enumerate(outcomes) if outcome.refusal is not None]
    assert failed == [3]
    assert outcomes[3].refusal is not None
    assert outcomes[3].refusal.reason is Reason.INTERNAL
    assert await open_book.reader.count(Thing, {}) == 6


async def test_a_command_that_cannot_be_saved_fails_alone(open_book: Engine) -> None:
    commands = [MakeThing(request=asked(n), name="poison" if n != 4 else 1 << 70) for n in range(9)]  # type: ignore[arg-type]
    outcomes = await open_book.execute_many(commands)
    assert [n for n, outcome in enumerate(outcomes) if outcome.refusal is not None] == [4]
    assert await open_book.reader.count(Thing, {}) == 8


async def test_a_floored_account_never_passes_below_zero_within_a_batch(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts(funds=100))
    outcomes = await open_book.execute_many([MakeThing(amount=40) for _ in range(4)])
    reasons = [None if outcome.refusal is None else outcome.refusal.reason for outcome in outcomes]
    assert reasons == [None, None, Reason.INSUFFICIENT_FUNDS, Reason.INSUFFICIENT_FUNDS]
    balance = await open_book.reader.account(BALANCE)
    assert balance is not None
    assert balance.credits - balance.debits == 20


async def test_later_commands_of_a_batch_see_earlier_ones(open_book: Engine) -> None:
    made = await open_book.execute(MakeThing())
    await open_book.execute_many([TouchThing(thing=made.key) for _ in range(50)])
    thing = await open_book.reader.get(Thing, made.key)
    assert thing is not None
    assert thing.touches == 50


async def test_many_callers_at_once_lose_nothing(open_book: Engine) -> None:
    made = await open_book.execute(MakeThing())
    await asyncio.gather(*(open_book.execute(TouchThing(thing=made.key)) for _ in range(300)))
    thing = await open_book.reader.get(Thing, made.key)
    assert thing is not None
    assert thing.touches == 300


async def test_a_cancelled_caller_cancels_no_commit(open_book: Engine) -> None:
    async def impatient(number: int) -> None:
        await asyncio.wait_for(open_book.execute(MakeThing(request=asked(number))), 0.0005 * (number % 7))

    await asyncio.gather(*(impatient(number) for number in range(60)), return_exceptions=True)
    outcomes = await open_book.execute_many([MakeThing(request=asked(number)) for number in range(60)])
    assert len({outcome.key for outcome in outcomes}) == 60
    assert await open_book.reader.count(Thing, {}) == 60


async def test_a_command_past_its_deadline_is_dropped_before_it_is_decided(open_book: Engine) -> None:
    with pytest.raises(Refused) as refused:
        await open_book.execute(MakeThing(request=asked(1), deadline_us=wall_us() - 1))
    assert refused.value.reason is Reason.DEADLINE_TOO_SHORT
    await open_book.execute(MakeThing(request=asked(1)))
    assert await open_book.reader.count(Thing, {}) == 1


async def test_sequences_are_gap_free_and_every_batch_links_to_the_one_before(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts())
    for size in (1, 20, 3):
        await open_book.execute_many([MakeThing(amount=1) for _ in range(size)])
    rows = await open_book.reader.journal(0)
    head, last = journal.GENESIS, 0
    for row in rows:
        assert row.first == last + 1
        head = journal.link(head, 1, row.first, row.last, row.wall_time, row.business_time, row.body)
        assert row.link == head
        assert [event[0] for event in journal.decode(row.body).events] == list(range(row.first, row.last + 1))
        last = row.last
    book = await open_book.reader.book()
    assert (book.sequence, book.head) == (last, head)


async def test_leg_rows_are_the_journals_legs_and_balances_their_sums(open_book: Engine) -> None:
    await open_book.execute(OpenAccounts(funds=500))
    await open_book.execute_many([MakeThing(amount=7) for _ in range(11)])
    stored = [tuple(leg) for leg in await open_book.reader.legs()]
    written = [tuple(leg) for row in await open_book.reader.journal(0) for leg in journal.decode(row.body).legs]
    assert stored == written
    available = await open_book.reader.account(AVAILABLE)
    assert available is not None
    assert available.credits == 77


async def test_the_business_clock_only_goes_forward(open_book: Engine) -> None:
    await open_book.execute(MakeThing())
    before = (await open_book.reader.book()).business_us
    await open_book.store.advance(86_400_000_000)
    await open_book.execute(MakeThing())
    after = (await open_book.reader.book()).business_us
    assert after - before >= 86_400_000_000
