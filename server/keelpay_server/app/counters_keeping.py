"""Keeping the risk counters: a snapshot every few minutes and on the way out, so that a start folds little.

In: live counters. Out: snapshots in the database. Invariant: beside the lane, never in its way: the copy is made in a
thread, the parts are written one by one, and one process of many does it; a snapshot that fails is only missed.
"""

import asyncio
import logging
from typing import Final

from keelpay_server.book.ports import StorageLost
from keelpay_server.risk.counters import Counters
from keelpay_server.risk.counters_snapshot import encode
from keelpay_server.risk.policy import RiskPolicy
from keelpay_server.storage.postgres import PostgresStore
from keelpay_server.storage.sqlite import SqliteStore

SNAPSHOT: Final = "risk"
EVERY_S: Final = 300.0
EVENTS_MIN: Final = 1_000
"""So much has to have happened since the last snapshot: folding less is quicker than reading one more."""
_log = logging.getLogger("keelpay.risk")


async def kept_counters(store: SqliteStore | PostgresStore, policy: RiskPolicy) -> Counters:
    """Returns the counters of the newest snapshot; new ones, which fold the whole journal, where there is none."""
    kept = await store.reader.snapshot(SNAPSHOT)
    if kept is None:
        return Counters(policy)
    try:
        return Counters.load(policy, kept[1])
    except ValueError as error:
        _log.warning("%s: the whole journal is read", error)
        return Counters(policy)


class CountersKeeping:
    """Takes snapshots.

    Args:
        store: Where to.
        counters: The live ones.
        every_s: How often, seconds.
        events_min: How many events a snapshot has to be ahead of the last one.
    """

    def __init__(
        self, store: SqliteStore | PostgresStore, counters: Counters, *, every_s: float = EVERY_S,
        events_min: int = EVENTS_MIN,
    ) -> None:  # fmt: skip
        self._store, self._counters, self._every_s, self._events_min = store, counters, every_s, events_min
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to take them."""
        self._task = asyncio.create_task(self._run(), name="counters")

    async def close(self) -> None:
        """Takes the last one, of whatever happened since; call it when the lane has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._take(1)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self._take(self._events_min)

    async def _take(self, events_min: int) -> None:
        try:
            if self._counters.sequence < await self._store.snapshot_sequence(SNAPSHOT) + events_min:
                return
            copy = await asyncio.to_thread(self._counters.copy)
            await self._store.save_snapshot(SNAPSHOT, copy.sequence, encode(copy))
        except (StorageLost, RuntimeError) as error:
            _log.warning("no snapshot of the risk counters this time: %s", error)
        except Exception:
            _log.exception("taking a snapshot of the risk counters failed")
