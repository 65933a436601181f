"""A line between a client and a server that can fall mute: requests still arrive, and no answer comes back.

In: the port of a server. Out: an address to call. Invariant: bytes are passed on in order or not at all; while it is
mute the server hears everything and the client nothing, as when a network breaks in one direction.
"""

import asyncio
import contextlib
from contextlib import asynccontextmanager

LOOPBACK = "127.0.0.1"
CHUNK = 65_536


class MuteLine:
    """See the module."""

    def __init__(self, port):
        self._port = port
        self._mute = False
        self._writers = set()
        self.address = ""

    def fall_mute(self):
        """From now on nothing that the server says arrives."""
        self._mute = True

    def mend(self):
        """Breaks every connection, and passes on whatever comes by new ones."""
        self._mute = False
        for writer in self._writers:
            writer.close()

    async def carry(self, reader, writer):
        """Serves one connection of a client."""
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._port)
                self._writers.add(far_writer)
                try:
                    await asyncio.gather(self._pass(reader, far_writer), self._answer(far_reader, writer))
                finally:
                    self._writers.discard(far_writer)
                    far_writer.close()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pass(self, reader, writer):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _answer(self, reader, writer):
        while data := await reader.read(CHUNK):
            if not self._mute:
                writer.write(data)
                await writer.drain()
        if not self._mute:  # even the end is not heard on a mute line
            writer.close()


@asynccontextmanager
async def mute_line(port):
    """A line to a server on this machine."""
    line = MuteLine(port)
    server = await asyncio.start_server(line.carry, LOOPBACK, 0)
    line.address = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        line.mend()
