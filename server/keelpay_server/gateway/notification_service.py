"""RailNotificationService on the wire: what a bank tells by itself, before we ask.

In: a bank's signed notification. Out: the same command that an answer to our own question ends in.
Invariant: a bank tells about its own operations only, under its own key; told twice is done once.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from google.protobuf.message import DecodeError

from keelpay.api.rail.v1 import notification_pb2, notification_pb2_grpc, operation_pb2
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import request_of

from .operation import Operation
from .result import RecordOperation

ID_BYTES: Final = 16
Read = Callable[[operation_pb2.OperationResult, int], OperationResult]
"""Turns the wire's result into the port's; `rails` knows how, `app` hands it over."""
StatementReady = Callable[[str, str, str], Awaitable[None]]
"""Fetches and imports a statement: (bank, date, currency)."""


class Seal(Protocol):
    """Checks a bank's signature with the bank's registered keys."""

    async def __call__(self, *, bank: str, key_id: str, notification: bytes, signature: bytes) -> bool:
        """Returns whether it holds."""


class RailNotificationService(notification_pb2_grpc.RailNotificationServiceServicer):
    """Notifications (see the contract).

    Args:
        engine: The book.
        seal: Checks signatures.
        read: Reads results.
        statement_ready: Imports a statement that a bank says is ready.
    """

    def __init__(self, engine: Engine, seal: Seal, read: Read, statement_ready: StatementReady) -> None:
        self._engine, self._seal, self._read, self._statement_ready = engine, seal, read, statement_ready

    async def Notify(self, request: notification_pb2.NotifyRequest, context: object) -> notification_pb2.NotifyResponse:
        """See the contract."""
        call = current()
        holds = call.caller.subject == request.bank and await self._seal(
            bank=request.bank, key_id=request.key_id, notification=request.notification, signature=request.signature
        )
        if not holds:
            raise Refused(Reason.SIGNATURE_INVALID)
        notification = notification_pb2.Notification()
        try:
            notification.ParseFromString(request.notification)
        except DecodeError as error:
            raise Refused(Reason.MESSAGE_MALFORMED, "the notification is no Notification") from error
        if len(notification.notification_id) != ID_BYTES:
            raise Refused(Reason.FIELD_INVALID, violations=(("notification.notification_id", "must have 16 bytes"),))
        news = notification.WhichOneof("news")
        if news == "statement":
            ready = notification.statement
            await self._statement_ready(request.bank, ready.statement_date, ready.currency_code)
            return notification_pb2.NotifyResponse()
        if news != "result":
            raise Refused(Reason.FIELD_INVALID, violations=(("notification.news", "one of result, statement"),))
        result = self._read(notification.result, 0)
        operation = await self._engine.reader.get(Operation, result.key)
        if operation is None or operation.bank != request.bank:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="operation")
        asked = request_of(call.caller.actor, call.method, request.bank, notification.notification_id,
                           request.notification)  # fmt: skip
        outcome = await self._engine.execute(RecordOperation(request=asked, caller=call.caller, result=result))
        return notification_pb2.NotifyResponse(replayed=outcome.replayed)
