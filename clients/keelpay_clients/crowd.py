"""Crowd: does many things at once, but never more than a few, and keeps what went wrong.

In: work as coroutines. Out: their results. Invariant: one that fails is told at the end and stops no other; a mistake
of this program itself is not caught.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from keelpay import KeelpayError

from .run_error import RunError

T = TypeVar("T")
S = TypeVar("S")
AT_ONCE: Final = 24
"""Calls under way at a time: enough for the server to gather batches, few enough to time each honestly."""


async def for_each(
    items: Iterable[T],
    act: Callable[[T], Awaitable[S]],
    *,
    failures: list[str] | None = None,
    advance: Callable[[], None] = lambda: None,
    at_once: int = AT_ONCE,
) -> list[S]:
    """Does something for each item.

    Args:
        items: For which.
        act: What.
        failures: Where errors of the server are told, one text each; None raises the first one after all are done.
        advance: Called after each.
        at_once: How many at a time.

    Returns:
        The results of those that went well.
    """
    gate = asyncio.Semaphore(at_once)
    results: list[S] = []
    errors: list[KeelpayError | RunError] = []

    async def one(item: T) -> None:
        async with gate:
            try:
                results.append(await act(item))
            except (KeelpayError, RunError) as error:
                errors.append(error)
        advance()

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))
    if errors and failures is None:
        raise errors[0]
    if failures is not None:
        failures.extend(str(error) for error in errors)
    return results
