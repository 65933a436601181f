"""A plain HTTP/1.1 client for tests of the wire: it sends what it is told and shows all that comes back.

In: a URL, a method, headers, a body. Out: status, headers, body. Invariant: nothing is added but Host and a length, so
that a test sees what it wrote.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import h11


class Answer(NamedTuple):
    """What came back."""

    status: int
    pairs: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name."""
        return dict(self.pairs)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Stream:
    """A request that was sent, whose answer comes piece by piece."""

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connection, self._reader, self.writer = connection, reader, writer
        self.status, self.headers = 0, {}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the body as it comes."""
        while True:
            event = self._connection.next_event()
            if event is h11.NEED_DATA:
                self._connection.receive_data(await asyncio.wait_for(self._reader.read(65_536), 10))
            elif isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return


@asynccontextmanager
async def sent(
    url: str, body: bytes = b"", *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Stream]:
    """Sends a request on a connection of its own, which is closed at the end."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    connection = h11.Connection(h11.CLIENT)
    length = {"content-length": str(len(body))} if body or method == "POST" else {}
    fields = {"host": parts.netloc, **length, **(headers or {})}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = h11.Request(
        method=method, target=target, headers=[(name, value.encode("latin-1")) for name, value in fields.items()]
    )
    try:
        pieces = (connection.send(request), connection.send(h11.Data(data=body)), connection.send(h11.EndOfMessage()))
        writer.write(b"".join(piece for piece in pieces if piece))
        yield Stream(connection, reader, writer)
    finally:
        writer.close()


async def ask(url: str, body: bytes = b"", *, method: str = "POST", headers: Mapping[str, str] | None = None) -> Answer:
    """Sends a request and returns its answer."""
    async with sent(url, body, method=method, headers=headers) as stream:
        content = b"".join([piece async for piece in stream.pieces()])
        return Answer(stream.status, tuple(stream.headers.items()), content)
