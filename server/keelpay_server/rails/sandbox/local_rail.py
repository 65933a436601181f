"""The sandbox bank as a rail in the same process: no wire, no serialisation, the same faults and silences.

In: the engine's operations. Out: results. Invariant: behaves as the gRPC connector does before the same bank, silences
included: what is not heard within the bank's declared time is UNKNOWN.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from keelpay_server.book.rail import (
    OperationOutcome,
    OperationRequest,
    OperationResult,
    RailCapabilities,
    Statement,
)
from keelpay_server.book.times import SECOND_US

from .bank import SandboxBank
from .behaviour import BankProfile
from .delivery import Delivery
from .faults import FaultPlan
from .lane import BankLane
from .store import BankStore

NO_ANSWER: Final = "NO_ANSWER"


class LocalRail:
    """A connector to a sandbox bank in this process.

    Args:
        delivery: The way to the bank.
        elapsed_us: A clock that only measures how long the bank took, in microseconds.
    """

    def __init__(self, delivery: Delivery, elapsed_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self.delivery = delivery
        self.bank = delivery.lane.bank
        self._capabilities = self.bank.capabilities()
        self._elapsed_us = elapsed_us

    async def capabilities(self) -> RailCapabilities:
        """Returns what the bank declares."""
        return self._capabilities

    async def authorize_many(self, operations: Sequence[OperationRequest]) -> AsyncIterator[Sequence[OperationResult]]:
        """Yields the results of each batch as the bank would answer it."""
        size = self._capabilities.batch_items_max
        for start in range(0, len(operations), size):
            batch = operations[start : start + size]
            yield await self._heard(self.delivery.operate(batch), [operation.key for operation in batch])

    async def capture(self, operation: OperationRequest) -> OperationResult:
        """Takes reserved money."""
        return await self._single(operation)

    async def void(self, operation: OperationRequest) -> OperationResult:
        """Gives back reserved money."""
        return await self._single(operation)

    async def refund(self, operation: OperationRequest) -> OperationResult:
        """Returns captured money."""
        return await self._single(operation)

    async def pay(self, operation: OperationRequest) -> OperationResult:
        """Sends money from our reserve account."""
        return await self._single(operation)

    async def resume(self, key: bytes, payload: bytes) -> OperationResult:
        """Hands over what a redirected payer brought back."""
        return await self.delivery.lane.call(SandboxBank.resume, key, payload)

    async def query_many(self, keys: Sequence[bytes]) -> Sequence[OperationResult]:
        """Tells what became of operations."""
        return await self._heard(self.delivery.query(keys), keys)

    async def statement(self, day: date, currency: str) -> Statement:
        """Returns the statement of a closed day.

        Raises:
            StatementUnavailableError: The day is open, or the account had no such day.
        """
        return await self.delivery.lane.call(SandboxBank.statement, day, currency)

    async def close(self) -> None:
        """Closes the bank."""
        await self.delivery.lane.close()

    async def _single(self, operation: OperationRequest) -> OperationResult:
        return (await self._heard(self.delivery.operate((operation,)), (operation.key,)))[-1]

    async def _heard(self, call: Awaitable[list[OperationResult]], keys: Sequence[bytes]) -> list[OperationResult]:
        """Returns what the bank answered, doubles included, and UNKNOWN for every key it said nothing of."""
        begin_us = self._elapsed_us()
        results = await call
        if not results:
            await self.delivery.sleep(self._capabilities.authorize_timeout_us / SECOND_US)
        bank_us = self._elapsed_us() - begin_us
        heard = [
            result._replace(outcome=OperationOutcome.UNKNOWN, bank_us=bank_us)
            if result.outcome is OperationOutcome.MISMATCH
            else result._replace(bank_us=bank_us)
            for result in results
        ]
        silent = set(keys).difference(result.key for result in results)
        unknown = OperationOutcome.UNKNOWN
        return heard + [OperationResult(key, unknown, NO_ANSWER, bank_us=bank_us) for key in keys if key in silent]


def open_local_rail(
    profile: BankProfile,
    *,
    clock: Callable[[], int],
    path: Path | None = None,
    plan: FaultPlan | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    page: str = "",
) -> LocalRail:
    """Returns a sandbox bank as a rail.

    Args:
        profile: Which bank it is.
        clock: The bank's clock, microseconds since the epoch.
        path: Its file; None keeps it in memory, which suits demos and benchmarks.
        plan: How often calls go wrong.
        sleep: Waits for seconds.
        page: URL of the page that asks redirected payers; empty where nobody serves one.
    """
    return LocalRail(Delivery(BankLane(SandboxBank(profile, BankStore(path), clock, page=page)), plan, sleep))
