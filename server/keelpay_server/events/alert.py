"""Tells a reader of several books when there is something new to read, or when the process leaves.

In: the hubs of the books, the drain. Out: wake-ups. Invariant: a reader that arms, then reads, then waits misses
nothing: what is committed after the arming ends the wait.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from keelpay_server.book.hub import Hub
from keelpay_server.book.refusal import Refused

LIFE_S = 15.0
"""A watch says something at least this often, in seconds."""


class Leaving(Protocol):
    """How a process that stops tells those who watch; the drain of `rpc` is one."""

    async def wait(self) -> None:
        """Returns when the process begins to leave."""

    def refusal(self) -> Refused:
        """Returns what watchers are told then."""


class Alert:
    """Wake-ups of one reader.

    Args:
        hubs: Of the books it reads.
        leaving: The drain.
    """

    def __init__(self, hubs: Sequence[Hub], leaving: Leaving) -> None:
        self._hubs = hubs
        self._waits: list[asyncio.Task[bool] | None] = [None] * len(hubs)
        self._leaving = asyncio.create_task(leaving.wait())

    @property
    def leaving(self) -> bool:
        """Whether the process leaves."""
        return self._leaving.done()

    async def arm(self) -> None:
        """From now on nothing that is committed is missed."""
        for at, (hub, wait) in enumerate(zip(self._hubs, self._waits, strict=True)):
            if wait is None or wait.done():
                self._waits[at] = asyncio.create_task(hub.wait(None, LIFE_S))
        await asyncio.sleep(0)

    async def wait(self, timeout_s: float) -> None:
        """Waits until something was committed since the arming, the process leaves, or time is up."""
        waits = [wait for wait in self._waits if wait is not None]
        await asyncio.wait([*waits, self._leaving], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        """Waits no more."""
        for task in [*self._waits, self._leaving]:
            if task is not None:
                task.cancel()
