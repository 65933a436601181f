"""Waiting for what nothing tells of: a test looks again until it is so, however slow the machine.

In: a condition, plain or awaitable. Out: what it was when it held. Invariant: a wait without end is a failure.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

PATIENCE_S = 20.0
"""What comes at all comes by then; how long it may take is no law of a test that waits."""
POLL_S = 0.005


async def until(condition: Callable[[], Any]) -> Any:
    """Returns as soon as a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(POLL_S)
