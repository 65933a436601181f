"""The connector to any bank that serves keelpay.api.rail.v1.RailService.

In: the engine's operations. Out: results. Invariant: one call an operation, never repeated by this connector nor by
gRPC beneath it; a status other than OK, a missing item, an answer about another key are UNKNOWN.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

import grpc

from keelpay.api.rail.v1 import operation_pb2, operation_request_pb2, query_request_pb2, rail_service_pb2_grpc
from keelpay_server.book.rail import (
    OperationOutcome,
    OperationRequest,
    OperationResult,
    RailCapabilities,
    Statement,
    StatementUnavailableError,
)
from keelpay_server.book.times import SECOND_US

from . import grpc_conversion as conversion
from .grpc_capabilities import capabilities_of
from .grpc_statement import read_statement

_log = logging.getLogger("keelpay.rails")
NO_ANSWER: Final = "NO_ANSWER"
_CAPABILITIES_TIMEOUT_S: Final = 5.0
_STATEMENT_TIMEOUT_S: Final = 600.0
_BATCHES_AT_ONCE: Final = 4
_MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
_OPTIONS: Final = (
    # gRPC must not send a money call a second time on its own, nor take a retry policy from the bank's DNS.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 30_000),
    # gRPC's own pause grows to two minutes: so long every payment would be UNKNOWN after the bank is back.
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class RailTls(NamedTuple):
    """Transport security to a bank, PEM. Without a private key the bank does not learn who calls."""

    root_certificates: bytes | None = None
    private_key: bytes | None = None
    certificate_chain: bytes | None = None


class GrpcRail:
    """A connector to one bank.

    Args:
        address: HOST:PORT.
        tls: Transport security; None speaks in the clear, which is for tests on one machine.
        name: What the bank has to call itself; a bank of another name is told nothing. Empty for any.

    Attributes:
        stranger: What the bank called itself instead of `name`; empty as long as it did not.
        channel: To the bank's process.
    """

    def __init__(self, address: str, tls: RailTls | None = None, name: str = "") -> None:
        self._name, self.stranger = name, ""
        if tls is None:
            self.channel = grpc.aio.insecure_channel(address, _OPTIONS)
        else:
            self.channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*tls), _OPTIONS)
        self._stub: rail_service_pb2_grpc.RailServiceAsyncStub = rail_service_pb2_grpc.RailServiceStub(self.channel)
        self._capabilities: RailCapabilities | None = None

    async def close(self) -> None:
        """Closes the channel; calls under way become UNKNOWN."""
        await self.channel.close()

    async def capabilities(self) -> RailCapabilities | None:
        """Asks what the bank can do; what it said last where it does not answer, None where it never did."""
        try:
            response = await self._stub.GetCapabilities(
                query_request_pb2.GetCapabilitiesRequest(), timeout=_CAPABILITIES_TIMEOUT_S
            )
        except Exception:
            return self._capabilities
        declared = capabilities_of(response.capabilities)
        if self._name not in {"", declared.bank}:
            self.stranger, self._capabilities = declared.bank, None
            _log.error("the bank %s calls itself %r; nothing is sent to it", self._name, declared.bank)
            return None
        self.stranger, self._capabilities = "", declared
        return self._capabilities

    async def authorize_many(self, operations: Sequence[OperationRequest]) -> AsyncIterator[Sequence[OperationResult]]:
        """Yields the results of each batch as it is answered."""
        known = self._capabilities or await self.capabilities()
        if known is None:
            yield _unknown([operation.key for operation in operations], NO_ANSWER, 0)
            return
        size = known.batch_items_max
        gate = asyncio.Semaphore(_BATCHES_AT_ONCE)
        batches = [operations[start : start + size] for start in range(0, len(operations), size)]
        tasks = [asyncio.create_task(self._authorize_batch(batch, known, gate)) for batch in batches]
        try:
            for answered in asyncio.as_completed(tasks):
                yield await answered
        finally:
            for task in tasks:
                task.cancel()

    async def capture(self, operation: OperationRequest) -> OperationResult:
        """Takes reserved money."""
        return await self._operate(self._stub.Capture, conversion.capture_message(operation), operation.key)

    async def void(self, operation: OperationRequest) -> OperationResult:
        """Gives back reserved money."""
        return await self._operate(self._stub.Void, conversion.void_message(operation), operation.key)

    async def refund(self, operation: OperationRequest) -> OperationResult:
        """Returns captured money."""
        return await self._operate(self._stub.Refund, conversion.refund_message(operation), operation.key)

    async def pay(self, operation: OperationRequest) -> OperationResult:
        """Sends money from our reserve account."""
        return await self._operate(self._stub.Pay, conversion.pay_message(operation), operation.key)

    async def resume(self, key: bytes, payload: bytes) -> OperationResult:
        """Hands over what a redirected payer brought back."""
        message = operation_request_pb2.ContinueRequest(key=key, payload=payload)
        return await self._operate(self._stub.Continue, message, key)

    async def query_many(self, keys: Sequence[bytes]) -> Sequence[OperationResult]:
        """Tells what became of operations, in batches the bank takes."""
        known = self._capabilities or await self.capabilities()
        if known is None:
            return _unknown(keys, NO_ANSWER, 0)
        timeout_s = known.query_timeout_us / SECOND_US
        results: list[OperationResult] = []
        for start in range(0, len(keys), known.batch_items_max):
            batch = keys[start : start + known.batch_items_max]
            request = query_request_pb2.BatchQueryRequest(keys=batch)
            results += await _ask(partial(self._stub.BatchQuery, request, timeout=timeout_s), batch)
        return results

    async def statement(self, day: date, currency: str) -> Statement:
        """Returns the statement of a closed day.

        Raises:
            StatementUnavailableError: It cannot be had whole.
        """
        request = query_request_pb2.StreamStatementRequest(statement_date=day.isoformat(), currency_code=currency)
        try:
            return await read_statement(self._stub.StreamStatement(request, timeout=_STATEMENT_TIMEOUT_S), request)
        except grpc.RpcError as error:
            raise StatementUnavailableError(
                f"the bank did not send the statement of {day}: {_name_of(error)}"
            ) from error

    async def _authorize_batch(
        self, batch: Sequence[OperationRequest], known: RailCapabilities, gate: asyncio.Semaphore
    ) -> list[OperationResult]:
        timeout_s = known.authorize_timeout_us / SECOND_US
        keys = [operation.key for operation in batch]
        messages = [conversion.authorize_message(operation) for operation in batch]
        async with gate:
            if len(messages) == 1:
                return await _ask(partial(self._stub.Authorize, messages[0], timeout=timeout_s), keys)
            request = operation_request_pb2.BatchAuthorizeRequest(requests=messages)
            return await _ask(partial(self._stub.BatchAuthorize, request, timeout=timeout_s), keys)

    async def _operate(self, method: Callable[..., Awaitable[Any]], message: Any, key: bytes) -> OperationResult:
        known = self._capabilities or await self.capabilities()
        if known is None:
            return _unknown((key,), NO_ANSWER, 0)[0]
        timeout_s = known.operation_timeout_us / SECOND_US
        return (await _ask(partial(method, message, timeout=timeout_s), (key,)))[-1]


async def _ask(call: Callable[[], Awaitable[Any]], keys: Sequence[bytes]) -> list[OperationResult]:
    """Makes one call and returns a result for each key, whatever happens."""
    begin_ns = time.monotonic_ns()
    try:
        response = await call()
    except Exception as error:  # whatever went wrong on the way, the bank may have done it
        return _unknown(keys, _name_of(error), (time.monotonic_ns() - begin_ns) // 1000)
    bank_us = (time.monotonic_ns() - begin_ns) // 1000
    messages: Sequence[operation_pb2.OperationResult]
    messages = response.results if hasattr(response, "results") else (response.result,)
    asked = set(keys)
    results = [conversion.result_of(message, bank_us) for message in messages if message.key in asked]
    silent = asked.difference(result.key for result in results)
    return results + _unknown([key for key in keys if key in silent], NO_ANSWER, bank_us)


def _unknown(keys: Sequence[bytes], code: str, bank_us: int) -> list[OperationResult]:
    return [OperationResult(key, OperationOutcome.UNKNOWN, code, bank_us=bank_us) for key in keys]


def _name_of(error: Exception) -> str:
    """Returns the status of a failed call, or the class of what else went wrong."""
    return str(error.code().name) if isinstance(error, grpc.aio.AioRpcError) else type(error).__name__
