"""Where a webhook may go: an https address whose every network address is public.

In: a URI, and the addresses that its host resolved to. Out: a Target, or why not. Pure.
Invariant: an address is judged by what is connected to, never by a name; one that carries an IPv4 address inside is
judged by that one too (A10).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_HTTPS_PORT: Final = 443
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""IPv4 addresses behind a translator (RFC 6052, RFC 8215)."""
_COMPATIBLE: Final = IPv6Network("::/96")
_IPV4_MASK: Final = (1 << 32) - 1


class AddressRefusedError(Exception):
    """A webhook may not go there; the text says why."""


class Target(NamedTuple):
    """A URI taken apart.

    Attributes:
        host: The name that the certificate must bear, as it stands in the URI, in lower case.
        port: 1..65535.
        authority: What `Host` says.
        path: Path and query, as sent.
    """

    host: str
    port: int
    authority: str
    path: str


def parse_target(uri: str) -> Target:
    """Takes a subscription's URI apart.

    Raises:
        AddressRefusedError: It is not an https address of a host, in printable ASCII, without credentials.
    """
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise AddressRefusedError("must be printable ASCII; write names as xn--... and paths percent-encoded")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefusedError("is no address") from error
    if parts.scheme != "https" or not host:
        raise AddressRefusedError("must be https://<host>/...")
    if "@" in parts.netloc:
        raise AddressRefusedError("must not hold credentials")
    if port == 0:
        raise AddressRefusedError("has no usable port")
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in {None, _HTTPS_PORT} else f"{shown}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or _HTTPS_PORT, authority, path)


def is_allowed(address: str, *, loopback: bool) -> bool:
    """Whether a webhook may be sent to a network address.

    Args:
        address: IPv4 or IPv6, as the resolver gave it.
        loopback: Whether this machine itself is allowed (test mode only).
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if loopback and parsed.is_loopback:
        return True
    return all(_is_public(each) for each in (parsed, *_inner(parsed)))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not address.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Returns the IPv4 addresses that an IPv6 address may lead to."""
    if isinstance(address, IPv4Address):
        return []
    found = [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
    if address.teredo is not None:
        found += address.teredo
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        found.append(IPv4Address(int(address) & _IPV4_MASK))
    return found
