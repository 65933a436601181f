"""keelpay.api.rail.v1.RailService on a sandbox bank.

In: messages. Out: messages, or silence where a fault or a scenario says so. Invariant: a caller that goes away, or
whose deadline passes, takes nothing back.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, NoReturn

import grpc

from keelpay.api.rail.v1 import (
    operation_request_pb2 as operation_pb,
)
from keelpay.api.rail.v1 import (
    query_request_pb2 as query_pb,
)
from keelpay.api.rail.v1 import (
    rail_service_pb2_grpc,
)
from keelpay_server.book.rail import OperationResult, StatementUnavailableError
from keelpay_server.rails import grpc_conversion as conversion
from keelpay_server.rails.grpc_capabilities import capabilities_message
from keelpay_server.rails.grpc_statement import statement_messages

from .bank import SandboxBank
from .delivery import Delivery

Context = grpc.aio.ServicerContext[Any, Any]
_SILENCE_S_MAX: Final = 60.0


class RailServicer(rail_service_pb2_grpc.RailServiceServicer):
    """Serves one bank."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._lane = delivery.lane
        self._batch_items_max = delivery.lane.bank.profile.batch_items_max

    async def GetCapabilities(
        self, request: query_pb.GetCapabilitiesRequest, context: Context
    ) -> query_pb.GetCapabilitiesResponse:
        """Tells what the bank can do."""
        return query_pb.GetCapabilitiesResponse(capabilities=capabilities_message(self._lane.bank.capabilities()))

    async def Authorize(
        self, request: operation_pb.AuthorizeRequest, context: Context
    ) -> operation_pb.AuthorizeResponse:
        """Reserves money."""
        result = await self._single(request, context)
        return operation_pb.AuthorizeResponse(result=conversion.result_message(result))

    async def BatchAuthorize(
        self, request: operation_pb.BatchAuthorizeRequest, context: Context
    ) -> operation_pb.BatchAuthorizeResponse:
        """Reserves money for several operations."""
        await self._check_size(len(request.requests), context)
        operations = [conversion.operation_of(item) for item in request.requests]
        heard = await self._delivery.operate(operations)
        if not heard:
            await _stay_silent(context)
        return operation_pb.BatchAuthorizeResponse(results=[conversion.result_message(result) for result in heard])

    async def Capture(self, request: operation_pb.CaptureRequest, context: Context) -> operation_pb.CaptureResponse:
        """Takes reserved money."""
        result = await self._single(request, context)
        return operation_pb.CaptureResponse(result=conversion.result_message(result))

    async def Void(self, request: operation_pb.VoidRequest, context: Context) -> operation_pb.VoidResponse:
        """Gives back reserved money."""
        result = await self._single(request, context)
        return operation_pb.VoidResponse(result=conversion.result_message(result))

    async def Refund(self, request: operation_pb.RefundRequest, context: Context) -> operation_pb.RefundResponse:
        """Returns captured money."""
        result = await self._single(request, context)
        return operation_pb.RefundResponse(result=conversion.result_message(result))

    async def Pay(self, request: operation_pb.PayRequest, context: Context) -> operation_pb.PayResponse:
        """Sends money."""
        result = await self._single(request, context)
        return operation_pb.PayResponse(result=conversion.result_message(result))

    async def Continue(self, request: operation_pb.ContinueRequest, context: Context) -> operation_pb.ContinueResponse:
        """Takes what a payer brought back."""
        result = await self._lane.call(SandboxBank.resume, request.key, request.payload)
        return operation_pb.ContinueResponse(result=conversion.result_message(result))

    async def Query(self, request: query_pb.QueryRequest, context: Context) -> query_pb.QueryResponse:
        """Tells what became of an operation."""
        heard = await self._delivery.query((request.key,))
        if not heard:
            await _stay_silent(context)
        return query_pb.QueryResponse(result=conversion.result_message(heard[-1]))

    async def BatchQuery(self, request: query_pb.BatchQueryRequest, context: Context) -> query_pb.BatchQueryResponse:
        """Tells what became of several operations."""
        await self._check_size(len(request.keys), context)
        heard = await self._delivery.query(request.keys)
        if not heard:
            await _stay_silent(context)
        return query_pb.BatchQueryResponse(results=[conversion.result_message(result) for result in heard])

    async def StreamStatement(
        self, request: query_pb.StreamStatementRequest, context: Context
    ) -> AsyncIterator[query_pb.StreamStatementResponse]:
        """Streams the statement of a closed day."""
        day = conversion.day_of(request.statement_date)
        if day is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "statement_date is not a day of the calendar")
        try:
            statement = await self._lane.call(SandboxBank.statement, day, request.currency_code)
        except StatementUnavailableError as error:
            is_open = day >= self._lane.bank.business_date
            code = grpc.StatusCode.FAILED_PRECONDITION if is_open else grpc.StatusCode.NOT_FOUND
            await context.abort(code, str(error))
        for message in statement_messages(statement):
            yield message

    async def _single(self, request: conversion.AnyRequest, context: Context) -> OperationResult:
        heard = await self._delivery.operate((conversion.operation_of(request),))
        if not heard:
            await _stay_silent(context)
        return heard[-1]

    async def _check_size(self, items: int, context: Context) -> None:
        if not 1 <= items <= self._batch_items_max:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"a batch holds 1 to {self._batch_items_max} items, not {items}"
            )


async def _stay_silent(context: Context) -> NoReturn:
    """Says nothing until the caller gives up."""
    await asyncio.sleep(_SILENCE_S_MAX)
    await context.abort(grpc.StatusCode.UNAVAILABLE, "the sandbox bank was told not to answer")
