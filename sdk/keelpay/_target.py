"""Addresses of servers: what is plainly none is said before any call, and what a failed connection means, after it.

In: an address, as a caller writes it; grpc's words for a connection that did not come about. Out: nothing, or a hint.
Invariant: no address that grpc can use is refused.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .errors import ConfigurationError

GRPC_SCHEMES: Final = ("dns:", "unix:", "unix-abstract:", "ipv4:", "ipv6:", "vsock:", "xds:", "google-c2p:")
"""Addresses that grpc reads in ways of its own."""
PORT_MAX: Final = 65_535
URL: Final = re.compile(r"(?i)(https?|grpcs?|tcp)://")
HINT: Final = " Hint: "
"""Stands between grpc's words and ours."""
HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "http1.x server": "HTTP/1 is spoken there, as at the edge for browsers (port 8080); gRPC has a port of its own "
        "(8443 unless it was chosen otherwise).",
        "WRONG_VERSION_NUMBER": "no TLS is spoken there. A server on this machine without TLS needs "
        "keelpay.credentials.local(...); the edge for browsers (port 8080) is no gRPC at all.",
        "CERTIFICATE_VERIFY_FAILED": "the server's certificate is of an authority that is not trusted here: "
        "credentials.with_tls(roots=...) names the right one.",
        "Hostname Verification": "the server's certificate is for another name than that of the address.",
        "Socket closed": "it was closed from over there at once. If the server speaks TLS, leave out "
        "keelpay.credentials.local(...).",
        "TCP loopback": "keelpay.credentials.local(...) is for a server on this machine; without it TLS is spoken.",
        "Connection refused": "nothing listens there. `keelpay serve` says at its start where it listens.",
        "Domain name not found": "no host has this name.",
    }
)
"""By a part of grpc's words."""


def require_target(target: str, *, is_local: bool) -> None:
    """Looks at an address before anything is sent to it.

    Args:
        target: `host`, `host:port`, or what grpc reads in a way of its own.
        is_local: It is on this machine, without TLS.

    Raises:
        ConfigurationError: It cannot be one; the text says why, and how one is written.
    """
    if not (target or "").strip():
        raise ConfigurationError("which server? Name it as HOST:PORT, such as 127.0.0.1:8443")
    if URL.match(target):
        raise ConfigurationError(
            f"{target!r} begins like the address of a web page: a gRPC server is named as HOST:PORT, without "
            f"{target.partition('//')[0]}// before it; whether TLS is spoken is for the credentials to say"
        )
    if target.startswith(GRPC_SCHEMES):
        return
    host, port = _parts(target)
    if "/" in target or not host:
        raise ConfigurationError(f"{target!r} is no address: a gRPC server is named as HOST:PORT")
    if port is None and is_local:
        raise ConfigurationError(f"which port of {target}? A server on this machine listens on 8443 unless told "
                                 f"otherwise: {target}:8443")  # fmt: skip
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX):
        raise ConfigurationError(f"{target!r} is no address: its port is a number from 1 to {PORT_MAX}")


def with_hint(message: str) -> str:
    """Grpc's words for a call that did not get through, and what they mean in ours where we know."""
    for words, hint in HINTS.items():
        if words in message:
            return f"{message.rstrip('.')}.{HINT}{hint}"
    return message


def _parts(target: str) -> tuple[str, str | None]:
    """Host and port; None for none. An IPv6 address stands in brackets, or alone."""
    if target.startswith("["):
        host, _, rest = target.partition("]")
        return host, rest[1:] if rest.startswith(":") else None
    if target.count(":") > 1:
        return target, None
    host, colon, port = target.partition(":")
    return host, port if colon else None
