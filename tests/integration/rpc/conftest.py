"""A real server on loopback with the test service, and a client that speaks raw gRPC to it."""

import contextlib
import json
from typing import NamedTuple

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.access_log import AccessLog
from keelpay_server.rpc.listeners import Listener
from keelpay_server.rpc.server import RpcServer
from keelpay_server.rpc.server_settings import ServerSettings
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.rpc.echo import ECHO, EchoRequest, EchoResponse, EchoServicer

SCOPES = frozenset({"echo.write", "echo.read"})
CALLERS = {
    "acme": Caller(CallerKind.PARTNER, "acme", "acme", SCOPES),
    "other": Caller(CallerKind.PARTNER, "other", "other", SCOPES),
    "reader": Caller(CallerKind.PARTNER, "reader", "reader", frozenset({"echo.read"})),
    "payer": Caller(CallerKind.PAYER, "acme", "acme/ann", SCOPES),
    "bank": Caller(CallerKind.BANK, "", "icbc", SCOPES),
}
LOCAL = Listener(address="127.0.0.1:0")


async def authenticate(metadata):
    """The auth room, in short: a token is a name; an expired one says so; a certificate speaks for itself."""
    if ":peer-certificate" in metadata:
        return CALLERS["acme"]
    token = str(metadata["authorization"]).removeprefix("Bearer ")
    if token == "expired":
        raise Refused(Reason.TOKEN_EXPIRED, "the token has expired")
    if token not in CALLERS:
        raise Refused(Reason.TOKEN_INVALID, "the token is not one of ours")
    return CALLERS[token]


class Told(NamedTuple):
    """What a failed call tells, taken apart."""

    code: grpc.StatusCode
    reason: str
    text: str
    info: ErrorInfo | None
    retry_after_s: float
    fields: dict
    localized: LocalizedMessage | None
    raw: bytes
    trailers: dict


def told(error):
    """Takes an AioRpcError apart."""
    trailers = dict(error.trailing_metadata())
    raw = trailers.get("grpc-status-details-bin", b"")
    found = {}
    for detail in Status.FromString(raw).details:
        for kind in (ErrorInfo, RetryInfo, BadRequest, LocalizedMessage):
            if detail.Is(kind.DESCRIPTOR):
                assert kind not in found, "a detail came twice"
                found[kind] = kind()
                detail.Unpack(found[kind])
    info, retry = found.get(ErrorInfo), found.get(RetryInfo)
    return Told(
        code=error.code(),
        reason=info.reason if info else "",
        text=error.details(),
        info=info,
        retry_after_s=retry.retry_delay.ToTimedelta().total_seconds() if retry else 0,
        fields={
            violation.field: violation.description for violation in found.get(BadRequest, BadRequest()).field_violations
        },
        localized=found.get(LocalizedMessage),
        raw=raw,
        trailers=trailers,
    )


async def _drained(call):
    yield [answer async for answer in call]


class Bench:
    """One server and one channel to it."""

    def __init__(self, server, channel, servicer, log, lines):
        self.server = server
        self.channel = channel
        self.servicer = servicer
        self.server_log = log
        self._lines = lines

    def call(self, method, request=None, *, token="acme", metadata=(), timeout=PATIENCE_S, raw=None):
        """Starts a unary or server streaming call."""
        return self.rpc(method)(
            raw if raw is not None else (request or EchoRequest()).SerializeToString(),
            metadata=self.headers(token, metadata),
            timeout=timeout,
        )

    def headers(self, token="acme", metadata=()):
        return (*((("authorization", f"Bearer {token}"),) if token else ()), *metadata)

    def rpc(self, method):
        kinds = {"Watch": "unary_stream", "Upload": "stream_unary", "Ingest": "stream_stream"}
        make = getattr(self.channel, kinds.get(method, "unary_unary"))
        return make(
            f"/{ECHO.full_name}/{method}", request_serializer=None, response_deserializer=EchoResponse.FromString
        )

    async def refused(self, method, request=None, **options):
        """Calls and returns what was told; a call that succeeds is an error of the test."""
        call = self.call(method, request, **options)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (anext(aiter(_drained(call))) if method == "Watch" else call)
        return told(caught.value)

    @property
    def unrecorded(self):
        """How many calls have begun and are not recorded yet."""
        methods = self.server.metrics._methods.values()
        ended = sum(sum(cell.counts) for method in methods for cell in method.cells.values())
        return sum(method.started for method in methods) - ended

    async def logged(self):
        """Ends the log and returns its lines when every call has left one: a status may arrive before its line."""
        await until(lambda: not self.unrecorded)
        self.server_log.close()
        return [json.loads(line) for block in self._lines for line in block.splitlines()]


@contextlib.asynccontextmanager
async def serving(**options):
    """Runs a server; options are fields of ServerSettings, or clocks."""
    clocks = {key: options.pop(key) for key in ("wall_clock", "ticks") if key in options}
    servicer, lines = EchoServicer(), []
    log = AccessLog(lines.append)
    settings = {"mode": "test", "listeners": (LOCAL,), "drain_wait_s": 0.1, "drain_watch_s": 0.05, "drain_grace_s": 2.0}
    server = RpcServer(
        ServerSettings(**(settings | options)),
        {ECHO.full_name: servicer},
        authenticate,
        log,
        services=(ECHO,),
        **clocks,
    )
    await server.start()
    target = f"127.0.0.1:{server.ports[0]}"
    limits = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.secure_channel(target, grpc.local_channel_credentials(), options=limits) as channel:
        bench = Bench(server, channel, servicer, log, lines)
        try:
            yield bench
        finally:
            await server.stop()
            log.close()


@pytest.fixture
async def bench():
    async with serving() as running:
        yield running
