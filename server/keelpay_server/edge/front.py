"""The front door: every HTTP request comes in here and is sent to the bridge, the site, or away.

In: ASGI. Out: an answer with its security headers. Invariant: no answer leaves without them, and a fault of ours tells
nothing of itself.
"""

import logging
from typing import Final

from keelpay_server.book.refusal import Refused

from .bridge import Bridge
from .connect_unary import NO_STORE
from .cors import Cors
from .exchange import Exchange, Gone, Receive, Scope, Send
from .ports import Ports
from .proxies import Proxies
from .security_headers import EVERY_ANSWER, NO_PAGE, UNDER_TLS
from .settings import EdgeSettings
from .site import Site, site_folder
from .well_known import well_known_files

_LOG: Final = logging.getLogger("keelpay.edge")
_MS_PER_S: Final = 1_000
_READING: Final = ("GET", "HEAD")
_MINUTES_KEPT: Final = ("cache-control", "public, max-age=300")


class Front:
    """The ASGI application."""

    def __init__(self, settings: EdgeSettings, ports: Ports, *, loopback: bool) -> None:
        """Reads the site and prepares the bridge.

        Args:
            settings: The edge's.
            ports: What it is given.
            loopback: It listens on this machine alone.
        """
        self.bridge = Bridge(settings, ports)
        self._settings, self._take = settings, ports.take
        self._proxies = Proxies(settings.trusted_proxies)
        self._cors = Cors(settings.allowed_origins)
        self._site = Site(site_folder(), settings.frame_ancestors)
        self._well_known = well_known_files(settings.android, settings.apple)
        self._clear_from_anywhere = settings.tls is not None or loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        peer = scope["client"][0] if scope["client"] else ""
        origin = self._proxies.origin_of(peer, scope["scheme"], fields)
        added = (*EVERY_ANSWER, *(UNDER_TLS if origin.scheme == "https" else ()))
        exchange = Exchange(scope, receive, send, added, self._settings.write_s)
        exchange.address, exchange.origin = origin.address, origin.own
        try:
            if sum(len(name) + len(value) for name, value in exchange.pairs) > self._settings.header_bytes_max:
                await exchange.answer(431, (NO_STORE, *NO_PAGE))
            elif self._clear_from_anywhere or self._proxies.trusts(peer):
                await self._serve(exchange)
            else:
                await exchange.answer(403, (NO_STORE, *NO_PAGE))
        except Gone:
            return
        except Exception:
            _LOG.exception("request %s %s crashed", exchange.method, exchange.path)
            if not exchange.begun:
                await exchange.answer(500, (NO_STORE, *NO_PAGE))
            # A stream that has begun just ends: without its last envelope the caller knows it is not whole.

    async def _serve(self, exchange: Exchange) -> None:
        if exchange.method == "POST" and self.bridge.knows(exchange.path):
            await self._serve_call(exchange)  # counted there: a refusal there is in the words of its wire
            return
        try:
            self._take(exchange.address)
        except Refused as refused:
            seconds = -(-refused.retry_after_ms // _MS_PER_S)
            await exchange.answer(429, (NO_STORE, ("retry-after", str(seconds)), *NO_PAGE))
            return
        if exchange.method not in _READING or self.bridge.knows(exchange.path):
            await self._serve_call(exchange)
        elif self._site.knows(exchange.path):
            await self._site.serve(exchange)
        elif exchange.path in self._well_known:
            headers = (("content-type", "application/json"), _MINUTES_KEPT, *NO_PAGE)
            await exchange.answer(200, headers, self._well_known[exchange.path])
        else:
            await exchange.answer(404, (NO_STORE, *NO_PAGE))

    async def _serve_call(self, exchange: Exchange) -> None:
        """Calls, and whatever wants to change something."""
        asking = exchange.fields.get("origin")
        exchange.add(*NO_PAGE, *self._cors.headers(asking))
        if not self._cors.lets(asking, exchange.origin):
            await exchange.answer(403, (NO_STORE,))
        elif exchange.method == "OPTIONS" and "access-control-request-method" in exchange.fields:
            await exchange.answer(204, self._cors.preflight())
        elif self.bridge.knows(exchange.path):
            await self.bridge.serve(exchange)
        else:
            await self.bridge.unknown(exchange)
