"""One HTTP request and its answer, over ASGI: bounded reading, bounded writing, and knowing when the browser has left.

In: an ASGI scope with its two channels. Out: headers, a body, what is written. Invariant: nothing is awaited without an
end: a body, a write and a wait each have a limit in bytes or seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NoReturn

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = tuple[tuple[str, str], ...]

CLOSE: Final[Headers] = (("connection", "close"),)
"""Ends the connection after an answer: where a body is left unread, the rest of it is not waited for."""
_DISCARDED_BYTES: Final = 8 * 1024 * 1024
_DISCARDED_S: Final = 1.0
_DISCONNECT: Final = "http.disconnect"


class Gone(Exception):  # noqa: N818  (the browser's doing, not an error)
    """The browser has left, or does not read: there is nobody to answer."""


class Exchange:
    """A request under way.

    Attributes:
        method: `GET`, `POST` and so on.
        path: Without query, percent-decoded.
        fields: Headers by lower-case name; of a repeated one the last.
        pairs: All headers in their order.
        address: Whom the request is counted by, after trusted proxies.
        origin: Scheme and host under which the browser knows us.
        request_id: Of its call, once that has one.
        status: Of the answer, once it has begun.
        bytes_sent: Of the answer's body, so far.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, added: Headers, write_s: float) -> None:
        """Begins.

        Args:
            scope: Of ASGI.
            receive: Of ASGI.
            send: Of ASGI.
            added: Headers that every answer carries.
            write_s: How long one write may wait for its reader.
        """
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.fields = dict(self.pairs)
        self.address = ""
        self.origin = ""
        self.begun = False
        self.request_id = ""
        self.status = 0
        self.bytes_sent = 0
        self._receive, self._send = receive, send
        self._added, self._write_s = added, write_s
        self._unread = True

    def add(self, *headers: tuple[str, str]) -> None:
        """Adds headers to the answer still to come."""
        self._added = (*self._added, *headers)

    def size(self, bytes_max: int) -> int:
        """Returns the most bytes that the body may have: those declared, or else what is allowed.

        Raises:
            Refused: MESSAGE_MALFORMED: more are declared than allowed.
        """
        declared = self.fields.get("content-length", "")
        if not declared.isdigit():
            return bytes_max
        if int(declared) > bytes_max:
            _too_big(bytes_max)
        return int(declared)

    async def body(self, bytes_max: int, seconds_max: float) -> bytes:
        """Reads the body.

        Raises:
            Refused: MESSAGE_MALFORMED: too many bytes, or they did not come in time.
            Gone: The browser left in the middle.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(seconds_max):
                while True:
                    event = await self._receive()
                    if event["type"] == _DISCONNECT:
                        raise Gone
                    body += event.get("body", b"")
                    if len(body) > bytes_max:
                        _too_big(bytes_max)
                    if not event.get("more_body", False):
                        self._unread = False
                        return bytes(body)
        except TimeoutError:
            raise Refused(Reason.MESSAGE_MALFORMED, f"the body did not come within {seconds_max:g} s") from None

    async def left(self) -> None:
        """Returns when the browser has left. To be awaited after the body."""
        while (await self._receive())["type"] != _DISCONNECT:
            pass

    async def answer(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answers as a whole; to HEAD without the body."""
        length = () if status in {204, 304} else (("content-length", str(len(body))),)
        await self.begin(status, (*headers, *length))
        await self.write(b"" if self.method == "HEAD" else body, last=True)

    async def begin(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Sends the head of an answer."""
        self.begun = True
        if self._unread:
            await self._discard()
        closing = CLOSE if self._unread and CLOSE[0] not in self._added else ()
        lines = [(name.encode(), value.encode("latin-1")) for name, value in (*headers, *self._added, *closing)]
        await self._put({"type": "http.response.start", "status": status, "headers": lines})
        self.status = status

    async def write(self, piece: bytes, *, last: bool = False) -> None:
        """Sends a piece of the answer's body.

        Raises:
            Gone: The reader does not read.
        """
        await self._put({"type": "http.response.body", "body": piece, "more_body": not last})
        self.bytes_sent += len(piece)

    async def _discard(self) -> None:
        """Reads past what is left of the body, within limits.

        Who closes a connection with bytes unread resets it, and the other side may lose the answer it was sent.
        """
        left = _DISCARDED_BYTES
        try:
            async with asyncio.timeout(_DISCARDED_S):
                while self._unread and left > 0:
                    event = await self._receive()
                    if event["type"] == _DISCONNECT:
                        raise Gone
                    left -= len(event.get("body", b""))
                    self._unread = event.get("more_body", False)
        except TimeoutError:
            return

    async def _put(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._write_s):
                await self._send(message)
        except TimeoutError:
            raise Gone from None


def _too_big(bytes_max: int) -> NoReturn:
    raise Refused(Reason.MESSAGE_MALFORMED, f"a message of this method has at most {bytes_max} bytes")
