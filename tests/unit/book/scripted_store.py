"""A Store in memory whose batches end as a script says: for laws that a real database shows only by accident.

In: a script of what each transact does. Out: what was asked of it. Invariant: like a real one, it fills a world, lets
the batch decide and forgets everything of a batch that fails.
"""

import asyncio
from collections.abc import Callable, Sequence

from keelpay_server.book.batch import Batch
from keelpay_server.book.changes import Work
from keelpay_server.book.command import Command
from keelpay_server.book.ports import BookRow
from keelpay_server.book.request import RequestRow
from keelpay_server.book.world import World

Step = Callable[[Batch], None]


class ScriptedStore:
    """Runs each batch against a dict; `before` may raise, `gate` holds batches back until it is set."""

    def __init__(self, before: Step = lambda batch: None) -> None:
        self.before = before
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.tried: list[Sequence[Command]] = []
        self.committed: list[Sequence[Command]] = []
        self.requests: dict[bytes, RequestRow] = {}
        self.due: list[Work] = []
        self.claims = 0
        self.sequence = 0
        self.reader = self

    async def transact(self, batch: Batch) -> None:
        self.tried.append(batch.commands)
        self.entered.set()
        await self.gate.wait()
        self.before(batch)
        world = World(1, self.sequence, b"", 1_000_000, 1_000_000, 1, 0)
        world.requests = dict(self.requests)
        for need in batch.rounds(world):
            need.clear()
        batch.decide(world)
        self.sequence = world.sequence
        self.requests = world.requests
        self.committed.append(batch.commands)
        batch.committed()

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        self.claims += 1
        due, self.due = self.due[:limit], self.due[limit:]
        return due

    async def book(self) -> BookRow:
        return BookRow(self.sequence, b"", 0, 0)
