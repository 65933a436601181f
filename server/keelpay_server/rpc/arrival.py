"""What a call brings along besides its message: request id, language, credential, address.

In: invocation metadata and the peer as gRPC tells them. Out: plain values for the pipeline.
Invariant: nothing the caller wrote is trusted further than its form: an odd request id is replaced, a forwarded
address counts only from our own edge, on a unix socket and with its key.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from itertools import count
from typing import Final
from urllib.parse import unquote

from .errors import choose_language

REQUEST_ID_KEY: Final = "x-request-id"
MODE_KEY: Final = "x-keelpay-mode"
AUTHORIZATION_KEY: Final = "authorization"
LANGUAGE_KEY: Final = "accept-language"
FORWARDED_KEY: Final = "x-forwarded-for"
EDGE_KEY: Final = "x-keelpay-edge"
# A name that no client can send: HTTP/2 keeps the colon for its own pseudo headers.
PEER_CERTIFICATE_KEY: Final = ":peer-certificate"
REQUEST_ID_CHARACTERS_MIN: Final = 8
REQUEST_ID_CHARACTERS_MAX: Final = 64
_CERTIFICATE_PROPERTY: Final = "x509_pem_cert"
_LANGUAGE_CHARACTERS_MAX: Final = 64
_ADDRESS_CHARACTERS_MAX: Final = 64
_PEERS_MAX: Final = 4_096
_HOST_BITS: Final = 64
_UNIX: Final = "unix"

Metadata = Mapping[str, str | bytes]


def metadata_of(pairs: Sequence[tuple[str, str | bytes]]) -> dict[str, str | bytes]:
    """Returns the metadata by key.

    A second credential that hides behind the first empties both: two parsers could disagree about which one counts.
    """
    metadata = dict(pairs)
    metadata.pop(PEER_CERTIFICATE_KEY, None)
    if len(metadata) != len(pairs) and sum(1 for key, _ in pairs if key == AUTHORIZATION_KEY) > 1:
        metadata[AUTHORIZATION_KEY] = ""
    return metadata


def request_ids() -> Callable[[], str]:
    """Makes a source of request ids: 16 hexadecimal digits of this process, a hyphen, a number that counts up."""
    process, numbers = os.urandom(8).hex(), count(1)
    return lambda: f"{process}-{next(numbers):08x}"


def request_id_of(metadata: Metadata, make_request_id: Callable[[], str]) -> str:
    """Returns the client's request id where it is sane, else a new one."""
    request_id = metadata.get(REQUEST_ID_KEY)
    return str(request_id) if is_sane(request_id) else make_request_id()


def is_sane(request_id: object) -> bool:
    """Whether a client's request id is one: 8 to 64 letters, digits and hyphens of ASCII."""
    return (
        isinstance(request_id, str)
        and REQUEST_ID_CHARACTERS_MIN <= len(request_id) <= REQUEST_ID_CHARACTERS_MAX
        and request_id.isascii()
        and request_id.replace("-", "").isalnum()
    )


def language_of(metadata: Metadata) -> str:
    """Returns the language of the sentences meant for people."""
    value = metadata.get(LANGUAGE_KEY, "")
    return choose_language(value[:_LANGUAGE_CHARACTERS_MAX] if isinstance(value, str) else "")


def certificate_of(auth_context: Mapping[str, Iterable[bytes]]) -> bytes:
    """Returns the certificate that the peer proved in the TLS handshake, PEM; empty where there is none."""
    return next(iter(auth_context.get(_CERTIFICATE_PROPERTY, ())), b"")


def add_certificate(metadata: dict[str, str | bytes], auth_context: Mapping[str, Iterable[bytes]]) -> bool:
    """Adds the certificate that the peer proved in the TLS handshake; returns whether there is one."""
    certificate = certificate_of(auth_context)
    if certificate:
        metadata[PEER_CERTIFICATE_KEY] = certificate
    return bool(certificate)


def address_of(peer: str, metadata: Metadata, edge_key: str = "") -> str:
    """Returns the network address of the caller, without port.

    Args:
        peer: As gRPC tells it, such as `ipv4:192.0.2.7:50123`, `ipv6:%5B2001:db8::1%5D:443` or `unix:`.
        metadata: Our own edge forwards the address of its caller there.
        edge_key: By which the edge is known, apart from whoever else may reach a unix socket; empty without an edge.
    """
    if peer.startswith(_UNIX):
        forwarded = metadata.get(FORWARDED_KEY) if edge_key and metadata.get(EDGE_KEY) == edge_key else None
        return forwarded[:_ADDRESS_CHARACTERS_MAX] if isinstance(forwarded, str) and forwarded else _UNIX
    return _host_of(peer)


@lru_cache(maxsize=_PEERS_MAX)  # a connection has one peer and many calls
def _host_of(peer: str) -> str:
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")


@lru_cache(maxsize=_PEERS_MAX)
def rate_address(address: str) -> str:
    """Returns what anonymous callers are counted by.

    It is the address, or an IPv6 network of 64 bits, the least that one party is given (RFC 6177).
    """
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> _HOST_BITS << _HOST_BITS, _HOST_BITS)))
