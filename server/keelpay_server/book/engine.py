"""The engine: what servicers and workers hold to change and to read one book.

In: commands. Out: outcomes. Invariant: the lane's commit belongs to the lane; a waiting caller may vanish at any time.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TypeVar

from .changes import Outcome
from .command import Command
from .hub import Hub
from .lane import Lane
from .lease import LEASE_US, Lease
from .ports import Reader, Store, WallClock
from .projection import Projection
from .queue import BATCH_MAX
from .reaction import Reactions
from .reasons import Reason
from .refusal import Refused
from .request import Request, RequestRow, recall
from .worker import Handler, Worker
from .world import Key, World

_log = logging.getLogger("keelpay.book")
Row = TypeVar("Row")


class Engine:
    """One book, open for business.

    Args:
        book: Book number.
        store: Where it lives.
        wall: Wall clock.
        process: The name of this process, unique among those that share the database.
        reactions: What higher rooms add to lower rooms' commands.
        projection: The risk counters, or None.
        lease_us: How long this process keeps work that it took, unless it ends or renews it; above zero, and the
            same in all processes that share the database.
    """

    def __init__(
        self,
        book: int,
        store: Store,
        *,
        wall: WallClock,
        process: str,
        reactions: Reactions,
        projection: Projection | None = None,
        lease_us: int = LEASE_US,
    ) -> None:
        self.book, self.wall = book, wall
        self.store = store
        self.reader: Reader = store.reader
        self.hub = Hub(store.reader)
        lease = Lease(process, lease_us)
        self.worker = Worker(store, lease, wall)
        self._lane = Lane(
            book, store, reactions=reactions, projection=projection, lease=lease, committed=self._committed,
            unheard=self.worker.unheard,
        )  # fmt: skip

    def start(self, handlers: Mapping[str, Handler]) -> None:
        """Begins to do later work; `handlers` has one entry a kind."""
        self.worker.start(handlers)

    async def execute(self, command: Command) -> Outcome:
        """Decides and commits one command.

        Returns:
            Its outcome; a repeat has no row (read it by its key).

        Raises:
            Refused: The reason it was not carried out, fresh or remembered; OVERLOADED; STORAGE_UNAVAILABLE.
        """
        outcome: Outcome = (await self._lane.submit((command,)))[0]
        if outcome.refusal is not None:
            # One refusal may answer many callers: each raises it without the others' traceback.
            raise outcome.refusal.with_traceback(None)
        return outcome

    async def execute_many(self, commands: Sequence[Command]) -> list[Outcome]:
        """Decides and commits many commands in few batches; refusals stand in their outcomes, OVERLOADED too."""
        futures = [self._submit(commands[at : at + BATCH_MAX]) for at in range(0, len(commands), BATCH_MAX)]
        outcomes = [outcome for future in futures for outcome in await future]
        for command, outcome in zip(commands, outcomes, strict=True):
            if outcome.refusal is not None and command.request is None:  # nobody hears of it but the log
                _log.warning("%s was refused: %s %s", command, outcome.refusal.reason.name, outcome.refusal.message)
        return outcomes

    async def repeated(self, request: Request) -> Outcome | None:
        """Returns the outcome of a request that was carried out before, or None for one that was not heard of.

        For services that look at what a request names before they command: what it did may have changed that since.

        Raises:
            Refused: IDEMPOTENCY_MISMATCH; the remembered reason.
        """
        row = await self.reader.get(RequestRow, request.key)
        if row is None:
            return None
        refusal = recall(row, request)
        if refusal is not None:
            raise refusal
        return Outcome(None, row.entity, replayed=True)

    async def answer(self, entity: type[Row], outcome: Outcome) -> Row:
        """Returns the entity an outcome speaks of: as the command left it, or as it is now for a repeat.

        Raises:
            Refused: RESOURCE_NOT_FOUND if it is gone.
        """
        if type(outcome.row) is entity:
            return outcome.row
        row = await self.reader.get(entity, key_of(entity, outcome.key))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        return row

    async def close(self) -> None:
        """Finishes what was accepted, then stops."""
        await self.worker.close()
        await self._lane.close()
        await self.hub.close()

    def _submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Outcome]]":
        """Queues one batch; where it has no room, that is its outcome: batches queued before it will be done."""
        try:
            return self._lane.submit(commands)
        except Refused as refusal:
            refused = asyncio.get_running_loop().create_future()
            refused.set_result([Outcome(None, b"", refusal)] * len(commands))
            return refused

    def _committed(self, world: World) -> None:
        self.hub.committed(world)
        self.worker.committed(world)


def key_of(entity: type, key: Key) -> Key:
    """Returns the key of an entity from what was remembered of it: a name, a number or a server-made id."""
    if not isinstance(key, bytes):
        return key
    kind = entity.__annotations__["id"]
    if kind in {str, "str"}:
        return key.decode()
    return int.from_bytes(key, "big") if kind in {int, "int"} else key
