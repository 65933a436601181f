"""The edge as a server: binds, serves, leaves.

In: an address, settings, ports. Out: HTTP. Invariant: the address is bound before anything depends on its number, and
it is left before the gRPC server behind it stops.
"""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from .connection import Connections, Limits, connection_class
from .front import Front
from .ports import Ports
from .proxies import Proxies
from .settings import EdgeSettings, EdgeTls

_BACKLOG: Final = 1024
_RENEWAL_S: Final = 60.0


def bind(address: str) -> socket.socket:
    """Listens on `HOST:PORT`, or `[HOST]:PORT`.

    Raises:
        OSError: It cannot.
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio turns Nagle's delay off only where it is, and an answer in two parts would else
    # wait 40 ms for the browser's acknowledgement of the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host.strip("[]"), int(port)))
        bound.listen(_BACKLOG)
        bound.setblocking(False)  # noqa: FBT003  (the only form there is)
    except BaseException:
        bound.close()
        raise
    return bound


class _Server(uvicorn.Server):
    """Signals are for the process, not for one of its servers; it tells when it listens; handshakes have an end."""

    def __init__(self, config: uvicorn.Config, handshake_s: float) -> None:
        """Takes its configuration, and how long a TLS handshake may take, where uvicorn waits a minute."""
        super().__init__(config)
        self.listening = asyncio.Event()
        self._handshake_s = handshake_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, and says so."""
        loop, config = asyncio.get_running_loop(), self.config
        connection: Any = config.http_protocol_class
        self.servers = [
            await loop.create_server(
                lambda: connection(config=config, server_state=self.server_state, app_state={}, _loop=loop),
                sock=bound,
                backlog=config.backlog,
                ssl=config.ssl,
                ssl_handshake_timeout=self._handshake_s if config.ssl else None,
            )
            for bound in sockets or ()
        ]
        self.started = True
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


class EdgeServer:
    """The server. `start`, later `stop`."""

    def __init__(self, bound: socket.socket, settings: EdgeSettings, ports: Ports) -> None:
        """Prepares everything; nothing is accepted yet.

        Args:
            bound: Listens already.
            settings: How to serve.
            ports: What the edge is given.
        """
        host = bound.getsockname()[0]
        self._bound, self._tls = bound, settings.tls
        self._front = Front(settings, ports, loopback=host in {"127.0.0.1", "::1"})
        trusts = Proxies(settings.trusted_proxies).trusts
        connections = Connections(settings.connections_max, settings.connections_per_address_max, trusts, ports.party)
        config = uvicorn.Config(
            self._front,
            http=connection_class(Limits(connections, settings.idle_s, settings.header_s, settings.write_s)),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=settings.idle_s,
            timeout_graceful_shutdown=int(settings.drain_grace_s) + 1,
            backlog=_BACKLOG,
            h11_max_incomplete_event_size=settings.header_bytes_max,
        )
        config.load()
        # It would write a line for each connection that sends no HTTP; faults of ours are told by the front.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        if settings.tls is not None:
            config.ssl = _context(settings.tls)
        self._context = config.ssl
        self._server = _Server(config, settings.header_s)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Accepts connections."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._bound]), name="edge")
        self._tasks.append(serving)
        await self._server.listening.wait()
        if self._tls is not None and self._context is not None:
            self._tasks.append(asyncio.create_task(_renew(self._tls, self._context), name="edge-certificate"))

    async def stop(self) -> None:
        """Takes no further connection, ends the streams, and waits for the calls under way."""
        self._server.should_exit = True
        self._front.bridge.leave()
        serving, *others = self._tasks
        for task in others:
            task.cancel()
        await asyncio.gather(serving, *others, return_exceptions=True)


def _context(tls: EdgeTls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: EdgeTls) -> None:
    context.load_cert_chain(tls.certificate, tls.key, password="")  # a locked key fails: nobody is there to be asked


async def _renew(tls: EdgeTls, context: ssl.SSLContext) -> None:
    """Takes a renewed certificate over without a restart: the next handshake shows it."""
    seen = _state(tls)
    while True:
        await asyncio.sleep(_RENEWAL_S)
        with suppress(OSError):  # SSLError is one; in the middle of a renewal the old certificate still serves
            state = _state(tls)
            if state == seen:
                continue
            # First into one that is thrown away: a context that was given half a pair has lost the one it had.
            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tls)
            _load(context, tls)
            seen = state


def _state(tls: EdgeTls) -> list[tuple[int, int]]:
    """Both files: either may be the later one to be renewed."""
    return [(status.st_mtime_ns, status.st_ino) for status in map(os.stat, (tls.certificate, tls.key))]
