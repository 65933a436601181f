"""The bank under test, as a case sees it: one method a call, and a memory of everything that was asked.

In: an address. Out: raw results of the bank. Invariant: nothing is repaired, retried or interpreted on the way.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration

from keelpay.api.rail.v1 import (
    capabilities_pb2,
    operation_pb2,
    rail_service_pb2_grpc,
)
from keelpay.api.rail.v1 import (
    operation_request_pb2 as operation_pb,
)
from keelpay.api.rail.v1 import (
    query_request_pb2 as query_pb,
)
from keelpay.api.sandbox.v1 import bank_control_pb2, bank_control_pb2_grpc
from keelpay.api.type.v1 import money_pb2
from keelpay_server.book.rail import Statement
from keelpay_server.rails import grpc_conversion as conversion
from keelpay_server.rails.grpc_rail import RailTls
from keelpay_server.rails.grpc_statement import read_statement

Result = operation_pb2.OperationResult
_CALL_TIMEOUT_S: Final = 10.0
_MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024


class ConformanceOptions(NamedTuple):
    """What the suite may use of the bank's test environment. The defaults are the sandbox bank's magic instruments.

    Attributes:
        currency: In which it asks; the bank must take it.
        amount_minor: The usual amount, at least 100.
        instrument: Always succeeds.
        declined_instrument: Always DECLINED; empty: cases that need it are skipped.
        pending_instrument: PENDING first, SUCCEEDED within `decide_s`; empty: as above.
        silent_instrument: Carried out, and the first request gets no answer; empty: calls are cancelled instead.
        decide_s: How long a pending operation may take.
        silence_s: The deadline of calls that will not be answered.
        settle_s_max: The longest the suite waits for a declared settle time; a longer one skips the case.
        tls: Transport security; None speaks in the clear.
    """

    currency: str = "CNY"
    amount_minor: int = 1000
    instrument: str = "tok-conformance"
    declined_instrument: str = "tok-insufficient-funds"
    pending_instrument: str = "tok-pending-success"
    silent_instrument: str = "tok-timeout"
    decide_s: float = 10.0
    silence_s: float = 1.0
    settle_s_max: float = 60.0
    tls: RailTls | None = None


class Asked(NamedTuple):
    """An operation that the suite sent: what the statement must say if it succeeded."""

    kind: operation_pb2.OperationKind.ValueType
    moves_money: bool
    amount_minor: int


class Subject:
    """One bank under test. Made by `connect`."""

    def __init__(self, channel: grpc.aio.Channel, options: ConformanceOptions) -> None:
        self.options = options
        self.asked: dict[bytes, Asked] = {}
        self.capabilities = capabilities_pb2.Capabilities()
        self._channel = channel
        self._stub: rail_service_pb2_grpc.RailServiceAsyncStub = rail_service_pb2_grpc.RailServiceStub(channel)
        self._control: bank_control_pb2_grpc.SandboxBankControlServiceAsyncStub
        self._control = bank_control_pb2_grpc.SandboxBankControlServiceStub(channel)

    async def learn(self) -> None:
        """Asks for the capabilities.

        Raises:
            grpc.RpcError: The bank does not answer.
        """
        response = await self._stub.GetCapabilities(query_pb.GetCapabilitiesRequest(), timeout=_CALL_TIMEOUT_S)
        self.capabilities = response.capabilities

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    @staticmethod
    def new_key() -> bytes:
        """Returns a key that nobody has used."""
        return secrets.token_bytes(16)

    def money(self, amount_minor: int | None = None, currency: str = "") -> money_pb2.Money:
        """Returns an amount, the usual one if none is given."""
        amount = self.options.amount_minor if amount_minor is None else amount_minor
        return money_pb2.Money(currency_code=currency or self.options.currency, amount_minor=amount)

    def authorization(
        self,
        *,
        key: bytes = b"",
        amount_minor: int | None = None,
        instrument: str = "",
        capture: bool = False,
        currency: str = "",
    ) -> operation_pb.AuthorizeRequest:
        """Returns a request, and remembers it."""
        request = operation_pb.AuthorizeRequest(
            key=key or self.new_key(),
            amount=self.money(amount_minor, currency),
            instrument=instrument or self.options.instrument,
            merchant_descriptor="KEELPAY CONFORMANCE",
            payment_reference="conformance",
            capture=capture,
        )
        asked = Asked(operation_pb2.OPERATION_KIND_AUTHORIZE, capture, request.amount.amount_minor)
        self.asked.setdefault(request.key, asked)
        return request

    async def send(self, request: operation_pb.AuthorizeRequest, timeout_s: float = _CALL_TIMEOUT_S) -> Result:
        """Sends an authorization as it is."""
        return (await self._stub.Authorize(request, timeout=timeout_s)).result

    async def send_and_leave(self, request: operation_pb.AuthorizeRequest) -> None:
        """Sends an authorization and does not wait for the answer."""
        call = self._stub.Authorize(request, timeout=self.options.silence_s)
        try:
            if not self.options.silent_instrument:
                await asyncio.sleep(0)
                call.cancel()
            await call
        except grpc.RpcError:
            return
        except asyncio.CancelledError:
            if not call.cancelled():  # it was the suite that somebody cancelled
                raise

    async def authorize(self, **wish: Any) -> Result:
        """Makes and sends an authorization."""
        return await self.send(self.authorization(**wish))

    async def batch_authorize(self, requests: Sequence[operation_pb.AuthorizeRequest]) -> Sequence[Result]:
        """Sends several authorizations in one message."""
        request = operation_pb.BatchAuthorizeRequest(requests=requests)
        return (await self._stub.BatchAuthorize(request, timeout=_CALL_TIMEOUT_S)).results

    async def capture(
        self, original_key: bytes, amount_minor: int, *, key: bytes = b"", final: bool = False, currency: str = ""
    ) -> Result:
        """Captures."""
        request = operation_pb.CaptureRequest(
            key=key or self.new_key(),
            original_key=original_key,
            amount=self.money(amount_minor, currency),
            final=final,
        )
        self.asked.setdefault(request.key, Asked(operation_pb2.OPERATION_KIND_CAPTURE, True, amount_minor))  # noqa: FBT003
        return (await self._stub.Capture(request, timeout=_CALL_TIMEOUT_S)).result

    async def void(self, original_key: bytes, *, key: bytes = b"") -> Result:
        """Voids."""
        request = operation_pb.VoidRequest(key=key or self.new_key(), original_key=original_key)
        return (await self._stub.Void(request, timeout=_CALL_TIMEOUT_S)).result

    async def refund(self, original_key: bytes, amount_minor: int, *, key: bytes = b"") -> Result:
        """Refunds."""
        request = operation_pb.RefundRequest(
            key=key or self.new_key(), original_key=original_key, amount=self.money(amount_minor)
        )
        self.asked.setdefault(request.key, Asked(operation_pb2.OPERATION_KIND_REFUND, True, -amount_minor))  # noqa: FBT003
        return (await self._stub.Refund(request, timeout=_CALL_TIMEOUT_S)).result

    async def pay(self, amount_minor: int, *, key: bytes = b"") -> Result:
        """Pays out."""
        request = operation_pb.PayRequest(
            key=key or self.new_key(),
            amount=self.money(amount_minor),
            instrument=self.options.instrument,
            merchant_descriptor="KEELPAY CONFORMANCE",
        )
        self.asked.setdefault(request.key, Asked(operation_pb2.OPERATION_KIND_PAY, True, -amount_minor))  # noqa: FBT003
        return (await self._stub.Pay(request, timeout=_CALL_TIMEOUT_S)).result

    async def query(self, key: bytes) -> Result:
        """Queries one key."""
        return (await self._stub.Query(query_pb.QueryRequest(key=key), timeout=_CALL_TIMEOUT_S)).result

    async def batch_query(self, keys: Sequence[bytes]) -> Sequence[Result]:
        """Queries several keys in one message."""
        return (await self._stub.BatchQuery(query_pb.BatchQueryRequest(keys=keys), timeout=_CALL_TIMEOUT_S)).results

    async def statement(self, day: str) -> Statement:
        """Fetches a statement.

        Raises:
            StatementUnavailableError: It is not whole.
            grpc.RpcError: The bank refuses.
        """
        request = query_pb.StreamStatementRequest(statement_date=day, currency_code=self.options.currency)
        return await read_statement(self._stub.StreamStatement(request, timeout=60.0), request)

    async def business_date(self, *, close: bool = False) -> str | None:
        """Returns the open day before the call, and closes it if asked; None where the bank has no such lever."""
        try:
            before = await self._control.AdvanceTime(bank_control_pb2.AdvanceTimeRequest(), timeout=_CALL_TIMEOUT_S)
            if close:
                await self._control.AdvanceTime(
                    bank_control_pb2.AdvanceTimeRequest(step=Duration(), days=1), timeout=_CALL_TIMEOUT_S
                )
        except grpc.RpcError:
            return None
        return before.business_date


def connect(address: str, options: ConformanceOptions) -> Subject:
    """Returns the bank at HOST:PORT as a subject."""
    settings = (("grpc.enable_retries", 0), ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX))
    if options.tls is None:
        return Subject(grpc.aio.insecure_channel(address, settings), options)
    return Subject(grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*options.tls), settings), options)


async def status_of(call: Awaitable[Any]) -> str:
    """Returns the name of the status that a call ends with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


def describe(result: Result) -> str:
    """Returns a result for the report."""
    outcome = operation_pb2.Outcome.Name(result.outcome).removeprefix("OUTCOME_")
    code = conversion.result_of(result, 0).code
    return f"{outcome} {code}".strip()
