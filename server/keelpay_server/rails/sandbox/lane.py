"""The way of many callers to one sandbox bank: commits are shared, and no caller waits in the event loop's thread.

In: calls of any number of tasks. Out: answers after the commit. Invariant: the bank is used by one caller at a time;
a caller that goes away does not take its operation back.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, Final, ParamSpec, TypeVar

from keelpay_server.book.rail import OperationRequest

from .bank import SandboxBank
from .desk import Answer

P = ParamSpec("P")
T = TypeVar("T")

_COMMIT_ITEMS_MAX: Final = 5000


class BankLane:
    """Serialises callers; a bank in memory is called at once, one with a file in a thread.

    Args:
        bank: The bank.
    """

    def __init__(self, bank: SandboxBank) -> None:
        self.bank = bank
        self._lock = asyncio.Lock()
        self._waiting: list[tuple[Sequence[OperationRequest], asyncio.Future[list[Answer]]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def operate(self, requests: Sequence[OperationRequest]) -> list[Answer]:
        """Carries out operations; those of callers that wait at the same time share a commit."""
        if not self.bank.durable:
            return self.bank.operate(requests)
        answered: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append((requests, answered))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await answered

    async def call(self, function: Callable[Concatenate[SandboxBank, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls any other method of the bank."""
        if not self.bank.durable:
            return function(self.bank, *args, **kwargs)
        return await asyncio.shield(self._call_alone(function, *args, **kwargs))

    async def close(self) -> None:
        """Lets the commits under way finish and closes the bank."""
        if self._worker is not None:
            await self._worker
        async with self._lock:
            self.bank.close()

    async def _call_alone(
        self, function: Callable[Concatenate[SandboxBank, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._lock:
            return await asyncio.to_thread(function, self.bank, *args, **kwargs)

    async def _work(self) -> None:
        while self._waiting:
            async with self._lock:
                taken, size = [], 0
                while self._waiting and size < _COMMIT_ITEMS_MAX:
                    taken.append(self._waiting.pop(0))
                    size += len(taken[-1][0])
                try:
                    merged = [request for requests, _ in taken for request in requests]
                    answers = iter(await asyncio.to_thread(self.bank.operate, merged))
                except Exception as error:
                    for _, answered in taken:
                        if not answered.done():
                            answered.set_exception(error)
                    continue
            for requests, answered in taken:
                own = [next(answers) for _ in requests]
                if not answered.done():
                    answered.set_result(own)
