"""A line to PostgreSQL that can be cut in the one moment that matters: the commit is done, its answer on the way.

In: a DSN. Out: a DSN that leads through the line. Invariant: what is cut was committed, for the answer was there.
"""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"COMMIT\x00"
"""As a lane says it in the simple query protocol; the line is not encrypted, so that it can be seen."""
CHUNK = 1 << 16


class DeafLine:
    """Carries bytes both ways."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.cuts_left = 0
        """How many more answers to a COMMIT it swallows; each ends its connection."""
        self.cuts = 0

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serves one connection."""
        cutting = asyncio.Event()
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        there = asyncio.create_task(self._there(reader, far_writer, cutting))
        back = asyncio.create_task(self._back(far_reader, writer, cutting))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        there.cancel()
        back.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        writer.transport.abort()
        far_writer.close()

    async def _there(self, reader: StreamReader, writer: StreamWriter, cutting: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            if COMMIT in data and self.cuts_left:
                self.cuts_left -= 1
                cutting.set()
            writer.write(data)
            await writer.drain()

    async def _back(self, reader: StreamReader, writer: StreamWriter, cutting: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            if cutting.is_set():
                self.cuts += 1
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def deaf_line(dsn: str) -> AsyncIterator[tuple[DeafLine, str]]:
    """A line to a database, and the DSN that leads through it."""
    parts = urlsplit(dsn)
    line = DeafLine(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    login, at, _ = parts.netloc.rpartition("@")
    try:
        yield line, urlunsplit(parts._replace(netloc=f"{login}{at}{host}:{port}", query="ssl=disable"))
    finally:
        server.close()
        with contextlib.suppress(ConnectionError):
            await server.wait_closed()
