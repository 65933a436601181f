"""An edge in front of a real gRPC server with the test service; and the answers of each wire, read into one shape."""

import asyncio
import base64
import contextlib
import json
import struct
from typing import NamedTuple
from urllib.parse import unquote

import pytest
from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from keelpay_server.app.edge import Recorder, exposed, limiter, logger, open_channel, renderer
from keelpay_server.app.edge_socket import open_socket
from keelpay_server.config import Settings
from keelpay_server.edge.ports import Ports
from keelpay_server.edge.server import EdgeServer
from keelpay_server.edge.settings import EdgeSettings
from keelpay_server.rpc.arrival import EDGE_KEY, is_sane, rate_address, request_ids
from tests.infrastructure.http import ask
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.rpc.conftest import LOCAL, serving
from tests.integration.rpc.echo import ECHO, EchoRequest, EchoResponse

WIRES = {
    "json": "application/json",
    "proto": "application/proto",
    "connect+json": "application/connect+json",
    "connect+proto": "application/connect+proto",
    "grpc-web": "application/grpc-web+proto",
    "grpc-web-text": "application/grpc-web-text+proto",
}
UNARY = ("json", "proto", "grpc-web", "grpc-web-text")
STREAMS = ("connect+json", "connect+proto", "grpc-web", "grpc-web-text")
WORDS = {
    "canceled": 1, "unknown": 2, "invalid_argument": 3, "deadline_exceeded": 4, "not_found": 5, "already_exists": 6,
    "permission_denied": 7, "resource_exhausted": 8, "failed_precondition": 9, "aborted": 10, "out_of_range": 11,
    "unimplemented": 12, "internal": 13, "unavailable": 14, "data_loss": 15, "unauthenticated": 16,
}  # fmt: skip


class Told(NamedTuple):
    """What came back on a wire: messages, and how it ended."""

    texts: list
    code: int
    message: str
    reason: str
    wait_s: float
    localized: str
    metadata: dict
    http: object


def frame(message, flags=0):
    return struct.pack(">BI", flags, len(message)) + message


