"""A Store in memory whose batches end as a script says: for laws that a real database shows only by accident.

In: a script of what each transact does. Out: what was asked of it. Invariant: like a real one, it fills a world, lets
the batch decide and forgets everything of a batch that fails, but for one that fails after its commit.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from keelpay_server.book.batch import Batch
from keelpay_server.book.changes import Work
from keelpay_server.book.command import Command
from keelpay_server.book.ports import BookRow, Page
from keelpay_server.book.request import RequestRow
from keelpay_server.book.world import World

Step = Callable[[Batch], None]


class ScriptedStore:
    """Runs each batch against a dict; `before` and `after` the commit may raise, `gate` holds it back until set."""

    def __init__(self, before: Step = lambda batch: None) -> None:
        self.before = before
        self.after: Step = lambda batch: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.tried: list[Sequence[Command]] = []
        self.committed: list[Sequence[Command]] = []
        self.requests: dict[bytes, RequestRow] = {}
        self.due: list[Work] = []
        self.work: dict[bytes, Work] = {}
        self.renewed: list[tuple[str, int, list[bytes]]] = []
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
        self.work.update(world.touched.get(Work, {}))
        self.committed.append(batch.commands)
        self.after(batch)
        batch.committed()

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        self.claims += 1
        due, self.due = self.due[:limit], self.due[limit:]
        return due

    async def renew(self, owner: str, until_us: int, keys: Sequence[bytes]) -> list[bytes]:
        self.renewed.append((owner, until_us, list(keys)))
        return list(keys)

    async def find(self, _entity: type, where: Mapping[str, Sequence[bytes]], _page: Page) -> list[Work]:
        return [self.work[key] for key in where["id"] if key in self.work]

    async def book(self) -> BookRow:
        return BookRow(self.sequence, b"", 0, 0)
