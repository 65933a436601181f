"""Things that happen, for tests of whoever is told: merchants, and events of anybody's.

In: owners. Out: committed events, and the servicer's world around them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.need import Need
from keelpay_server.book.paging import Pager
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.events.cursor import Cursors
from keelpay_server.events.seal import SecretSeal
from keelpay_server.events.sender import Sender, SendingSettings
from keelpay_server.events.service import EventService
from keelpay_server.rpc.drain import Drain
from tests.infrastructure.waiting import PATIENCE_S

ACME = Caller(CallerKind.PARTNER, "acme", "acme")
OTHER = Caller(CallerKind.PARTNER, "other", "other")
OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")
SEAL = SecretSeal(b"k" * 32)
CURSORS = Cursors(b"c" * 32)
METHOD = "/keelpay.api.event.v1.EventService/Test"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeMerchant(Command):
    """A merchant of a partner, without accounts: events need no more of it."""

    name: str
    partner: str

    def decide(self, world: World) -> Changes:
        now = world.wall_us
        row = Merchant(
            self.name, self.partner, world.new_owner(), int(MerchantState.ACTIVE), 1, self.name, self.name, "CNY",
            "Asia/Shanghai@00:00", "{}", "", "", 0, "", now, now,
        )  # fmt: skip
        event = Event("merchant.created", "merchants", row.id, 1, row.id, {"state": 1})
        return Changes(row, events=(event,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Happen(Command):
    """Something that happens to payments of an owner: one event for each number."""

    owner: str
    numbers: Sequence[int]
    what: str = "payment.captured"

    def needs(self, need: Need) -> None:
        pass

    def decide(self, world: World) -> Changes:
        events = (
            Event(self.what, "pay", number.to_bytes(16, "big"), 1, self.owner, {"amount": number})
            for number in self.numbers
        )
        return Changes(events=tuple(events))


async def begin(engine: Engine) -> None:
    """Two partners: acme with cafe and bar, other with shop."""
    for name, partner in (("cafe", "acme"), ("bar", "acme"), ("shop", "other")):
        await engine.execute(MakeMerchant(name=name, partner=partner))


async def happen(engine: Engine, owner: str, *numbers: int, what: str = "payment.captured") -> None:
    await engine.execute(Happen(owner=owner, numbers=numbers, what=what))


def as_caller(caller: Caller) -> None:
    """The call that the pipeline would have set."""
    set_current(Call("test-request", caller, METHOD, 0))


def service(*engines: Engine, drain: Drain | None = None, sender: Sender | None = None) -> EventService:
    leaving = drain or Drain(200)
    return EventService(engines, Pager(b"p" * 32), CURSORS, SEAL, sender or Sender(SendingSettings()), lambda: leaving)


def amounts(events) -> list[int]:
    """What tells events of `happen` apart."""
    return [int(event.data["amount"]) for event in events if "amount" in event.data]


@asynccontextmanager
async def streaming(served: EventService, request, caller: Caller = ACME) -> AsyncIterator["Listener"]:
    """A stream being read in the background."""
    listener = Listener(served, request, caller)
    try:
        yield listener
    finally:
        await listener.close()


class Listener:
    """Reads a stream and keeps what came."""

    def __init__(self, served: EventService, request, caller: Caller) -> None:
        self.events: list = []
        self.cursors: list[str] = []
        self.empty = 0
        self.ended: Refused | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read(served, request, caller))

    async def _read(self, served, request, caller) -> None:
        as_caller(caller)
        try:
            async for message in served.StreamEvents(request, None):
                self.events += message.events
                self.cursors.append(message.cursor)
                self.empty += not message.events
                self._news.set()
        except Refused as refused:
            self.ended = refused
            self._news.set()

    async def until(self, condition, timeout_s: float = PATIENCE_S) -> None:
        """Waits until what came satisfies a condition."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                if self._task.done():
                    self._task.result()
                    assert condition(self), self.ended
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
