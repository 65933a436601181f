"""gRPC-Web: gRPC's own frames over HTTP/1.1, the trailers as a last frame; as bytes, or as base64 text.

In: `application/grpc-web(+proto)` or `application/grpc-web-text(+proto)`. Out: status 200, frames, the trailers' frame
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md).
Invariant: the trailers always come, unless the connection breaks.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .connect_unary import NO_STORE
from .envelope import HEAD_BYTES, unwrap, wrap
from .exchange import Exchange
from .ports import Ended, Method
from .relay import DETAILS_KEY, Relay
from .timeouts import grpc_timeout

TRAILERS: Final = 0x80
_PADDED: Final = re.compile(rb"[^=]+=*")
# The characters that gRPC leaves as they are in grpc-message, beyond letters and digits: printable ASCII without %.
_PLAIN: Final = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


class GrpcWeb:
    """Unary calls and server streams alike."""

    encoding_field = "grpc-encoding"
    accepted_field = "grpc-accept-encoding"

    def __init__(self, content: str, *, as_text: bool) -> None:
        """Answers with a content type, in base64 or not."""
        self._as_text = as_text
        self._content = ("content-type", content)

    def carries(self, _method: Method) -> bool:
        """Both kinds."""
        return True

    def bytes_max(self, method: Method) -> int:
        """Base64 takes four bytes for three."""
        size = method.bytes_max + HEAD_BYTES
        return size * 4 // 3 + 4 if self._as_text else size

    def timeout_s(self, fields: Mapping[str, str]) -> float | None:
        """`grpc-timeout`."""
        return grpc_timeout(fields.get("grpc-timeout"))

    def unwrap(self, body: bytes, method: Method, encoding: str) -> bytes:
        """The one message in its frame."""
        return unwrap(_decode(body) if self._as_text else body, encoding, method.bytes_max)

    def read(self, message: bytes, _method: Method) -> bytes:
        """As it is."""
        return message

    async def relay(self, exchange: Exchange, relay: Relay, method: Method) -> None:
        """Writes messages as they come; a unary call's head waits for nothing."""
        opening = await relay.opening() if method.server_streaming else ()
        await exchange.begin(200, (self._content, NO_STORE, *opening))
        async with aclosing(relay.messages()) as messages:
            async for raw in messages:
                await exchange.write(self._text(wrap(raw)))
        await exchange.write(self._text(_trailers(relay.ended)), last=True)

    async def refuse(self, exchange: Exchange, ended: Ended) -> None:
        """Trailers alone."""
        await exchange.begin(200, (self._content, NO_STORE))
        await exchange.write(self._text(_trailers(ended)), last=True)

    def _text(self, frame: bytes) -> bytes:
        return base64.b64encode(frame) if self._as_text else frame


def _decode(body: bytes) -> bytes:
    """Decodes base64 in which every piece that was encoded by itself may end in padding of its own."""
    try:
        return b"".join(base64.b64decode(piece, validate=True) for piece in _PADDED.findall(body))
    except binascii.Error:
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is no base64") from None


def _trailers(ended: Ended) -> bytes:
    lines = [("grpc-status", str(ended.code.value[0]))]
    if ended.message:
        lines.append(("grpc-message", quote(ended.message, safe=_PLAIN)))
    if ended.details:
        lines.append((DETAILS_KEY, base64.b64encode(ended.details).decode()))
    text = "".join(f"{key}: {value}\r\n" for key, value in (*lines, *ended.metadata))
    return wrap(text.encode("ascii"), TRAILERS)
