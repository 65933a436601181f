"""The lane: the one writer of a book in this process, batching whatever queues up while the last batch commits.

In: jobs of commands. Out: one future a job, resolved only after its commit is durable.
Invariant: nothing is answered before it is on disk; a full queue refuses at once; a cancelled caller cancels nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from .batch import DEFERRED, Batch
from .changes import Outcome, Work
from .command import Command
from .lease import Lease
from .ports import StorageLost, Store
from .projection import Projection
from .queue import BATCH_MAX, Job, Queue
from .reaction import Reactions
from .reasons import Reason
from .refusal import Refused
from .world import World

_log = logging.getLogger("keelpay.book")
DEFERRALS_MAX = 4
CROWD = 4
"""From so many callers a batch, smoothed, the lane waits once more for others to join."""
PATIENCE_S = 0.004
PATIENCE_A_CALLER_S = 0.00025
PATIENCE_S_MAX = 0.016
"""It waits at least, for each caller of its batches, and at most so long: a batch of 60 that waits 15 ms gathers 80 and
spares each caller a part of the batch's own cost; for a small crowd the wait would cost more than it brings."""
REST_BATCHES = 16
RETRY_S = (0.02, 0.1, 0.3, 1.0, 1.0)
"""How long to wait before each new try while the database cannot be reached."""
UNHEARD_MAX = 16
"""So many lost batches are remembered at most; the work of older ones waits for the end of its lease."""
Committed = Callable[[World], None]


