"""The embedded server, behind `Client.local()`: the whole product in this process, for a first try and for tests.

In: nothing. Out: where it listens, and a sandbox partner's credentials for it. Invariant: the server's package is
looked for only here and only when asked, so that the SDK never depends on it.

The seam is `keelpay_server.app.local_server()`: an asynchronous context manager that yields an `Embedded`.
"""

import asyncio
import importlib
import threading
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Protocol

from . import credentials
from ._names import Defaults
from .errors import ConfigurationError

SERVER_MODULES: Final = frozenset({"keelpay_server", "keelpay_server.app"})


class Embedded(Protocol):
    """A running embedded server."""

    target: str
    """`127.0.0.1:port`, listening with gRPC's local credentials."""
    partner: str
    """The sandbox partner, `partners/{p}`."""
    key_id: str
    """Its signing key."""
    private_key: bytes
    """The private half, PEM."""
    audience: str
    """The installation's name."""
    merchant: str
    """A merchant of that partner, ready to be paid."""


def credentials_of(server: Embedded) -> credentials.Credentials:
    """The sandbox partner's credentials over loopback."""
    return credentials.local(
        credentials.partner(
            server.partner, key_id=server.key_id, private_key=server.private_key, audience=server.audience
        )
    )


def defaults_of(server: Embedded, given: Defaults | None) -> Defaults:
    """What the caller set, or else the sandbox's own."""
    return given or Defaults(merchant=server.merchant, partner=server.partner, region="CN")


def _open_server() -> AbstractAsyncContextManager[Embedded]:
    try:
        app: Any = importlib.import_module("keelpay_server.app")
    except ModuleNotFoundError as missing:
        if missing.name not in SERVER_MODULES:
            raise
        raise ConfigurationError(
            "Client.local() runs the server inside this process: please install keelpay-server, "
            "or give the address of a running one: keelpay.Client('pay.example.com', credentials=...)"
        ) from missing
    server: AbstractAsyncContextManager[Embedded] = app.local_server()
    return server


class AsyncEmbeddedServer:
    """The embedded server in the caller's own event loop."""

    async def start(self) -> Embedded:
        """Starts it."""
        self._context = _open_server()
        return await self._context.__aenter__()

    async def stop(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self._context.__aexit__(kind, error, trace)


class EmbeddedServer:
    """The embedded server in a thread of its own, for code that blocks."""

    def start(self) -> Embedded:
        """Starts it."""
        context = _open_server()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="keelpay-embedded", daemon=True)
        self._thread.start()
        self._context = context
        try:
            return asyncio.run_coroutine_threadsafe(self._enter(), self._loop).result()
        except BaseException:
            self._end_thread()
            raise

    def stop(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stops it."""
        try:
            asyncio.run_coroutine_threadsafe(self._leave(kind, error, trace), self._loop).result()
        finally:
            self._end_thread()

    async def _enter(self) -> Embedded:
        return await self._context.__aenter__()

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._context.__aexit__(kind, error, trace)

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
