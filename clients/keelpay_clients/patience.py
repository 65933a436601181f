"""Patience: waiting for what the server does a moment later: settling, paying out, refunding.

In: a question that is answered by None while it has to be asked again. Out: the answer. Invariant: nothing is waited
for longer than a bound, and what was waited for is said.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from .run_error import ImpatientError

T = TypeVar("T")
PATIENCE_S: Final = 120.0
"""The longest wait: for an answer under a rate limit, or for work that runs in the background."""
PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 0.4


async def until(ask: Callable[[], Awaitable[T | None]], what: str, *, patience_s: float = PATIENCE_S) -> T:
    """Asks again and again, less and less often, until there is an answer.

    Args:
        ask: Returns None while there is none.
        what: Is waited for, for the error.
        patience_s: How long at most.

    Raises:
        ImpatientError: It takes longer.
    """
    deadline = time.monotonic() + patience_s
    pause_s = PAUSE_S
    while True:
        answer = await ask()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise ImpatientError(f"{what} did not come to an end within {patience_s:.0f} s")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, PAUSE_MAX_S)
