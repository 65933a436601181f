"""A book whose webhooks are sent to a real receiver on this machine, on a clock that a test may move."""

import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from keelpay_server.events.courier import Courier
from keelpay_server.events.outbox import Outbox
from keelpay_server.events.sender import Sender, SendingSettings
from keelpay_server.events.subscription import DELIVER
from tests.infrastructure.books import open_engine
from tests.integration.events.happenings import ACME, SEAL, as_caller, begin, service
from tests.integration.events.receiver import receiving


class MovedClock:
    """The real clock and a step."""

    def __init__(self):
        self.step_us = 0

    def __call__(self):
        return time.time_ns() // 1000 + self.step_us


@asynccontextmanager
async def post_office(url, receiver, clock, *, process="test-process", settings=None):
    """An engine that sends webhooks; the handler joins after the engine it needs."""
    couriers = []

    async def deliver(tasks, look):
        await couriers[0].handle(tasks, look)

    sender = Sender(settings or SendingSettings(loopback=True, timeout_s=60.0), receiver.trust)
    async with open_engine(url, process=process, wall=clock, handlers={DELIVER: deliver}) as engine:
        couriers.append(Courier(engine, SEAL, sender))
        outbox = Outbox(engine)
        outbox.start()
        try:
            yield engine, service(engine, sender=sender)
        finally:
            await outbox.close()
            sender.close()


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
async def receiver(tmp_path):
    async with receiving(tmp_path) as running:
        yield running


@pytest.fixture
async def office(database_url, receiver, clock):
    """(engine, EventService) with acme's and other's merchants; the caller is acme."""
    async with AsyncExitStack() as stack:
        engine, served = await stack.enter_async_context(post_office(database_url, receiver, clock))
        await begin(engine)
        as_caller(ACME)
        yield engine, served
