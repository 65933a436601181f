"""An egress proxy as operators run one: HTTP CONNECT on loopback, over real sockets.

In: whom to refuse. Out: the authorities that were asked for, in order.
"""

import asyncio
from contextlib import asynccontextmanager, suppress


class EgressProxy:
    """Keeps what it was asked for; passes bytes on unless `refuse` names a status line."""

    def __init__(self):
        self.asked = []
        self.refuse = b""
        self.address = ""

    async def serve(self, reader, writer):
        writers = [writer]
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, authority, _ = head.split("\r\n")[0].split(" ")
            self.asked.append((method, authority))
            if self.refuse:
                writer.write(self.refuse + b"\r\n\r\n")
                await writer.drain()
            else:
                host, _, port = authority.rpartition(":")
                source, drain = await asyncio.open_connection(host.strip("[]"), int(port))
                writers.append(drain)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pour(reader, drain), _pour(source, writer))
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for each in writers:
                each.close()
            with suppress(OSError):
                await asyncio.gather(*(each.wait_closed() for each in writers))


async def _pour(source, drain):
    with suppress(OSError):
        while chunk := await source.read(65_536):
            drain.write(chunk)
            await drain.drain()
    drain.close()


@asynccontextmanager
async def proxying():
    """A running proxy."""
    proxy, tasks = EgressProxy(), set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await proxy.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
