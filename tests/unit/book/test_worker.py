"""Laws of the worker's loop that need no database: it goes on after trouble, and ends without leaving tasks behind."""

import asyncio

import pytest

from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.lease import Lease
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.worker import CLAIM_MAX, Worker
from keelpay_server.book.world import World
from tests.infrastructure.clock import SettableClock
from tests.infrastructure.waiting import until
from tests.unit.book.scripted_store import ScriptedStore

LEASE = Lease("me", 60_000)


def task(number, kind="call", due=0):
    return LEASE.take(Work(number.to_bytes(4, "big"), kind, b"", WALL, due), 0)


def world_of(*tasks, lease=LEASE):
    """The world of a batch that made work due."""
    world = World(1, 0, b"", 0, 0, 1, 0)
    world.lease = lease
    world.apply(Changes(work=tasks))
    return world


@pytest.fixture
async def store(monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE_S", 0.005)
    return ScriptedStore()


@pytest.fixture
def clock():
    return SettableClock(0)


@pytest.fixture
async def worker(store, clock):
    made = Worker(store, LEASE, clock)
    yield made
    await made.close(0.01)


async def test_due_work_is_handled_by_kind_in_one_call_each(worker, store):
    handled = []

    async def handle(tasks, look):
        handled.append([row.kind for row in tasks])

    store.due = [task(1), task(2, "expiry"), task(3)]
    worker.start({"call": handle, "expiry": handle})
    await until(lambda: len(handled) == 2)
    assert sorted(handled) == [["call", "call"], ["expiry"]]


async def test_a_full_claim_is_followed_by_the_next_without_waiting(worker, store, monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE_S", 60)
    handled = []

    async def handle(tasks, look):
        handled.extend(tasks)

    store.due = [task(number) for number in range(2 * CLAIM_MAX + 3)]
    worker.start({"call": handle})
    await until(lambda: len(handled) == 2 * CLAIM_MAX + 3)


async def test_a_nudge_looks_now(worker, store, monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE_S", 60)
    handled = []

    async def handle(tasks, look):
        handled.extend(tasks)

    worker.start({"call": handle})
    await until(lambda: store.claims == 1)
    store.due = [task(1)]
    worker.nudge()
    await until(lambda: handled)


@pytest.mark.parametrize("trouble", [StorageLost("gone"), RuntimeError("a bug")])
async def test_claiming_goes_on_after_trouble(worker, store, trouble, monkeypatch):
    claim, failed = store.claim, []

    async def failing(*arguments):
        if len(failed) < 3:
            failed.append(1)
            raise trouble
        return await claim(*arguments)

    monkeypatch.setattr(store, "claim", failing)
    handled = []

    async def handle(tasks, look):
        handled.extend(tasks)

    store.due = [task(1)]
    worker.start({"call": handle})
    await until(lambda: handled)


async def test_a_failing_handler_and_an_unknown_kind_stop_nothing(worker, store, caplog):
    handled = []

    async def fail(tasks, look):
        raise ZeroDivisionError

    async def handle(tasks, look):
        handled.extend(tasks)

    store.due = [task(1, "failing"), task(2, "unheard-of"), task(3)]
    worker.start({"failing": fail, "call": handle})
    await until(lambda: handled)
    await worker.idle()
    assert "ZeroDivisionError" in caplog.text
    assert "unheard-of" in caplog.text


async def test_closing_lets_handlers_end_and_then_ends_those_that_do_not(worker, store):
    ended = []

    async def handle(tasks, look):
        try:
            await asyncio.sleep(0.02 if tasks[0].kind == "quick" else 60)
            ended.append("done")
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cancelled")
            raise

    store.due = [task(1, "quick"), task(2, "endless")]
    worker.start({"quick": handle, "endless": handle})
    await until(lambda: len(worker._running) == 2)
    await worker.close(0.2)
    assert ended == ["done", "cancelled"]
    claims = store.claims
    await asyncio.sleep(0.02)
    assert store.claims == claims


# ---- leases


def holding(worker, store, *tasks):
    """Lets handlers run until the gate is opened; returns it, and what they were given."""
    gate, given = asyncio.Event(), []

    async def handle(group, look):
        given.extend(group)
        await gate.wait()

    store.due = list(tasks)
    worker.start({"call": handle, "expiry": handle})
    return gate, given


async def test_a_lease_is_renewed_when_a_third_has_passed_and_its_handler_still_runs(worker, store, clock):
    gate, given = holding(worker, store, task(1), task(2, "expiry"))
    await until(lambda: len(given) == 2)
    clock.leap(LEASE.length_us // 3 - 1)
    await asyncio.sleep(0.03)
    assert store.renewed == []
    clock.leap(1)
    await until(lambda: store.renewed)
    await asyncio.sleep(0.03)
    assert store.renewed == [("me", clock() + LEASE.length_us, [task(1).id, task(2).id])]  # once, all together
    clock.leap(LEASE.length_us // 3)
    await until(lambda: len(store.renewed) == 2)
    gate.set()
    await worker.idle()
    clock.leap(LEASE.length_us // 3)
    await asyncio.sleep(0.03)
    assert len(store.renewed) == 2


async def test_a_lease_that_could_not_be_renewed_is_tried_again(worker, store, clock, monkeypatch):
    tries, renew = [], store.renew

    async def fail(*arguments):
        tries.append(1)
        if len(tries) < 3:
            raise StorageLost("gone") if len(tries) == 1 else RuntimeError("a bug")
        return [] if len(tries) == 3 else await renew(*arguments)  # left out, for a batch is writing it

    monkeypatch.setattr(store, "renew", fail)
    _, given = holding(worker, store, task(1))
    await until(lambda: given)
    clock.leap(LEASE.length_us // 2)
    await until(lambda: store.renewed)
    await asyncio.sleep(0.03)
    assert len(tries) == 4


async def test_leases_are_renewed_while_a_closing_worker_waits_for_its_handlers(worker, store, clock):
    gate, given = holding(worker, store, task(1))
    await until(lambda: given)
    closing = asyncio.create_task(worker.close(5))
    clock.leap(LEASE.length_us // 2)
    await until(lambda: store.renewed)
    gate.set()
    await closing


async def test_work_that_this_process_lost_before_it_heard_of_it_is_left_to_the_others(worker, store, clock):
    _, given = holding(worker, store)
    world = world_of(task(1))
    clock.leap(LEASE.length_us)
    worker.committed(world)
    worker.unheard(world)
    store.work = dict(world.touched[Work])
    await asyncio.sleep(0.03)
    assert given == []


async def test_work_that_was_scheduled_anew_while_it_ran_is_done_again_and_other_work_is_not(worker, store):
    gate, given = holding(worker, store, task(1), task(2))
    await until(lambda: len(given) == 2)
    store.due = [task(1, due=5), task(2)]
    claims = store.claims
    await until(lambda: store.claims > claims + 1)
    assert len(given) == 2
    gate.set()
    await until(lambda: len(given) == 3)
    await worker.idle()
    assert given[2] == task(1, due=5)


# ---- commits that were not heard of


async def test_work_that_stands_as_a_lost_batch_left_it_is_followed_up_with_what_that_batch_knew(worker, store):
    looks = []

    async def handle(group, look):
        looks.extend((each.id, look(Work, each.id)) for each in group)

    worker.start({"call": handle})
    world = world_of(task(1), task(2), task(3))
    there, changed, _gone = world.touched[Work].values()
    store.work = {there.id: there, changed.id: changed._replace(attempt=1)}
    worker.unheard(world)
    await until(lambda: looks)
    await asyncio.sleep(0.03)
    assert looks == [(there.id, there)]


async def test_a_lost_batch_is_looked_for_until_the_database_answers(worker, store, monkeypatch):
    find, failed = store.find, []

    async def fail(*arguments):
        if len(failed) < 3:
            failed.append(1)
            raise StorageLost("gone")
        return await find(*arguments)

    monkeypatch.setattr(store, "find", fail)
    _, given = holding(worker, store)
    world = world_of(task(1))
    store.work = dict(world.touched[Work])
    worker.unheard(world)
    await until(lambda: given)
    assert len(failed) == 3


async def test_lost_work_that_runs_here_by_now_is_not_run_twice(worker, store):
    gate, given = holding(worker, store)
    world = world_of(task(1))
    store.work = dict(world.touched[Work])
    worker.committed(world)
    worker.unheard(world)
    await asyncio.sleep(0.03)
    gate.set()
    await worker.idle()
    assert len(given) == 1
