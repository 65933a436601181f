"""Shared reads: a crowd that asks for rows by key at the same time is answered by one statement.

In: single keys, from many callers. Out: each its row. Invariant: a read that answers a caller began after the caller
asked, so everybody sees what was committed before; who asks alone is served at once, as if nobody shared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from keelpay_server.book.world import Key

KEYS_MAX = 500
"""So many rows are read by one statement at most."""
Read = Callable[[type, Sequence[Key]], Awaitable[dict[Key, Any]]]


class SharedReads:
    """Reads by key, shared where callers come together.

    Args:
        read: Reads rows of one entity by their keys.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._wanted: dict[type, dict[Key, asyncio.Future[Any]]] = {}
        """What is asked for while a read of the entity is under way; an entity that is not read has no entry."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, entity: type, key: Key) -> Any:
        """Returns the row, or None.

        Raises:
            StorageLost: The database cannot be reached.
        """
        wanted = self._wanted.get(entity)
        if wanted is not None:
            waiting = wanted.get(key)
            if waiting is None:
                waiting = wanted[key] = asyncio.get_running_loop().create_future()
            return await asyncio.shield(waiting)  # others may wait for the same row
        self._wanted[entity] = {}
        try:
            return (await self._read(entity, (key,))).get(key)
        finally:
            self._go_on(entity)

    def _go_on(self, entity: type) -> None:
        """Serves those who asked meanwhile, if there are any."""
        if not self._wanted[entity]:
            del self._wanted[entity]
            return
        task = asyncio.create_task(self._serve(entity), name=f"read-{entity.__name__}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, entity: type) -> None:
        wanted = self._wanted[entity]
        served = {key: wanted.pop(key) for key in list(wanted)[:KEYS_MAX]}
        try:
            rows = await self._read(entity, tuple(served))
        except BaseException as error:
            for waiting in served.values():
                if not waiting.done():
                    waiting.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
                    waiting.exception()  # looked at: whoever asked may have left
            if not isinstance(error, Exception):
                raise
        else:
            for key, waiting in served.items():
                waiting.set_result(rows.get(key))
        finally:
            self._go_on(entity)
