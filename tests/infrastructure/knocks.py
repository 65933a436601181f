"""A closed door: a port that takes every connection and ends it at once, and writes down when somebody knocked.

In: nothing. Out: an address, and the moments of the knocks. Invariant: nobody ever gets in.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ASK_AGAIN_S = 0.2


@dataclass(slots=True)
class ClosedDoor:
    """Where it is, and who came when (monotonic seconds)."""

    address: str = ""
    knocks: list[float] = field(default_factory=list)

    def longest_pause_s(self) -> float:
        """How long nobody knocked, at most, up to now."""
        moments = [*self.knocks, time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    async def besiege(self, ask: Callable[[], Awaitable[object]], seconds: float) -> None:
        """Asks again and again, whatever the answer, so that the connection is always wanted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                await ask()
            await asyncio.sleep(ASK_AGAIN_S)


@asynccontextmanager
async def closed_door() -> AsyncIterator[ClosedDoor]:
    """Opens one."""
    door = ClosedDoor()

    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.knocks.append(time.monotonic())
        writer.close()

    server = await asyncio.start_server(turn_away, "127.0.0.1", 0)
    async with server:
        door.address = "{}:{}".format(*server.sockets[0].getsockname()[:2])
        yield door
