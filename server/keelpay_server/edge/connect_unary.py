"""Connect's unary calls: a plain POST with one message, in JSON or protobuf, and a plain answer.

In: `application/json` or `application/proto`. Out: the same with status 200, or an error in JSON with its HTTP status.
Invariant: the wire anybody can speak without a library: `curl -H 'content-type: application/json' -d '{...}'`.
"""

import json
from collections.abc import Mapping
from typing import Final

import grpc

from .compression import unpack
from .connect_error import CODES, error_json, retry_after
from .envelope import HEAD_BYTES
from .exchange import Exchange
from .json_codec import BYTES_A_PROTO_BYTE, read_json, write_json
from .ports import Ended, Method
from .relay import Relay
from .timeouts import connect_timeout

NO_STORE: Final = ("cache-control", "no-store")
_JSON: Final = ("content-type", "application/json")


class ConnectUnary:
    """One request, one answer."""

    encoding_field = "content-encoding"
    accepted_field = "accept-encoding"

    def __init__(self, *, as_json: bool) -> None:
        """Speaks JSON, or protobuf."""
        self._as_json = as_json
        self._content = _JSON if as_json else ("content-type", "application/proto")

    def carries(self, method: Method) -> bool:
        """Unary RPCs alone."""
        return not method.server_streaming

    def bytes_max(self, method: Method) -> int:
        """JSON takes more room than what it stands for; the gRPC server measures that again."""
        return method.bytes_max * (BYTES_A_PROTO_BYTE if self._as_json else 1) + HEAD_BYTES

    def timeout_s(self, fields: Mapping[str, str]) -> float | None:
        """`connect-timeout-ms`."""
        return connect_timeout(fields.get("connect-timeout-ms"))

    def unwrap(self, body: bytes, method: Method, encoding: str) -> bytes:
        """The body is the message."""
        return unpack(encoding, body, self.bytes_max(method))

    def read(self, message: bytes, method: Method) -> bytes:
        """As it is, or out of JSON."""
        return read_json(message, method.request) if self._as_json else message

    async def relay(self, exchange: Exchange, relay: Relay, method: Method) -> None:
        """Waits for the one answer."""
        answers = [raw async for raw in relay.messages()]
        ended = relay.ended
        if ended.code is not grpc.StatusCode.OK:
            await self.refuse(exchange, ended)
            return
        body = write_json(answers[0], method.response) if self._as_json else answers[0]
        await exchange.answer(200, (self._content, NO_STORE, *_metadata(ended)), body)

    async def refuse(self, exchange: Exchange, ended: Ended) -> None:
        """An error is JSON on this wire, whatever was asked in."""
        body = json.dumps(error_json(ended), ensure_ascii=False, separators=(",", ":")).encode()
        headers = (_JSON, NO_STORE, *_metadata(ended), *retry_after(ended))
        await exchange.answer(CODES[ended.code].status, headers, body)


def _metadata(ended: Ended) -> tuple[tuple[str, str], ...]:
    """Request id and mode: as the protocol has trailers, and plain, for logs of proxies and for `curl -i`."""
    return (*ended.metadata, *((f"trailer-{key}", value) for key, value in ended.metadata))
