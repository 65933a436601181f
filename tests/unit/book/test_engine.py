"""Laws of the engine's door that need a scripted store."""

import asyncio
import traceback

import pytest

from keelpay_server.book import lane as lane_module
from keelpay_server.book import worker as worker_module
from keelpay_server.book.engine import Engine, key_of
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.queue import QUEUE_MAX
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import request_of
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.book.things import Thing
from tests.unit.book.scripted_store import ScriptedStore
from tests.unit.book.test_lane import Later, notes


@pytest.fixture
async def engine(monkeypatch):
    monkeypatch.setattr(lane_module, "RETRY_S", ())
    made = Engine(1, ScriptedStore(), wall=lambda: 0, process="p", reactions={})
    yield made
    made.store.gate.set()
    await made.close()


async def test_many_commands_beyond_the_queue_are_told_so_each_and_the_rest_is_done(engine):
    outcomes = await engine.execute_many(notes(QUEUE_MAX + 1500))
    refused = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    assert {refusal.reason for refusal in refused} == {Reason.OVERLOADED}
    assert len(outcomes) - len(refused) == QUEUE_MAX
    assert sum(map(len, engine.store.committed)) == QUEUE_MAX


async def test_one_refusal_that_many_callers_raise_does_not_grow(engine):
    def lose(batch):
        raise StorageLost

    engine.store.before = lose
    engine.store.gate.clear()
    callers = [asyncio.create_task(engine.execute(notes(1)[0])) for _ in range(200)]
    await engine.store.entered.wait()
    engine.store.gate.set()
    raised = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(error, Refused) for error in raised)
    assert max(len(traceback.extract_tb(error.__traceback__)) for error in raised) < 10


async def test_work_of_a_batch_whose_commit_was_not_heard_of_is_done_at_once(engine, monkeypatch):
    monkeypatch.setattr(lane_module, "RETRY_S", (0.001,))
    monkeypatch.setattr(worker_module, "IDLE_S", 3600)
    done, lost = asyncio.Event(), []

    async def handle(tasks, look):
        assert [task.id for task in tasks] == [(7).to_bytes(4, "big")]
        done.set()

    def lose(batch):
        if not lost:
            lost.append(1)
            raise StorageLost("the answer")

    engine.start({"call": handle})
    engine.store.after = lose
    request = request_of("partner:acme", "/test/Later", "", bytes(16), b"")
    outcome = await engine.execute(Later(number=7, request=request))
    assert outcome.replayed
    await asyncio.wait_for(done.wait(), PATIENCE_S)


async def test_no_commands_are_no_batch(engine):
    assert await engine.execute_many([]) == []
    assert engine.store.tried == []


@pytest.mark.parametrize(
    "hint, remembered, key", [(bytes, b"\x01", b"\x01"), (str, "café".encode(), "café"), (int, b"\0" * 7 + b"\x05", 5)]
)
def test_a_remembered_key_is_read_back_as_the_entity_has_it(hint, remembered, key):
    entity = type("Entity", (), {"__annotations__": {"id": hint}})
    assert key_of(entity, remembered) == key
    assert key_of(Thing, b"\x01" * 16) == b"\x01" * 16
