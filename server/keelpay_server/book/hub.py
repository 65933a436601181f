"""The hub: wakes whoever waits for a resource or for the journal to grow.

In: worlds of durable batches of this process; sequences that other processes wrote, from polling. Out: wake-ups.
Invariant: a wake-up is only a hint; the waiter reads what is true, so a lost or spurious one costs time alone.
"""
import asyncio
import contextlib
from collections import defaultdict

from . import journal
from .ports import Reader, StorageLost
from .world import Key, World

POLL_S = 0.1


class Hub:
    """Wake-ups for one book.

    Args:
        reader: To see what other processes committed, while anybody waits.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sequence = 0
        self._waiters: defaultdict[Key | None, set[asyncio.Future[None]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def committed(self, world: World) -> None:
        """Wakes the waiters of a durable batch."""
        if world.events:
            self._wake({event[3] for event in world.events}, world.sequence)

    async def wait(self, key: Key | None, timeout_s: float) -> bool:
        """Waits until something happens to a resource, or to any with None; returns False when time is up."""
        future = asyncio.get_running_loop().create_future()
        waiters = self._waiters[key]
        waiters.add(future)
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name="hub")
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            waiters.discard(future)
            if not waiters:
                self._waiters.pop(key, None)
        return True

    async def close(self) -> None:
        """Wakes everybody and stops polling."""
        for key in list(self._waiters):
            self._release(key)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self, keys: set[Key], sequence: int) -> None:
        self._sequence = max(self._sequence, sequence)
        if self._waiters:
            for key in keys & self._waiters.keys():
                self._release(key)
            self._release(None)

    def _release(self, key: Key | None) -> None:
        for future in self._waiters.get(key, ()):
            if not future.done():
                future.set_result(None)

    async def _poll(self) -> None:
        """Looks for batches of other processes, as long as there are waiters."""
        while True:
            await asyncio.sleep(POLL_S)
            if self._waiters:
                with contextlib.suppress(StorageLost):
                    await self._look()

    async def _look(self) -> None:
        book = await self._reader.book()
        if not self._sequence:
            self._sequence = book.sequence
            self._release(None)
        while self._sequence < book.sequence:
            rows = await self._reader.journal(self._sequence, 50)
            if not rows:
                return
            keys = {event[3] for row in rows for event in journal.decode(row.body).events}
            self._wake(keys, rows[-1].last)
