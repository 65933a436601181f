"""Whom a request comes from, where proxies stand between: forwarded headers are believed from trusted ones alone.

In: the peer of the connection and its headers. Out: an address, and the scheme and host under which the browser knows
us. Invariant: a stranger who writes forwarded headers changes nothing.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

_FORWARDED_MAX: Final = 32
_FORWARDED: Final = "x-forwarded-for"
_SCHEMES: Final = frozenset({"http", "https"})


class Origin(NamedTuple):
    """Where a request comes from and what it was sent to.

    Attributes:
        address: Of the browser.
        scheme: `http` or `https`, as the browser sees it.
        host: The authority the browser asked for.
    """

    address: str
    scheme: str
    host: str

    @property
    def own(self) -> str:
        """Our origin as the browser writes it."""
        return f"{self.scheme}://{self.host}"


class Proxies:
    """The trusted ones."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Takes networks such as `10.0.0.0/8` or single addresses.

        Raises:
            ValueError: One of them is neither.
        """
        self._networks = tuple(ip_network(network) for network in networks)

    def trusts(self, address: str) -> bool:
        """Whether an address is a proxy of ours."""
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def origin_of(self, peer: str, scheme: str, fields: Mapping[str, str]) -> Origin:
        """Returns where a request comes from.

        Args:
            peer: The address at the other end of the connection.
            scheme: Of the connection.
            fields: The request's headers.
        """
        host = fields.get("host", "")
        if not self.trusts(peer):
            return Origin(peer, scheme, host)
        told = fields.get("x-forwarded-proto", "").strip().lower()
        return Origin(
            self._address(peer, fields.get(_FORWARDED, "")),
            told if told in _SCHEMES else scheme,
            fields.get("x-forwarded-host", host),
        )

    def _address(self, peer: str, forwarded: str) -> str:
        """Walks back from the peer; the first address that is none of our proxies is whom the nearest of them saw."""
        address = peer
        for hop in reversed(forwarded.split(",")[-_FORWARDED_MAX:]):
            parsed = _parsed(_without_port(hop.strip()))
            if parsed is None:
                break
            address = str(parsed)
            if not self.trusts(address):
                break
        return address


def fields_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Returns headers by name; some proxies continue the list of addresses in a line of their own (RFC 9110, 5.3)."""
    fields: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers):
        fields[name] = f"{fields[name]},{value}" if name == _FORWARDED and name in fields else value
    return fields


def _without_port(hop: str) -> str:
    """Returns the address of a hop: some proxies write its port too, `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
