"""Connect's server streams: enveloped messages, then one last envelope with how it ended.

In: `application/connect+json` or `application/connect+proto`. Out: status 200 and a stream of envelopes.
Invariant: the last envelope always comes, unless the connection breaks; a stream without it is a broken one.
"""

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

import grpc

from .connect_error import error_json
from .connect_unary import NO_STORE
from .envelope import HEAD_BYTES, unwrap, wrap
from .exchange import Exchange
from .json_codec import BYTES_A_PROTO_BYTE, read_json, write_json
from .ports import Ended, Method
from .relay import Relay
from .timeouts import connect_timeout

END: Final = 0x02


class ConnectStream:
    """One request, many answers."""

    encoding_field = "connect-content-encoding"
    accepted_field = "connect-accept-encoding"

    def __init__(self, *, as_json: bool) -> None:
        """Speaks JSON, or protobuf."""
        self._as_json = as_json
        self._content = ("content-type", "application/connect+json" if as_json else "application/connect+proto")

    def carries(self, method: Method) -> bool:
        """Server streams alone."""
        return method.server_streaming

    def bytes_max(self, method: Method) -> int:
        """As for unary calls, with room for the envelope."""
        return method.bytes_max * (BYTES_A_PROTO_BYTE if self._as_json else 1) + HEAD_BYTES

    def timeout_s(self, fields: Mapping[str, str]) -> float | None:
        """`connect-timeout-ms`."""
        return connect_timeout(fields.get("connect-timeout-ms"))

    def unwrap(self, body: bytes, method: Method, encoding: str) -> bytes:
        """The one message in its envelope."""
        return unwrap(body, encoding, self.bytes_max(method))

    def read(self, message: bytes, method: Method) -> bytes:
        """As it is, or out of JSON."""
        return read_json(message, method.request) if self._as_json else message

    async def relay(self, exchange: Exchange, relay: Relay, method: Method) -> None:
        """Writes messages as they come."""
        await exchange.begin(200, (self._content, NO_STORE, *await relay.opening()))
        async with aclosing(relay.messages()) as messages:
            async for raw in messages:
                await exchange.write(wrap(write_json(raw, method.response) if self._as_json else raw))
        await exchange.write(_end(relay.ended), last=True)

    async def refuse(self, exchange: Exchange, ended: Ended) -> None:
        """A stream that ends before its first message."""
        await exchange.begin(200, (self._content, NO_STORE, *ended.metadata))
        await exchange.write(_end(ended), last=True)


def _end(ended: Ended) -> bytes:
    told: dict[str, Any] = {} if ended.code is grpc.StatusCode.OK else {"error": error_json(ended)}
    if ended.metadata:
        told["metadata"] = {key: [value] for key, value in ended.metadata}
    return wrap(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), END)
