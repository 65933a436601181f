"""Laws of the lane: order, overload, loss, death, isolation, drain. What SQL adds is tested on real databases."""

import asyncio
import logging
from dataclasses import dataclass

import pytest

from keelpay_server.book import lane as lane_module
from keelpay_server.book.changes import WALL, Changes, Event, Work
from keelpay_server.book.command import Command
from keelpay_server.book.lane import Lane
from keelpay_server.book.lease import Lease
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.queue import QUEUE_MAX
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import Unloaded
from tests.infrastructure.waiting import PATIENCE_S
from tests.unit.book.scripted_store import ScriptedStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Command):
    number: int = 0
    poison: bool = False

    def decide(self, world):
        return Changes(events=(Event("noted", "note", bytes([self.number % 256]), 1, "", {}),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Second(Command):
    """Decidable only in a batch after its first."""

    seen: list

    def decide(self, world):
        self.seen.append(world.first)
        if len(self.seen) < 2:
            raise Unloaded
        return Changes(events=(Event("noted", "note", b"x", 1, "", {}),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Never(Command):
    def decide(self, world):
        raise Unloaded


@pytest.fixture
async def store():
    return ScriptedStore()


@pytest.fixture
async def lane(store):
    made = open_lane(store)
    yield made
    store.gate.set()
    await made.close()


def open_lane(store, committed=lambda world: None, unheard=lambda world: None):
    return Lane(1, store, reactions={}, projection=None, lease=Lease("p"), committed=committed, unheard=unheard)


def notes(count, first=0):
    return [Note(number=first + n) for n in range(count)]


def reasons(outcomes):
    return [None if outcome.refusal is None else outcome.refusal.reason for outcome in outcomes]


async def hold(lane, store):
    """Lets one batch enter the store and stay there, so that everything after it queues."""
    store.gate.clear()
    future = lane.submit(notes(1))
    await store.entered.wait()
    return future


# ---- order


async def test_what_queues_while_a_batch_commits_is_one_batch(lane, store):
    first = await hold(lane, store)
    later = [lane.submit(notes(1)) for _ in range(20)] + [lane.submit(notes(30))]
    store.gate.set()
    await asyncio.gather(first, *later)
    assert [len(commands) for commands in store.committed] == [1, 50]


async def test_a_lonely_caller_does_not_wait_for_others(lane, store, monkeypatch):
    monkeypatch.setattr(lane_module, "PATIENCE_S", 3600)
    monkeypatch.setattr(lane_module, "PATIENCE_S_MAX", 3600)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(20):
            await lane.submit(notes(1))


async def test_single_commands_take_their_turn_before_big_messages(lane, store):
    first = await hold(lane, store)
    big = [lane.submit(notes(900, 1000)), lane.submit(notes(900, 2000))]
    single = [lane.submit(notes(1, 10)), lane.submit(notes(1, 11))]
    store.gate.set()
    await asyncio.gather(first, *big, *single)
    order = [[command.number for command in commands] for commands in store.committed]
    assert order[1][:2] == [10, 11]
    assert order[1][2] == 1000
    assert order[2][0] == 2000


async def test_a_big_message_is_not_held_back_for_ever_by_single_commands(lane, store):
    big = None
    for turn in range(6):
        store.entered.clear()
        held = await hold(lane, store)
        if big is None:
            big = lane.submit(notes(1000, 5000))
        singles = [lane.submit(notes(1, turn)) for _ in range(5)]
        store.gate.set()
        await asyncio.gather(held, *singles)
    assert big.done()


async def test_answers_come_in_the_order_of_their_commands(lane, store):
    outcomes = await asyncio.gather(*(lane.submit(notes(n + 1)) for n in range(30)))
    assert [len(answers) for answers in outcomes] == list(range(1, 31))


# ---- overload


async def test_a_full_queue_refuses_at_once(lane, store):
    first = await hold(lane, store)
    waiting = [lane.submit(notes(1000)) for _ in range(QUEUE_MAX // 1000)]
    with pytest.raises(Refused) as refused:
        lane.submit(notes(1))
    assert refused.value.reason is Reason.OVERLOADED
    assert refused.value.retry_after_ms > 0
    assert lane.queued == QUEUE_MAX
    store.gate.set()
    await asyncio.gather(first, *waiting)
    assert lane.queued == 0
    assert reasons(await lane.submit(notes(1))) == [None]


async def test_who_gave_up_in_the_queue_is_dropped_and_leaves_room(lane, store):
    first = await hold(lane, store)
    gone = lane.submit(notes(5, 100))
    gone.cancel()
    stays = lane.submit(notes(2, 200))
    store.gate.set()
    await asyncio.gather(first, stays)
    assert lane.queued == 0
    assert [command.number for commands in store.tried for command in commands] == [0, 200, 201]


async def test_who_gives_up_during_the_commit_stops_nothing(lane, store):
    first = await hold(lane, store)
    first.cancel()
    store.gate.set()
    await lane.submit(notes(1))
    assert len(store.committed) == 2


# ---- loss of the database


async def test_a_lost_database_is_tried_again_with_the_same_batch(monkeypatch, store):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.001,) * 3)
    losses = iter([True, True, False])

    def lose(batch):
        if next(losses, False):
            raise StorageLost("cut")

    store.before = lose
    lane = open_lane(store)
    assert reasons(await lane.submit(notes(3))) == [None] * 3
    assert [len(commands) for commands in store.tried] == [3, 3, 3]
    assert len(store.committed) == 1
    await lane.close()


async def test_a_database_that_stays_lost_is_told_and_later_callers_hear_it_at_once(monkeypatch, store, caplog):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.01,) * 4)

    def lose(batch):
        raise StorageLost("gone")

    store.before = lose
    lane = open_lane(store)
    with caplog.at_level(logging.WARNING, "keelpay.book"):
        outcomes = await lane.submit(notes(2))
        assert reasons(outcomes) == [Reason.STORAGE_UNAVAILABLE] * 2
        assert outcomes[0].refusal.retry_after_ms > 0
        assert len(store.tried) == 5
        for _ in range(3):  # no long waits now: two tries a batch
            assert reasons(await lane.submit(notes(1))) == [Reason.STORAGE_UNAVAILABLE]
        assert len(store.tried) == 5 + 3 * 2
        store.before = lambda batch: None
        assert reasons(await lane.submit(notes(1))) == [None]
    assert "gone" in caplog.text
    assert "is back" in caplog.text
    store.before = lose  # and a new outage is waited for again
    await lane.submit(notes(1))
    assert len(store.tried) == 11 + 1 + 5
    await lane.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Command):
    """Makes work."""

    number: int

    def decide(self, world):
        task = Work(self.number.to_bytes(4, "big"), "call", b"", WALL, 0)
        return Changes(events=(Event("noted", "note", b"x", 1, "", {}),), work=(task,))


async def test_lost_batches_with_work_are_told_of_once_a_later_one_is_durable(monkeypatch, store):
    monkeypatch.setattr(lane_module, "RETRY_S", ())
    told = []
    lane = open_lane(store, unheard=told.append)

    def lose(batch):
        raise StorageLost("cut")

    store.after = lose
    for number in range(lane_module.UNHEARD_MAX + 3):
        await lane.submit([Later(number=number)])
        await lane.submit(notes(1))  # without work, there is nothing to look for
    store.before = lose  # nothing was decided: nothing can have been committed
    await lane.submit([Later(number=1000)])
    assert told == []
    store.before = store.after = lambda batch: None
    await lane.submit(notes(1))
    found = [int.from_bytes(key, "big") for world in told for key in world.touched[Work]]
    assert found == list(range(3, lane_module.UNHEARD_MAX + 3))
    await lane.submit(notes(1))
    assert len(told) == lane_module.UNHEARD_MAX
    await lane.close()


# ---- poison


async def test_a_failing_save_is_halved_until_the_poison_stands_alone(lane, store):
    def choke(batch):
        if any(command.poison for command in batch.commands):
            raise LookupError("poison")

    store.before = choke
    commands = notes(100)
    for bad in (0, 41, 42, 99):
        commands[bad] = Note(number=bad, poison=True)
    outcomes = await lane.submit(commands)
    assert [at for at, reason in enumerate(reasons(outcomes)) if reason is Reason.INTERNAL] == [0, 41, 42, 99]
    assert [command.number for commands in store.committed for command in commands] == [
        number for number in range(100) if number not in {0, 41, 42, 99}
    ]


async def test_a_loss_in_the_midst_of_halving_is_a_loss_not_poison(monkeypatch, store):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.001,))
    tries = 0

    def choke(batch):
        nonlocal tries
        tries += 1
        if len(batch.commands) == 4:
            raise LookupError
        if tries == 2:
            raise StorageLost

    store.before = choke
    lane = open_lane(store)
    assert reasons(await lane.submit(notes(4))) == [None] * 4
    await lane.close()


