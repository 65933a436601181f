"""EdgeSettings: every figure and list of the edge that an installation may choose, the table `[edge]` of its settings.

In: read by `config`. Out: handed to the edge's parts. Invariant: an empty list lets nobody in.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

import msgspec

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
EXPOSABLE: Final = frozenset({"payer", "partner", "operator", "bank"})
_FINGERPRINT_PAIRS: Final = 32
_STREAMS_PER_CONNECTION: Final = 1_000
_PORT_MAX: Final = 65_535
_DAY_S: Final = 86_400
_ANDROID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
"""https://developer.android.com/build/configure-app-module#set-application-id"""
_APPLE: Final = re.compile(r"[A-Z0-9]+\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""Team id and bundle id: https://developer.apple.com/documentation/xcode/supporting-associated-domains"""


class AndroidApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An Android app that signs with our passkeys and opens our links.

    Attributes:
        package: Its package name, such as `com.example.pay`.
        fingerprints: SHA-256 of its signing certificates, each as 32 hex pairs joined by colons.
    """

    package: str
    fingerprints: tuple[str, ...]


class EdgeTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files of the edge's own certificate."""

    certificate: str
    key: str


class EdgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the edge listens, whom it serves, what it bears. The figures fit one process on two cores.

    Attributes:
        listen: `HOST:PORT`; port 0 takes any free one; empty for no edge.
        tls: Its certificate; without one it listens on loopback, or serves trusted proxies alone.
        trusted_proxies: Networks of proxies whose forwarded headers are believed, such as `10.0.0.0/8`.
        allowed_origins: Other sites whose pages may call RPCs (CORS).
        frame_ancestors: Sites that may show our page in a frame.
        expose: Whose RPCs are served: `payer`, `partner`, `operator`, `bank`; those that anyone may call always are.
        expose_sandbox: The sandbox service too (test mode).
        android: Android apps of ours.
        apple: Apple apps of ours, as `TEAMID.bundle.id`.
        requests_per_minute: Requests of one address.
        calls_per_address_max: Unary calls of one address under way at once.
        streams_max: Streams open at once; one gRPC connection carries them, and a thousand at most.
        streams_per_address_max: Of these, of one address.
        bodies_bytes_max: Bodies of requests being read, all together.
        bodies_bytes_per_address_max: Of these, of one address.
        connections_max: TCP connections open at once.
        connections_per_address_max: Of these, of one address that is no trusted proxy.
        header_bytes_max: Request line and headers.
        header_s: From a request's first byte to the end of its headers.
        body_s: From the headers to the end of the body.
        write_s: How long a reader may let one piece of an answer wait.
        idle_s: How long a connection without a request stays open.
        drain_grace_s: How long requests under way may take at the end.
        access_log: Whether each request is written down in a line of the log.
    """

    listen: str = ""
    tls: EdgeTls | None = None
    trusted_proxies: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    expose: tuple[str, ...] = ("payer", "partner")
    expose_sandbox: bool = False
    android: tuple[AndroidApp, ...] = ()
    apple: tuple[str, ...] = ()
    requests_per_minute: int = 6_000
    calls_per_address_max: int = 128
    streams_max: int = 500
    streams_per_address_max: int = 50
    bodies_bytes_max: int = 64 * 1024 * 1024
    bodies_bytes_per_address_max: int = 8 * 1024 * 1024
    connections_max: int = 2_000
    connections_per_address_max: int = 200
    header_bytes_max: int = 16 * 1024
    header_s: float = 5.0
    body_s: float = 15.0
    write_s: float = 30.0
    idle_s: int = 30
    drain_grace_s: float = 10.0
    access_log: bool = True

    @property
    def port(self) -> int:
        """The port of `listen`; 0 where it is open, or there is no edge."""
        port = self.listen.rpartition(":")[2]
        return int(port) if port.isdigit() else 0

    @property
    def is_on_loopback(self) -> bool:
        """Whether it listens on this machine alone."""
        return self.listen.rpartition(":")[0] in LOOPBACK

    def faults(self) -> Iterator[str]:
        """Yields what is wrong with these settings, a sentence each."""
        host, _, port = self.listen.rpartition(":")
        if self.listen and not (host and port.isdecimal() and int(port) <= _PORT_MAX):
            yield "edge.listen is HOST:PORT"
        elif self.listen and self.tls is None and not self.is_on_loopback and not self.trusted_proxies:
            yield f"the edge on {self.listen} needs edge.tls, or edge.trusted_proxies and a proxy that ends TLS"
        if unknown := set(self.expose) - EXPOSABLE:
            yield f"edge.expose knows {', '.join(sorted(EXPOSABLE))}, not {', '.join(sorted(unknown))}"
        for field in msgspec.structs.fields(EdgeSettings):
            most = _DAY_S if field.name.endswith("_s") else None
            if field.type in {int, float} and not _is_between(getattr(self, field.name), most):
                yield f"edge.{field.name} is above 0" + (f", and at most {most} seconds" if most else "")
        if not 0 < self.streams_max < _STREAMS_PER_CONNECTION:
            yield f"edge.streams_max is 1..{_STREAMS_PER_CONNECTION - 1}"
        for network in self.trusted_proxies:
            if not _is_network(network):
                yield f"edge.trusted_proxies: {network} is no network, such as 10.0.0.0/8 or 127.0.0.1"
        for origin in (*self.allowed_origins, *self.frame_ancestors):
            if not _is_origin(origin):
                yield f"{origin} is no origin: it is written https://HOST or https://HOST:PORT"
        yield from self._app_faults()

    def _app_faults(self) -> Iterator[str]:
        for app in self.android:
            if not _ANDROID.fullmatch(app.package):
                yield f"edge.android: {app.package!r} is no package name, such as com.example.pay"
            if not app.fingerprints or not all(map(_is_fingerprint, app.fingerprints)):
                yield f"edge.android: {app.package} needs fingerprints of 32 hex pairs joined by colons"
        for name in self.apple:
            if not _APPLE.fullmatch(name):
                yield f"edge.apple: {name!r} is not written TEAMID.bundle.id, such as A1B2C3D4E5.com.example.pay"


def _is_between(figure: float, most: int | None) -> bool:
    return figure > 0 and (most is None or figure <= most)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_origin(text: str) -> bool:
    scheme, found, host = text.partition("://")
    return bool(found) and scheme in {"http", "https"} and bool(host) and not set(host) & set("/?#*;, '\"")


def _is_fingerprint(text: str) -> bool:
    pairs = text.split(":")
    hexadecimal = set("0123456789abcdefABCDEF")
    return len(pairs) == _FINGERPRINT_PAIRS and all(len(pair) == 2 and set(pair) <= hexadecimal for pair in pairs)  # noqa: PLR2004
