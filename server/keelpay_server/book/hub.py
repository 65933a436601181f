"""The hub: wakes whoever watches a resource or the growth of the journal.

In: worlds of durable batches of this process; sequences that other processes wrote, from polling. Out: wake-ups.
Invariant: a watch that is made, then read for, then waited on misses nothing; a wake-up without cause costs time alone.
"""

import asyncio
import logging
from collections import defaultdict
from types import TracebackType
from typing import Self

from . import journal
from .ports import Reader, StorageLost
from .world import Key, World

_log = logging.getLogger("keelpay.book")
POLL_S = 0.1
ROWS_MAX = 50


class Watch:
    """Hears of one resource, or of any with None, from its making to its end: `with hub.watch(key) as watch:`."""

    def __init__(self, hub: "Hub", key: Key | None) -> None:
        self._hub, self.key = hub, key
        self._heard = asyncio.Event()
        self.world: World | None = None
        """The batch of this process that was heard of last, or None where another process wrote."""

    def __enter__(self) -> Self:
        self._hub.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.leave(self)

    def hear(self, world: World | None = None) -> None:
        """Something happened."""
        self.world = world
        self._heard.set()

    async def wait(self, timeout_s: float) -> bool:
        """Waits for what happens after the last wait, or the making; returns False when time is up.

        What happened while the watcher was reading counts, so a look after each wait sees everything.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()
        except TimeoutError:
            return False
        self._heard.clear()
        return True


class Hub:
    """Wake-ups for one book.

    Args:
        reader: To see what other processes committed, while anybody watches.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sequence: int | None = None
        """Everything up to here was told; None while nobody watches, and until the next look."""
        self._watches: defaultdict[Key | None, set[Watch]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def committed(self, world: World) -> None:
        """Wakes the watchers of a durable batch."""
        if world.events:
            self._wake({event[3] for event in world.events}, world)
            # Where another process wrote in between, the next look tells of its events (and again of ours).
            if self._sequence == world.first - 1:
                self._sequence = world.sequence

    def watch(self, key: Key | None) -> Watch:
        """Returns a watch of a resource, or of any with None; it hears from `with` on."""
        return Watch(self, key)

    async def wait(self, key: Key | None, timeout_s: float) -> bool:
        """Waits until something happens to a resource, or to any with None; returns False when time is up.

        What happened before is not heard: who reads and then waits uses `watch`.
        """
        with self.watch(key) as watch:
            return await watch.wait(timeout_s)

    def enter(self, watch: Watch) -> None:
        """Takes in a watch."""
        self._watches[watch.key].add(watch)
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name="hub")

    def leave(self, watch: Watch) -> None:
        """Forgets a watch."""
        watches = self._watches[watch.key]
        watches.discard(watch)
        if not watches:
            self._watches.pop(watch.key, None)

    async def close(self) -> None:
        """Wakes everybody and stops polling."""
        self._wake_all()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self, keys: set[Key], world: World | None = None) -> None:
        if self._watches:
            for key in (*(keys & self._watches.keys()), None):
                for watch in self._watches.get(key, ()):
                    watch.hear(world)

    def _wake_all(self) -> None:
        for watches in self._watches.values():
            for watch in watches:
                watch.hear()

    async def _poll(self) -> None:
        """Looks for batches of other processes, as long as there are watches."""
        while True:
            await asyncio.sleep(POLL_S)
            if not self._watches:
                self._sequence = None
                continue
            try:
                await self._look()
            except StorageLost:
                continue
            except Exception:  # a hub that stops looking would leave every watcher to its timeout
                _log.exception("looking for other processes' batches failed")

    async def _look(self) -> None:
        book = await self._reader.book()
        if self._sequence is None:
            self._sequence = book.sequence
            self._wake_all()
        while self._sequence < book.sequence:
            rows = await self._reader.journal(self._sequence, ROWS_MAX)
            if not rows:
                return
            self._wake({event[3] for row in rows for event in journal.decode(row.body).events})
            self._sequence = max(self._sequence, rows[-1].last)
