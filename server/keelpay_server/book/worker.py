"""The worker: does later work when it is due: bank calls, queries, expiries, window closes, deliveries.

In: work rows, claimed by lease all day long, or handed over by the lane right after the commit that made them.
Out: handlers run, which end in commands. Invariant: a row is done by the commit of its effect, never before it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from .changes import Work
from .ports import StorageLost, Store, WallClock
from .world import LEASE_US, Key, World

_log = logging.getLogger("keelpay.work")
IDLE_S = 0.25
CLAIM_MAX = 500
RUNNING_MAX = 256
"""So many handlers run at once at most before more work is claimed."""
Look = Callable[[type, Key], Any]
"""Finds an entity as the batch that made the work left it, or None where it is not at hand."""
Handler = Callable[[list[Work], Look], Awaitable[None]]
"""Does due work of one kind. An exception leaves the rows to be claimed again when their lease ends."""


class Worker:
    """Claims and does due work of one book.

    Args:
        store: Where work is claimed.
        process: The name under which it is leased.
        wall: Wall clock.
    """

    def __init__(self, store: Store, process: str, wall: WallClock) -> None:
        self._store, self._process, self._wall = store, process, wall
        self._handlers: Mapping[str, Handler] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._busy: set[bytes] = set()
        self._again: dict[bytes, tuple[Work, Look]] = {}
        self._task: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._closed = False

    def start(self, handlers: Mapping[str, Handler]) -> None:
        """Begins to claim; `handlers` has one entry a kind of work. Started again, it takes the new handlers."""
        self._handlers = handlers
        if self._task is not None:
            return
        self._task = asyncio.create_task(self._claim_all_day(), name="worker")

    def nudge(self) -> None:
        """Looks for due work now instead of at the next turn, as after an advance of the business clock."""
        self._nudge.set()

    def committed(self, world: World) -> None:
        """Follows up at once on work that a batch of this process made due."""
        tasks = world.touched.get(Work)
        if tasks and not self._closed:
            mine = [task for task in tasks.values() if task.lease_owner == self._process]
            if mine:
                rows = world.rows
                self._follow_up(mine, lambda entity, key: rows.get(entity, {}).get(key))

    async def close(self, grace_s: float = 10.0) -> None:
        """Stops claiming and waits for running handlers; what is not finished is claimed again by others."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def idle(self) -> None:
        """Waits until nothing runs here (not until nothing is due)."""
        while self._running:
            await asyncio.wait(self._running)

    def _follow_up(self, tasks: list[Work], look: Look) -> None:
        """Does what a commit made due; a row whose handler still runs here is done again when that has ended."""
        for task in tasks:
            if task.id in self._busy:
                self._again[task.id] = (task, look)
        self._dispatch([task for task in tasks if task.id not in self._busy], look)

    def _dispatch(self, tasks: Iterable[Work], look: Look) -> None:
        """Starts the handlers; a row that runs here already is left to its handler, with its lease renewed."""
        by_kind: dict[str, list[Work]] = {}
        for task in tasks:
            if task.id not in self._busy:
                by_kind.setdefault(task.kind, []).append(task)
        for kind, group in by_kind.items():
            self._busy.update(task.id for task in group)
            running = asyncio.create_task(self._handle(kind, group, look), name=f"work-{kind}")
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    def _end(self, group: list[Work]) -> None:
        for task in group:
            self._busy.discard(task.id)
            if not self._closed and (again := self._again.pop(task.id, None)) is not None:
                self._dispatch([again[0]], again[1])

    async def _handle(self, kind: str, group: list[Work], look: Look) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            _log.error("no handler for work of kind %r: %d rows wait", kind, len(group))
            self._end(group)
            return
        try:
            await handler(group, look)
        except Exception:
            _log.exception("work of kind %r failed: %d rows will be claimed again", kind, len(group))
        finally:
            self._end(group)

    async def _claim_all_day(self) -> None:
        while True:
            claimed: list[Work] = []
            try:
                if len(self._running) < RUNNING_MAX:
                    claimed = await self._store.claim(self._process, self._wall(), LEASE_US, CLAIM_MAX)
                self._dispatch(claimed, lambda _entity, _key: None)
            except StorageLost:
                _log.warning("cannot claim work: the database cannot be reached")
            except Exception:
                _log.exception("claiming work failed")
            if len(claimed) < CLAIM_MAX:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._nudge.wait(), IDLE_S)
                self._nudge.clear()
