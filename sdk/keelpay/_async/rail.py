"""The connector contract, as the bank's side and its testers use it: the contract's own messages, with our retries."""

from collections.abc import AsyncIterator

from keelpay.api.rail.v1 import (
    notification_pb2,
    operation_request_pb2,
    query_request_pb2,
)
from keelpay.api.rail.v1.notification_pb2_grpc import RailNotificationServiceStub
from keelpay.api.rail.v1.rail_service_pb2_grpc import RailServiceStub

from .connection import AsyncConnection


class AsyncRail:
    """A bank or wallet: `client.rail`, with a client to the bank; `notify` with a client to keelpay."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = RailServiceStub(connection.channel)
        self._notifications = RailNotificationServiceStub(connection.channel)

    async def capabilities(self) -> query_request_pb2.GetCapabilitiesResponse:
        """Tells what the bank can do."""
        return await self._connection.unary(self._stub.GetCapabilities, query_request_pb2.GetCapabilitiesRequest())

    async def authorize(
        self, request: operation_request_pb2.AuthorizeRequest
    ) -> operation_request_pb2.AuthorizeResponse:
        """Reserves a payer's money, or takes it at once."""
        return await self._connection.unary(self._stub.Authorize, request)

    async def batch_authorize(
        self, request: operation_request_pb2.BatchAuthorizeRequest
    ) -> operation_request_pb2.BatchAuthorizeResponse:
        """As many `authorize` in one message."""
        return await self._connection.unary(self._stub.BatchAuthorize, request)

    async def capture(self, request: operation_request_pb2.CaptureRequest) -> operation_request_pb2.CaptureResponse:
        """Takes reserved money."""
        return await self._connection.unary(self._stub.Capture, request)

    async def void(self, request: operation_request_pb2.VoidRequest) -> operation_request_pb2.VoidResponse:
        """Gives back what is reserved and not captured."""
        return await self._connection.unary(self._stub.Void, request)

    async def refund(self, request: operation_request_pb2.RefundRequest) -> operation_request_pb2.RefundResponse:
        """Returns captured money to the payer."""
        return await self._connection.unary(self._stub.Refund, request)

    async def pay(self, request: operation_request_pb2.PayRequest) -> operation_request_pb2.PayResponse:
        """Sends money from our reserve account."""
        return await self._connection.unary(self._stub.Pay, request)

    async def continue_operation(
        self, request: operation_request_pb2.ContinueRequest
    ) -> operation_request_pb2.ContinueResponse:
        """Hands over what the payer brought back from a redirect."""
        return await self._connection.unary(self._stub.Continue, request)

    async def query(self, request: query_request_pb2.QueryRequest) -> query_request_pb2.QueryResponse:
        """Tells what became of an operation."""
        return await self._connection.unary(self._stub.Query, request)

    async def batch_query(self, request: query_request_pb2.BatchQueryRequest) -> query_request_pb2.BatchQueryResponse:
        """As many `query` in one message."""
        return await self._connection.unary(self._stub.BatchQuery, request)

    async def statement(
        self, request: query_request_pb2.StreamStatementRequest
    ) -> AsyncIterator[query_request_pb2.StreamStatementResponse]:
        """Streams the statement of one closed business day: one header, lines, one trailer."""
        stream = await self._connection.open(self._stub.StreamStatement, request)
        try:
            while (message := await stream.read()) is not None:
                yield message
        finally:
            stream.cancel()

    async def notify(self, request: notification_pb2.NotifyRequest) -> notification_pb2.NotifyResponse:
        """Tells keelpay what a bank has to tell."""
        return await self._connection.unary(self._notifications.Notify, request)