# ---- what cannot be decided yet


async def test_what_could_not_see_enough_is_decided_in_the_next_batch(lane, store):
    second = Second(seen=[])
    outcomes = await lane.submit([*notes(2), second, *notes(2)])
    assert reasons(outcomes) == [None] * 5
    assert [len(commands) for commands in store.committed] == [5, 1]
    assert second.seen == [1, 5]


async def test_what_can_never_see_enough_is_a_conflict_and_holds_up_nobody(lane, store):
    outcomes = await lane.submit([Never(), *notes(1)])
    assert reasons(outcomes) == [Reason.CONFLICT, None]
    assert len(store.committed) == 1 + lane_module.DEFERRALS_MAX


# ---- death


async def test_a_dying_lane_fails_its_futures_at_once_and_starts_again(store, caplog):
    alive = False

    def die(world):
        if not alive:
            raise RuntimeError("a bug after the commit")

    lane = open_lane(store, committed=die)
    first = await hold(lane, store)
    behind = [lane.submit(notes(3)) for _ in range(3)]
    store.gate.set()
    answers = await asyncio.wait_for(asyncio.gather(first, *behind), PATIENCE_S)
    assert {reason for outcomes in answers for reason in reasons(outcomes)} == {Reason.STORAGE_UNAVAILABLE}
    assert [len(outcomes) for outcomes in answers] == [1, 3, 3, 3]
    assert lane.queued == 0
    assert "a bug after the commit" in caplog.text
    alive = True
    assert reasons(await lane.submit(notes(2))) == [None, None]
    await lane.close()


async def test_a_cancelled_lane_leaves_nobody_waiting(store):
    lane = open_lane(store)
    first = await hold(lane, store)
    behind = lane.submit(notes(2))
    lane._task.cancel()
    answers = await asyncio.wait_for(asyncio.gather(first, behind), PATIENCE_S)
    assert {reason for outcomes in answers for reason in reasons(outcomes)} == {Reason.STORAGE_UNAVAILABLE}


# ---- drain


async def test_draining_refuses_new_callers_and_commits_what_is_queued(store):
    lane = open_lane(store)
    first = await hold(lane, store)
    behind = [lane.submit(notes(700)) for _ in range(4)]
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0)
    with pytest.raises(Refused) as refused:
        lane.submit(notes(1))
    assert refused.value.reason is Reason.DRAINING
    assert not closing.done()
    store.gate.set()
    answers = await asyncio.gather(first, *behind)
    await asyncio.wait_for(closing, PATIENCE_S)
    assert {reason for outcomes in answers for reason in reasons(outcomes)} == {None}


async def test_an_idle_lane_closes_at_once(store):
    for used in (False, True):
        lane = open_lane(store)
        if used:
            await lane.submit(notes(1))
        await asyncio.wait_for(lane.close(), PATIENCE_S)
