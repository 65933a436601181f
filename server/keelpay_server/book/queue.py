"""The queue: what waits for the lane, and what of it goes into the next batch.

In: jobs, one a caller. Out: the jobs of one batch, in the order of their turns. Invariant: it never holds more commands
than QUEUE_MAX; who brings one command waits for other single ones only, never for a big message that still waits.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from .changes import Outcome
from .command import Command
from .reasons import Reason
from .refusal import Refused

BATCH_MAX: Final = 1000
QUEUE_MAX: Final = 20_000


class Job:
    """What one caller wants done together, and where it waits for the answer.

    Args:
        commands: 1..BATCH_MAX of them.
        done: The caller's future.
    """

    __slots__ = ("commands", "done")

    def __init__(self, commands: Sequence[Command], done: "asyncio.Future[list[Outcome]]") -> None:
        self.commands, self.done = commands, done

    def resolve(self, outcomes: list[Outcome]) -> None:
        """Answers the caller, unless it has gone."""
        if not self.done.done():
            self.done.set_result(outcomes)


class Queue:
    """See the module.

    Attributes:
        size: How many commands wait.
    """

    __slots__ = ("_jobs", "size")

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self.size = 0

    @property
    def jobs(self) -> int:
        """How many callers wait."""
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Adds a job where its turn is: a single command before the big messages at the end.

        Raises:
            Refused: OVERLOADED if the queue is full.
        """
        count = len(job.commands)
        if self.size + count > QUEUE_MAX:
            raise Refused(Reason.OVERLOADED, retry_after_ms=500)
        self.size += count
        at = len(self._jobs)
        if count == 1:
            while at and len(self._jobs[at - 1].commands) > 1:
                at -= 1
        self._jobs.insert(at, job)

    def take(self) -> list[Job]:
        """Takes the jobs of one batch, none only where none wait.

        Those whose caller gave up meanwhile are dropped: nothing happened.
        """
        jobs: list[Job] = []
        count = 0
        while self._jobs and (not jobs or count + len(self._jobs[0].commands) <= BATCH_MAX):
            job = self._jobs.popleft()
            self.size -= len(job.commands)
            if not job.done.cancelled():
                jobs.append(job)
                count += len(job.commands)
        return jobs
