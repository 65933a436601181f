"""Sends one webhook: one POST over TLS to an address that was judged after it was resolved.

In: a URI, headers, a body. Out: the status, or why there is none. Invariant: what is connected to is the very address
that was judged, through the settings' proxy too, while `Host` and the certificate are those of the name; nothing is
redirected, no proxy or cookie is taken from the environment, and no answer is read further than its head.

Written on asyncio's streams instead of an HTTP client: a client brings redirects, proxies, pools and decompression,
which would have to be kept from doing harm here, to read a status line.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple

from .address import AddressRefusedError, Target, is_allowed, parse_target
from .delivery import arrived

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")
_HEAD_END: Final = b"\r\n\r\n"
_INFORMATIONAL_MAX: Final = 5
_RESOLVERS: Final = 8
_REDIRECTS: Final = range(300, 400)
_INFORMATIONAL: Final = range(100, 200)
_MS_PER_S: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingSettings:
    """How webhooks are sent."""

    loopback: bool = False
    """Whether they may go to this machine; for test installations only."""
    proxy: str = ""
    """`HOST:PORT` of an HTTP proxy that all of them go through; empty for straight."""
    timeout_s: float = 10.0
    """For all of an attempt: name, connection, handshake, request, answer."""
    connections_max: int = 256
    """Attempts under way at once, in this process."""
    head_bytes_max: int = 16 * 1024
    """Head of an answer."""


class ProxyError(Exception):
    """The proxy did not let a webhook through; the text says why."""


class Answer(NamedTuple):
    """What became of a request.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        failure: Why it does not count as delivered; empty if it does.
        latency_ms: How long it took.
    """

    status: int
    failure: str
    latency_ms: int


class Sender:
    """Sends webhooks.

    Args:
        settings: How.
        tls: Whom to trust; None trusts the system's authorities.
    """

    def __init__(self, settings: SendingSettings, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls or ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._places = asyncio.Semaphore(settings.connections_max)
        # Threads of its own: a partner's slow name server must not hold up anybody else's work.
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, "webhook-names")

    async def post(self, uri: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends one request and returns what became of it; never raises for what the other side does."""
        async with self._places:
            loop = asyncio.get_running_loop()
            begin_s = loop.time()
            status, failure = 0, ""
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    status = await self._post(parse_target(uri), headers, body)
            except TimeoutError:
                failure = "timeout"
            except AddressRefusedError as error:
                failure = f"address refused: {error}"
            except ssl.SSLCertVerificationError as error:
                failure = f"certificate refused: {error.verify_message}"
            except ssl.SSLError:
                failure = "TLS failed"
            except ProxyError as error:
                failure = str(error)
            except ConnectionRefusedError:
                failure = "connection refused"
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                failure = "answer is not HTTP/1.1"
            except OSError:
                failure = "connection failed"
            else:
                failure = _failure_of(status)
            return Answer(status, failure, int((loop.time() - begin_s) * _MS_PER_S))

    async def verdict(self, uri: str) -> str:
        """Returns why an address cannot be sent to, or an empty text."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                target = parse_target(uri)
                await self._resolve(target)
        except AddressRefusedError as error:
            return str(error)
        except TimeoutError:
            return "its name is not resolved in time"
        return ""

    def close(self) -> None:
        """Lets the resolving threads go."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        reader, writer = await self._connect(target)
        try:
            writer.write(_head(target, headers, len(body)) + body)
            await writer.drain()
            return await _status(reader)
        finally:
            writer.close()

    async def _connect(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to the first of the judged addresses that takes us."""
        addresses = await self._resolve(target)
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                if self._settings.proxy:
                    return await self._tunnel(address, target)
                return await asyncio.open_connection(
                    address, target.port, limit=self._settings.head_bytes_max,
                    ssl=self._tls, server_hostname=target.host, ssl_shutdown_timeout=1.0,
                )  # fmt: skip
            except OSError:
                if not last:
                    raise
        raise AddressRefusedError("has no address")

    async def _tunnel(self, address: str, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects through the proxy (CONNECT, RFC 9110 section 9.3.6), by the judged address and not by its name: a
        name that the proxy resolved by itself could lead elsewhere.

        Raises:
            ProxyError: The proxy does not let us through.
        """
        host, _, port = self._settings.proxy.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), limit=self._settings.head_bytes_max
            )
        except OSError as error:
            raise ProxyError("the egress proxy cannot be reached") from error
        authority = f"[{address}]:{target.port}" if ":" in address else f"{address}:{target.port}"
        try:
            await _let_through(reader, writer, authority)
            await writer.start_tls(self._tls, server_hostname=target.host)
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _resolve(self, target: Target) -> list[str]:
        """Returns the addresses of a host.

        Raises:
            AddressRefusedError: There is none, or one of them is not public.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._resolvers, _look_up, target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise AddressRefusedError("its name cannot be resolved") from error
        if not all(is_allowed(address, loopback=self._settings.loopback) for address in found):
            raise AddressRefusedError("it leads to an address that is not public")
        return found


async def _let_through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str) -> None:
    """Asks a proxy for a tunnel.

    Raises:
        ProxyError: It says no.
    """
    writer.write(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode("ascii"))
    await writer.drain()
    status = await _status(reader)
    if not arrived(status):
        raise ProxyError(f"the egress proxy answered with {status}")


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _head(target: Target, headers: Mapping[str, str], size: int) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1", f"host: {target.authority}", "connection: close",
        "user-agent: keelpay-webhooks/1", "content-type: application/json", f"content-length: {size}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]  # fmt: skip
    return "\r\n".join(lines).encode("ascii") + _HEAD_END


async def _status(reader: asyncio.StreamReader) -> int:
    """Returns the status of an answer; informational ones (1xx) come before it and are passed over."""
    for _ in range(_INFORMATIONAL_MAX):
        head = await reader.readuntil(_HEAD_END)
        match = _STATUS_LINE.match(head)
        if match is None:
            raise ValueError
        status = int(match[1])
        if status not in _INFORMATIONAL:
            return status
    raise ValueError


def _failure_of(status: int) -> str:
    if arrived(status):
        return ""
    return "redirects are not followed" if status in _REDIRECTS else f"answered with {status}"
