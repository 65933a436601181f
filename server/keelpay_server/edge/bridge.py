"""The bridge: finds the method and the wire of a request, reads it, calls the gRPC server, writes the answer.

In: an exchange whose path is an RPC. Out: its answer. Invariant: the bridge refuses only what the gRPC server never
gets to see (an unreadable body, an address over its limits), in the same shape as the gRPC server would.
"""

import json
from typing import Any, Final

import grpc

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .compression import ACCEPTED, IDENTITY, is_known
from .connect_stream import ConnectStream
from .connect_unary import NO_STORE, ConnectUnary
from .crowd import Crowd
from .exchange import Exchange
from .grpc_web import GrpcWeb
from .ports import Ended, Method, Ports
from .relay import Relay
from .settings import EdgeSettings
from .wire import Wire

WIRES: Final[dict[str, Wire]] = {
    "application/json": ConnectUnary(as_json=True),
    "application/proto": ConnectUnary(as_json=False),
    "application/connect+json": ConnectStream(as_json=True),
    "application/connect+proto": ConnectStream(as_json=False),
    "application/grpc-web": GrpcWeb("application/grpc-web+proto", as_text=False),
    "application/grpc-web+proto": GrpcWeb("application/grpc-web+proto", as_text=False),
    "application/grpc-web-text": GrpcWeb("application/grpc-web-text+proto", as_text=True),
    "application/grpc-web-text+proto": GrpcWeb("application/grpc-web-text+proto", as_text=True),
}
PASSED_ON: Final = ("authorization", "accept-language")
"""The headers of a request that become metadata of its call as they are, beside the request id; no other does."""
_BYTES_A_REQUEST: Final = 8 * 1024
"""A body counts as one more request for each of these."""
_REQUEST_ID: Final = "x-request-id"
_OTHER_ENCODING: Final = Ended(
    grpc.StatusCode.UNIMPLEMENTED, f"compression of requests: {' or '.join(ACCEPTED)}, no other"
)
_UNKNOWN: Final = Ended(grpc.StatusCode.UNIMPLEMENTED, "there is no such method here")


class Bridge:
    """All exposed RPCs."""

    def __init__(self, settings: EdgeSettings, ports: Ports) -> None:
        """Prepares one call a method."""
        self._settings, self._ports = settings, ports
        self._methods = {method.path: method for method in ports.methods}
        self._calls = {method.path: _callable(ports.channel, method) for method in ports.methods}
        self._crowd = Crowd(settings, ports.party)
        self._open: set[Relay] = set()
        self._leaving = False

    def knows(self, path: str) -> bool:
        """Whether a path is an exposed RPC."""
        return path in self._methods

    async def serve(self, exchange: Exchange) -> None:
        """Answers one request.

        Raises:
            Gone: The browser left.
        """
        method = self._methods[exchange.path]
        content = exchange.fields.get("content-type", "").partition(";")[0].strip().lower()
        wire = WIRES.get(content)
        if exchange.method != "POST":
            await exchange.answer(405, (("allow", "POST"), NO_STORE))
        elif wire is None or not wire.carries(method):
            accepted = ", ".join(name for name, wire in WIRES.items() if wire.carries(method))
            await exchange.answer(415, (("accept-post", accepted), NO_STORE))
        else:
            await self._call(exchange, method, wire)

    async def unknown(self, exchange: Exchange) -> None:
        """Answers a POST to what is no RPC here: 404, which clients of each wire read as UNIMPLEMENTED."""
        body = json.dumps({"code": "unimplemented", "message": _UNKNOWN.message}).encode()
        await exchange.answer(404, (("content-type", "application/json"), NO_STORE), body)

    def leave(self) -> None:
        """Ends the streams and takes no new call: the process is leaving."""
        self._leaving = True
        for relay in tuple(self._open):
            relay.cut(self._render(_draining(), "", ""))

    async def _call(self, exchange: Exchange, method: Method, wire: Wire) -> None:
        wanted = exchange.fields.get(_REQUEST_ID)
        request_id = str(wanted) if self._ports.is_request_id(wanted) else self._ports.make_request_id()
        language = exchange.fields.get("accept-language", "")
        exchange.request_id = request_id
        try:
            if self._leaving:
                raise _draining()
            self._ports.take(exchange.address)
            with self._crowd.enter(exchange.address, streaming=method.server_streaming):
                encoding = exchange.fields.get(wire.encoding_field) or IDENTITY
                if not is_known(encoding):
                    exchange.add((wire.accepted_field, ", ".join(ACCEPTED)))
                    await wire.refuse(exchange, _OTHER_ENCODING._replace(metadata=((_REQUEST_ID, request_id),)))
                    return
                timeout_s = wire.timeout_s(exchange.fields)
                raw = await self._read(exchange, method, wire, encoding)
                await self._relay(exchange, method, wire, raw, timeout_s, request_id)
        except Refused as refused:
            ended = self._render(refused, request_id, language)
            self._ports.record(method.path, request_id, ended, refused)
            await wire.refuse(exchange, ended)

    async def _read(self, exchange: Exchange, method: Method, wire: Wire, encoding: str) -> bytes:
        """Returns the request. A big one counts as several: reading it is work before anybody has proven anything."""
        bytes_max = wire.bytes_max(method)
        with self._crowd.send(exchange.address, exchange.size(bytes_max)):
            body = await exchange.body(bytes_max, self._settings.body_s)
        message = wire.unwrap(body, method, encoding)
        for _ in range(len(message) // _BYTES_A_REQUEST):
            self._ports.take(exchange.address)
        return wire.read(message, method)

    async def _relay(
        self, exchange: Exchange, method: Method, wire: Wire, raw: bytes, timeout_s: float | None, request_id: str
    ) -> None:
        metadata = [(name, _sayable(value)) for name, value in exchange.pairs if name in PASSED_ON]
        metadata += [(_REQUEST_ID, request_id), ("x-forwarded-for", exchange.address), self._ports.forwarder]
        call = self._calls[method.path](raw, metadata=metadata, timeout=timeout_s)
        relay = Relay(call, exchange, streaming=method.server_streaming)
        if method.server_streaming:
            self._open.add(relay)
        try:
            await wire.relay(exchange, relay, method)
        finally:
            self._open.discard(relay)
            call.cancel()

    def _render(self, refused: Refused, request_id: str, language: str) -> Ended:
        return self._ports.render(refused, request_id, language)


def _sayable(value: str) -> str:
    """Metadata is printable ASCII. A credential that is not stays one that is sent, and wrong: empty."""
    return value if value.isascii() and value.isprintable() else ""


def _draining() -> Refused:
    return Refused(Reason.DRAINING, "this server process is leaving; call again and another one answers",
                   retry_after_ms=200)  # fmt: skip


def _callable(channel: grpc.aio.Channel, method: Method) -> Any:
    """Bytes in, bytes out: what they mean is for the gRPC server to know."""
    return channel.unary_stream(method.path) if method.server_streaming else channel.unary_unary(method.path)
