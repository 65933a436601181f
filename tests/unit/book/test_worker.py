"""Laws of the worker's loop that need no database: it goes on after trouble, and ends without leaving tasks behind."""

import asyncio

import pytest

from keelpay_server.book import worker as worker_module
from keelpay_server.book.changes import WALL, Work
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.worker import CLAIM_MAX, Worker
from tests.unit.book.scripted_store import ScriptedStore


def task(number, kind="call"):
    return Work(number.to_bytes(4, "big"), kind, b"", WALL, 0)


@pytest.fixture
async def store(monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE_S", 0.005)
    return ScriptedStore()


@pytest.fixture
async def worker(store):
    made = Worker(store, "me", lambda: 0)
    yield made
    await made.close(0.01)


async def until(condition):
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110  (a handler's list has no event)
            await asyncio.sleep(0.001)


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
