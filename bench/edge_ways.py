"""The ways that a call may take in `bench.edge`: straight over gRPC, and through the edge on each of its wires.

In: an address, a method, the request as protobuf. Out: the answer as protobuf. Invariant: every way keeps its
connection, and none does more than a client of that wire has to.
"""

import asyncio
import struct
from abc import ABC, abstractmethod
from typing import Any, Final, Self
from urllib.parse import urlsplit

import grpc
from google.protobuf.json_format import MessageToJson, Parse

from keelpay.api.gateway.v1 import payment_request_pb2, payment_service_pb2

CREATE: Final = "/keelpay.api.gateway.v1.PaymentService/CreatePayment"
GET: Final = "/keelpay.api.gateway.v1.PaymentService/GetPayment"
TYPES: Final[dict[str, tuple[Any, Any]]] = {
    CREATE: (payment_request_pb2.CreatePaymentRequest, payment_request_pb2.CreatePaymentResponse),
    GET: (payment_service_pb2.GetPaymentRequest, payment_service_pb2.GetPaymentResponse),
}
_HEAD: Final = struct.Struct(">BI")


class CallFailed(Exception):  # noqa: N818  (told to the person at the keyboard)
    """A call was not answered well; the text says how."""


class Way(ABC):
    """One open way."""

    @abstractmethod
    async def call(self, method: str, raw: bytes, token: str) -> bytes:
        """Calls once. Raises CallFailed."""

    @abstractmethod
    async def close(self) -> None:
        """Closes the connection."""


class Direct(Way):
    """gRPC itself."""

    def __init__(self, address: str) -> None:
        credentials = grpc.local_channel_credentials()
        self._channel = grpc.aio.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)])
        self._calls: dict[str, Any] = {method: self._channel.unary_unary(method) for method in TYPES}

    async def call(self, method: str, raw: bytes, token: str) -> bytes:
        """Calls once."""
        answered: bytes = await self._calls[method](raw, metadata=(("authorization", f"Bearer {token}"),))
        return answered

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()


class Http(Way):
    """A wire of the edge on a kept HTTP/1.1 connection; subclasses say how a message looks on it."""

    content: str

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connects."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(parts.netloc, reader, writer)

    async def call(self, method: str, raw: bytes, token: str) -> bytes:
        """Calls once. Raises CallFailed."""
        body = self.pack(method, raw)
        head = (
            f"POST {method} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {token}\r\n"
            f"content-type: {self.content}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        answered = await self._body(headers)
        if not status.startswith("HTTP/1.1 200"):
            raise CallFailed(f"{status}: {answered[:200]!r}")
        return self.unpack(method, answered)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body

    async def close(self) -> None:
        """Closes the connection."""
        self._writer.close()

    def pack(self, method: str, raw: bytes) -> bytes:  # noqa: ARG002  (only JSON asks which message it is)
        """Returns the body of a request."""
        return raw

    def unpack(self, method: str, body: bytes) -> bytes:  # noqa: ARG002  (see pack)
        """Returns the message of an answer."""
        return body


class ConnectBinary(Http):
    """Connect with protobuf."""

    content = "application/proto"


class ConnectJson(Http):
    """Connect with JSON; the client's part of the conversion counts, as it does for everybody who speaks it."""

    content = "application/json"

    def pack(self, method: str, raw: bytes) -> bytes:
        """Returns it as JSON."""
        return MessageToJson(TYPES[method][0].FromString(raw), indent=None).encode()

    def unpack(self, method: str, body: bytes) -> bytes:
        """Returns the message out of JSON."""
        answered: bytes = Parse(body, TYPES[method][1]()).SerializeToString()
        return answered


class GrpcWeb(Http):
    """gRPC-Web."""

    content = "application/grpc-web+proto"

    def pack(self, method: str, raw: bytes) -> bytes:  # noqa: ARG002  (see Http.pack)
        """Returns it framed."""
        return _HEAD.pack(0, len(raw)) + raw

    def unpack(self, method: str, body: bytes) -> bytes:  # noqa: ARG002  (see Http.pack)
        """Returns the first frame; where that is the trailers, the call has failed."""
        flags, length = _HEAD.unpack_from(body)
        if flags:
            raise CallFailed(body.decode(errors="replace")[:200])
        return body[_HEAD.size : _HEAD.size + length]