def frames(body):
    found = []
    while body:
        flags, length = struct.unpack_from(">BI", body)
        found.append((flags, body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def request_of(wire, message, *, as_json=None):
    """The body of a request on a wire; `as_json` replaces what JSON wires would send."""
    text = json.dumps(as_json).encode() if as_json is not None else None
    if text is None:
        text = MessageToJson(message).encode()
    binary = message.SerializeToString()
    match wire:
        case "json":
            return text
        case "proto":
            return binary
        case "connect+json":
            return frame(text)
        case "connect+proto" | "grpc-web":
            return frame(binary)
    return base64.b64encode(frame(binary))


def _parse(wire, message):
    return json.loads(message).get("text", "") if "json" in wire else EchoResponse.FromString(message).text


def _details(raw):
    found = {}
    for kind, value in raw:
        for known in (ErrorInfo, RetryInfo, LocalizedMessage):
            if kind.endswith(known.DESCRIPTOR.full_name):
                found[known] = known.FromString(value)
    info, retry, sentence = found.get(ErrorInfo), found.get(RetryInfo), found.get(LocalizedMessage)
    return (
        info.reason if info else "",
        retry.retry_delay.ToTimedelta().total_seconds() if retry else 0,
        sentence.message if sentence else "",
    )


def _connect_error(error):
    pairs = [(detail["type"], base64.b64decode(detail["value"] + "==")) for detail in error.get("details", ())]
    return WORDS[error["code"]], error.get("message", ""), *_details(pairs)


def read(wire, answer):
    """Takes an answer apart."""
    if wire in {"json", "proto"}:
        metadata = {name[8:]: value for name, value in answer.headers.items() if name.startswith("trailer-")}
        if answer.status == 200:
            return Told([_parse(wire, answer.body)], 0, "", "", 0, "", metadata, answer)
        return Told([], *_connect_error(answer.json()), metadata, answer)
    assert answer.status == 200, answer
    body = answer.body
    if wire == "grpc-web-text":
        body = b"".join(base64.b64decode(piece + b"=" * (-len(piece) % 4)) for piece in _pieces(body))
    *messages, (flags, last) = frames(body)
    texts = [_parse(wire, message) for _, message in messages]
    if wire.startswith("connect"):
        assert flags == 2
        end = json.loads(last)
        metadata = {key: values[0] for key, values in end.get("metadata", {}).items()}
        if "error" not in end:
            return Told(texts, 0, "", "", 0, "", metadata, answer)
        return Told(texts, *_connect_error(end["error"]), metadata, answer)
    assert flags == 0x80
    trailers = dict(line.split(": ", 1) for line in last.decode().splitlines())
    packed = Status.FromString(base64.b64decode(trailers.get("grpc-status-details-bin", "") + "=="))
    found = _details([(detail.type_url, detail.value) for detail in packed.details])
    return Told(
        texts, int(trailers["grpc-status"]), unquote(trailers.get("grpc-message", "")), *found, trailers, answer
    )


def _pieces(body):
    """Base64 that was encoded piece by piece ends each piece in its own padding."""
    piece = b""
    for at in range(0, len(body), 4):
        piece += body[at : at + 4]
        if piece.endswith(b"="):
            yield piece
            piece = b""
    if piece:
        yield piece


class Edge:
    """A running edge and the gRPC server behind it."""

    def __init__(self, url, bench, server):
        self.url, self.bench, self.server = url, bench, server
        self.peers = []

    def let_go(self):
        """Ends what `connected` opened: a test that fails leaves no connection to the next one."""
        for writer in self.peers:
            writer.transport.abort()

    @property
    def open_sockets(self):
        """How many connections it holds."""
        return len(self.server._server.server_state.connections)

    async def logged(self):
        """The lines of its log and of the server's, when every request and call has left its own."""
        await until(lambda: not self.server._server.server_state.tasks)
        return await self.bench.logged()

    def path(self, method):
        return f"{self.url}/{ECHO.full_name}/{method}"

    def headers(self, wire, token="acme", more=None):
        credential = {"authorization": f"Bearer {token}"} if token else {}
        return {"content-type": WIRES[wire], **credential, **(more or {})}

    async def call(self, wire, method, message=None, *, token="acme", headers=None, body=None, as_json=None):
        """Calls on a wire and reads what came back."""
        if body is None:
            body = request_of(wire, message or EchoRequest(), as_json=as_json)
        return read(wire, await ask(self.path(method), body, headers=self.headers(wire, token, headers)))


async def ask_from(edge, origin, *, wire="json", method="POST", more=None):
    headers = edge.headers(wire, more={"origin": origin, **(more or {})})
    return await ask(edge.path("Echo"), request_of(wire, EchoRequest(text="n")), method=method, headers=headers)


async def read_all(reader):
    """What comes until the other side closes; an abort closes too."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionError:
        return b""


async def connected(edge, *, tls=None):
    """A connection to be written to by hand; the edge's end is its end."""
    host, port = edge.url.rpartition("//")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
    edge.peers.append(writer)
    return reader, writer


@contextlib.asynccontextmanager
async def open_edge(rpc=None, **options):
    """Runs a gRPC server and an edge in front of it; options are fields of EdgeSettings."""
    given = EdgeSettings(**({"listen": "127.0.0.1:0", "expose": ("partner", "bank")} | options))
    async with open_socket(Settings(edge=given)) as (settings, opened):  # noqa: SIM117  (its key is the next one's)
        async with serving(listeners=(LOCAL, opened.listener), edge_key=opened.key, **(rpc or {})) as bench:
            async with open_channel(opened.path) as channel:
                ports = Ports(
                    channel=channel,
                    methods=tuple(exposed((ECHO,), settings)),
                    forwarder=(EDGE_KEY, opened.key),
                    make_request_id=request_ids(),
                    is_request_id=is_sane,
                    render=renderer("test"),
                    record=Recorder(bench.server, bench.server_log),
                    take=limiter(settings.edge.requests_per_minute),
                    party=rate_address,
                    log=logger(bench.server_log) if settings.edge.access_log else None,
                )
                server = EdgeServer(opened.bound, settings.edge, ports)
                await server.start()
                running = Edge(f"http://{settings.edge.listen}", bench, server)
                try:
                    yield running
                finally:
                    running.let_go()
                    await server.stop()


@pytest.fixture
async def edge():
    async with open_edge() as running:
        yield running