class Lane:
    """Serialises the commands of one book.

    Args:
        book: Book number.
        store: Where batches are committed.
        reactions: What higher rooms add to lower rooms' commands.
        projection: The risk counters, or None.
        lease: How this process leases work.
        committed: Called with the world of each durable batch, before its callers are answered.
        unheard: Called with the world of a lost batch that may have been committed all the same, once that is
            settled: a later one was committed, and all of them wait for the book's lock.
    """

    def __init__(
        self,
        book: int,
        store: Store,
        *,
        reactions: Reactions,
        projection: Projection | None,
        lease: Lease,
        committed: Committed,
        unheard: Committed,
    ) -> None:
        self._book, self._store, self._reactions, self._projection = book, store, reactions, projection
        self._lease = lease
        self._committed, self._unheard = committed, unheard
        self._unsettled: deque[World] = deque(maxlen=UNHEARD_MAX)
        self._queue = Queue()
        self._crowd, self._resting = 0.0, 0
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._busy = False
        self._closed = False
        self._lost = False
        self._task = asyncio.create_task(self._supervise(), name=f"lane-{book}")

    @property
    def queued(self) -> int:
        """How many commands wait."""
        return self._queue.size

    def submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Outcome]]":
        """Queues commands; they commit together if they fit one batch.

        Args:
            commands: 1..`queue.BATCH_MAX` of them.

        Raises:
            Refused: OVERLOADED if the queue is full, DRAINING after `close`.
        """
        if self._closed:
            raise Refused(Reason.DRAINING, retry_after_ms=1000)
        job = Job(commands, asyncio.get_running_loop().create_future())
        self._queue.put(job)
        self._idle.clear()
        self._wake.set()
        return job.done

    async def close(self) -> None:
        """Refuses new jobs, commits what is queued, and stops."""
        self._closed = True
        if self._queue.size or self._busy:
            await self._idle.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _supervise(self) -> None:
        """Keeps the loop alive: if it dies, its waiting jobs fail at once and it begins again."""
        while True:
            try:
                await self._run()
            except asyncio.CancelledError:
                self._fail_all()
                raise
            except Exception:
                _log.exception("the lane of book %d died and starts again", self._book)
                self._fail_all()

    def _fail_all(self) -> None:
        self._busy = False
        self._idle.set()
        while jobs := self._queue.take():
            _lose(jobs)

    async def _run(self) -> None:
        while True:
            if not self._queue.size:
                self._wake.clear()
                self._idle.set()
            await self._wake.wait()
            await self._gather()
            jobs = self._queue.take()
            if jobs:
                self._busy = True
                try:
                    await self._commit(jobs)
                except BaseException:
                    _lose(jobs)
                    raise
                finally:
                    self._busy = False

    async def _gather(self) -> None:
        """Lets the queue stop growing; where batches gather a crowd, waits once more as long as that brings callers."""
        queue, before = self._queue, -1
        while before < queue.size < BATCH_MAX:
            before = queue.size
            await asyncio.sleep(0)
        if self._resting:
            self._resting -= 1
        elif self._crowd >= CROWD and queue.size < BATCH_MAX:
            before = queue.jobs
            await asyncio.sleep(min(max(PATIENCE_S, PATIENCE_A_CALLER_S * self._crowd), PATIENCE_S_MAX))
            if queue.jobs < before * 1.25:
                self._resting = REST_BATCHES

    async def _commit(self, jobs: list[Job]) -> None:
        commands = jobs[0].commands if len(jobs) == 1 else [c for job in jobs for c in job.commands]
        outcomes = await self._settle(commands)
        self._crowd += (len(jobs) - self._crowd) * 0.2
        at = 0
        for job in jobs:
            end = at + len(job.commands)
            job.resolve(outcomes[at:end])
            at = end

    async def _settle(self, commands: Sequence[Command]) -> list[Outcome]:
        """Commits the commands, deciding again those that could not see yet what an earlier one of the batch made."""
        outcomes = await self._save(commands)
        for _ in range(DEFERRALS_MAX):
            late = [i for i, outcome in enumerate(outcomes) if outcome is DEFERRED]
            if not late:
                break
            for i, outcome in zip(late, await self._save([commands[i] for i in late]), strict=True):
                outcomes[i] = outcome
        return outcomes

    async def _save(self, commands: Sequence[Command]) -> list[Outcome]:
        batch = Batch(self._book, commands, self._reactions, self._projection, self._lease)
        # Once an outage has outlasted every wait, each batch asks but twice and fails fast, until one comes through.
        for wait_s in (*(RETRY_S[:1] if self._lost else RETRY_S), None):
            try:
                await self._store.transact(batch)
            except StorageLost as error:
                self._report(error, final=wait_s is None)
                if batch.world is not None and batch.world.touched.get(Work):
                    self._unsettled.append(batch.world)
                batch.world = None
                if wait_s is None:
                    lost = Outcome(None, b"", Refused(Reason.STORAGE_UNAVAILABLE, retry_after_ms=2000))
                    return [lost] * len(commands)
                await asyncio.sleep(wait_s)
            except Exception:
                return await self._bisect(commands)
            else:
                if self._lost:
                    self._lost = False
                    _log.warning("book %d: the database is back", self._book)
                while self._unsettled:
                    self._unheard(self._unsettled.popleft())
                if batch.world is not None:
                    self._committed(batch.world)
                return batch.outcomes
        raise AssertionError

    def _report(self, error: StorageLost, *, final: bool) -> None:
        if not self._lost:
            what = "callers are refused" if final else "trying again"
            _log.warning("book %d: the database cannot be used, %s: %s", self._book, what, error)
        self._lost = self._lost or final

    async def _bisect(self, commands: Sequence[Command]) -> list[Outcome]:
        """A save failed: halves the batch until the poisoned command stands alone, and refuses only that one."""
        if len(commands) == 1:
            _log.exception("a save failed: %s", type(commands[0]).__name__)
            return [Outcome(None, b"", Refused(Reason.INTERNAL))]
        half = len(commands) // 2
        return await self._save(commands[:half]) + await self._save(commands[half:])


def _lose(jobs: list[Job]) -> None:
    lost = Outcome(None, b"", Refused(Reason.STORAGE_UNAVAILABLE, retry_after_ms=1000))
    for job in jobs:
        job.resolve([lost] * len(job.commands))
