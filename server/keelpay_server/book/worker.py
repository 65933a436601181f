"""The worker: does later work when it is due: bank calls, queries, expiries, window closes, deliveries.

In: work rows, claimed by lease all day long, or handed over by the lane right after the commit that made them.
Out: handlers run, which end in commands. Invariant: a row is done by the commit of its effect, never before it.

A process keeps a row as long as its handler runs, however slow a bank is: it renews the lease. One that stood still for
longer than a lease (SIGSTOP, a paused machine) has lost it, and wakes up beside another that does the same row. That
does no harm: the other asks the bank with the operation's own key; "not known" counts only after the bank's settle
time, and then only a bank that takes a repeated key as the same operation is sent it again; elsewhere it is given up.
What the woken one brings back ends in a command that looks again: a result that is known changes nothing, and money
that was moved for an operation given up is a late success, which is given back.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from .changes import Work
from .lease import Lease
from .ports import Page, StorageLost, Store, WallClock
from .times import SECOND_US
from .world import Key, World

_log = logging.getLogger("keelpay.work")
IDLE_S = 0.25
CLAIM_MAX = 500
RUNNING_MAX = 256
"""So many handlers run at once at most before more work is claimed."""
LOOKS = 6
"""How often in the length of a lease the running work is looked at: it is renewed between a third and a half."""
Look = Callable[[type, Key], Any]
"""Finds an entity as the batch that made the work left it, or None where it is not at hand."""
Handler = Callable[[list[Work], Look], Awaitable[None]]
"""Does due work of one kind. An exception leaves the rows to be claimed again when their lease ends."""


class Worker:
    """Claims and does due work of one book.

    Args:
        store: Where work is claimed.
        lease: How this process leases work.
        wall: Wall clock.
    """

    def __init__(self, store: Store, lease: Lease, wall: WallClock) -> None:
        self._store, self._lease, self._wall = store, lease, wall
        self._handlers: Mapping[str, Handler] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._busy: dict[bytes, Work] = {}
        self._again: dict[bytes, tuple[Work, Look]] = {}
        self._unheard: deque[tuple[list[Work], Look]] = deque()
        self._claiming: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._closed = False

    def start(self, handlers: Mapping[str, Handler]) -> None:
        """Begins to claim; `handlers` has one entry a kind of work. Started again, it takes the new handlers."""
        self._handlers = handlers
        if self._claiming is not None:
            return
        self._claiming = asyncio.create_task(self._claim_all_day(), name="worker")
        self._renewing = asyncio.create_task(self._renew_all_day(), name="leases")

    def nudge(self) -> None:
        """Looks for due work now instead of at the next turn, as after an advance of the business clock."""
        self._nudge.set()

    def committed(self, world: World) -> None:
        """Follows up at once on work that a batch of this process made due."""
        if mine := self._mine(world):
            self._follow_up(mine, _look_in(world))

    def unheard(self, world: World) -> None:
        """Looks for the work of a batch whose commit was not heard of; where it is there, it is followed up at once."""
        if mine := self._mine(world):
            self._unheard.append((mine, _look_in(world)))
            self.nudge()

    async def close(self, grace_s: float = 10.0) -> None:
        """Stops claiming and waits for running handlers; what is not finished is claimed again by others."""
        self._closed = True
        await _cancel(self._claiming)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await _cancel(self._renewing)
        self._claiming = self._renewing = None

    async def idle(self) -> None:
        """Waits until nothing runs here (not until nothing is due)."""
        while self._running:
            await asyncio.wait(self._running)

    def _mine(self, world: World) -> list[Work]:
        """Returns a batch's work that this process has; after a long standstill others may have it by now."""
        tasks = world.touched.get(Work)
        if not tasks or self._closed:
            return []
        now = self._wall()
        return [task for task in tasks.values() if self._lease.holds(task, now)]

    def _follow_up(self, tasks: list[Work], look: Look) -> None:
        """Does what a commit made due; a row whose handler still runs here is done again when that has ended."""
        for task in tasks:
            if task.id in self._busy:
                self._again[task.id] = (task, look)
        self._dispatch([task for task in tasks if task.id not in self._busy], look)

    def _dispatch(self, tasks: Iterable[Work], look: Look) -> None:
        """Starts the handlers; a row that runs here already is left to its handler, unless it was scheduled anew."""
        by_kind: dict[str, list[Work]] = {}
        for task in tasks:
            if (busy := self._busy.get(task.id)) is None:
                by_kind.setdefault(task.kind, []).append(task)
            elif (busy.due_time, busy.attempt) != (task.due_time, task.attempt):
                self._again[task.id] = (task, look)
        for kind, group in by_kind.items():
            self._busy.update((task.id, task) for task in group)
            running = asyncio.create_task(self._handle(kind, group, look), name=f"work-{kind}")
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    def _end(self, group: list[Work]) -> None:
        for task in group:
            self._busy.pop(task.id, None)
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
                await self._find_unheard()
                if len(self._running) < RUNNING_MAX:
                    lease = self._lease
                    claimed = await self._store.claim(lease.owner, self._wall(), lease.length_us, CLAIM_MAX)
                self._dispatch(claimed, lambda _entity, _key: None)
            except StorageLost:
                _log.warning("cannot claim work: the database cannot be reached")
            except Exception:
                _log.exception("claiming work failed")
            if len(claimed) < CLAIM_MAX:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._nudge.wait()
                self._nudge.clear()

    async def _find_unheard(self) -> None:
        """Follows up on work that stands in the book as a lost batch left it: its commit was done, the answer lost."""
        while self._unheard:
            tasks, look = self._unheard[0]
            now = self._wall()
            tasks = [task for task in tasks if self._lease.holds(task, now)]
            found: set[Work] = set()
            for at in range(0, len(tasks), CLAIM_MAX):
                keys = [task.id for task in tasks[at : at + CLAIM_MAX]]
                found.update(await self._store.reader.find(Work, {"id": keys}, Page(CLAIM_MAX)))
            self._unheard.popleft()
            self._dispatch([task for task in tasks if task in found], look)

    async def _renew_all_day(self) -> None:
        while True:
            await asyncio.sleep(self._lease.length_us / SECOND_US / LOOKS)
            try:
                await self._renew()
            except StorageLost:
                _log.warning("cannot renew leases: the database cannot be reached")
            except Exception:
                _log.exception("renewing leases failed")

    async def _renew(self) -> None:
        """Renews what still runs after a third of its lease; a row that its handler has ended is not ours any more."""
        now = self._wall()
        worn = [key for key, task in self._busy.items() if self._lease.is_worn(task.lease_until_us, now)]
        if not worn:
            return
        until = self._lease.until(now)
        for key in await self._store.renew(self._lease.owner, until, worn):
            if key in self._busy:
                self._busy[key] = self._busy[key]._replace(lease_until_us=until)


def _look_in(world: World) -> Look:
    rows = world.rows
    return lambda entity, key: rows.get(entity, {}).get(key)


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
