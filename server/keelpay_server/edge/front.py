"""The front door: every HTTP request comes in here and is sent to the bridge, the site, or away.

In: ASGI. Out: an answer with its security headers. Invariant: no answer leaves without them, and a fault of ours tells
nothing of itself.
"""

import asyncio
import logging
from typing import Final

from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from . import welcome
from .bridge import Bridge
from .connect_unary import NO_STORE
from .cors import Cors
from .exchange import CLOSE, Exchange, Gone, Receive, Scope, Send
from .ports import Answered, Ports
from .proxies import Proxies, fields_of
from .security_headers import EVERY_ANSWER, NO_PAGE, UNDER_TLS
from .settings import EdgeSettings
from .site import Site, site_folder
from .well_known import well_known_files

_LOG: Final = logging.getLogger("keelpay.edge")
_MS_PER_S: Final = 1_000
LEFT: Final = 499
"""How others' logs call a request whose browser left before it was answered; never sent."""
_READING: Final = ("GET", "HEAD")
_TWO_LENGTHS: Final = {"content-length", "transfer-encoding"}
"""A proxy that goes by the other one sees other requests here than we do: RFC 9112, 6.1."""
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
        self._log, self._is_request_id = ports.log, ports.is_request_id
        self._proxies = Proxies(settings.trusted_proxies)
        self._cors = Cors(settings.allowed_origins)
        self._site = Site(site_folder(), settings.frame_ancestors, sandbox=ports.sandbox)
        self._well_known = well_known_files(settings.android, settings.apple)
        self._clear_from_anywhere = settings.tls is not None or loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        fields = fields_of(scope["headers"])
        peer = scope["client"][0] if scope["client"] else ""
        origin = self._proxies.origin_of(peer, scope["scheme"], fields)
        added = (*EVERY_ANSWER, *(UNDER_TLS if origin.scheme == "https" else ()))
        exchange = Exchange(scope, receive, send, added, self._settings.write_s)
        exchange.address, exchange.origin = origin.address, origin.own
        began = asyncio.get_running_loop().time()
        try:
            if _head_bytes(scope) > self._settings.header_bytes_max:
                await exchange.answer(431, (NO_STORE, *NO_PAGE))
            elif exchange.fields.keys() >= _TWO_LENGTHS:
                exchange.add(*CLOSE)
                await exchange.answer(400, (NO_STORE, *NO_PAGE))
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
        finally:
            if self._log is not None:
                took_us = round((asyncio.get_running_loop().time() - began) * SECOND_US)
                self._log(self._answered(exchange, took_us))

    def _answered(self, exchange: Exchange, took_us: int) -> Answered:
        """What is written down of a request: a path that is not ours may hold a link or a token, and is left out."""
        path = exchange.path
        ours = path in self._well_known or path == welcome.PATH
        known = ours or self.bridge.knows(path) or self._site.knows(path)
        given = exchange.fields.get("x-request-id")
        request_id = exchange.request_id or (str(given) if self._is_request_id(given) else "")
        return Answered(
            request_id, exchange.method, path if known else "", exchange.status or LEFT, took_us, exchange.bytes_sent,
            exchange.address,
        )  # fmt: skip

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
        elif exchange.path == welcome.PATH:
            await exchange.answer(200, (*welcome.HEADERS, *NO_PAGE), welcome.TEXT)
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


def _head_bytes(scope: Scope) -> int:
    """The size of a request line and its headers, without what only separates them."""
    line = len(scope["raw_path"]) + len(scope["query_string"])
    return line + sum(len(name) + len(value) for name, value in scope["headers"])
