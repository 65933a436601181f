"""Where the server listens, and how each connection proves itself: TLS, mutual TLS, loopback, unix socket.

In: addresses and certificate files. Out: gRPC server credentials.
Invariant: there is no listener without transport security other than loopback and unix sockets, and renewed
certificate files are taken over without a restart.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import grpc


class ClientCertificate(Enum):
    """Whether a client shows a certificate of its own."""

    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of one TLS identity, PEM."""

    certificate_chain: Path
    """The server's certificate and its intermediates."""
    private_key: Path
    """Its private key."""
    client_roots: Path | None = None
    """Authorities of clients' certificates; needed where they are required."""
    client_certificate: ClientCertificate = ClientCertificate.NONE
    """Mutual TLS or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One address to listen on."""

    address: str
    """`host:port` (port 0: any free one) or `unix:/path`."""
    tls: Tls | None = None
    """None: loopback or a unix socket, where gRPC's local credentials check that the peer is on this machine."""

    def credentials(self) -> grpc.ServerCredentials:
        """Makes the credentials of this listener.

        Raises:
            OSError: A file cannot be read.
            ValueError: Client certificates are required without authorities to check them.
        """
        if self.tls is None:
            is_socket = self.address.startswith("unix:")
            kind = grpc.LocalConnectionType.UDS if is_socket else grpc.LocalConnectionType.LOCAL_TCP
            return grpc.local_server_credentials(kind)
        return _reloading(self.tls)


def _reloading(tls: Tls) -> grpc.ServerCredentials:
    required = tls.client_certificate is ClientCertificate.REQUIRED
    if required and tls.client_roots is None:
        raise ValueError("client certificates are required, but client_roots names no authorities")
    files = [file for file in (tls.certificate_chain, tls.private_key, tls.client_roots) if file is not None]
    seen = _state(files)
    first = _configuration(tls)

    def fetch() -> Any:
        """Called by gRPC at each handshake; None, which its type stubs forget, keeps what it has."""
        nonlocal seen
        try:
            state = _state(files)
            if state == seen:
                return None
            configuration = _configuration(tls)
        except OSError:
            return None  # in the middle of a renewal: the old certificate still serves
        seen = state
        return configuration

    return grpc.dynamic_ssl_server_credentials(first, fetch, require_client_authentication=required)


def _configuration(tls: Tls) -> grpc.ServerCertificateConfiguration:
    pair = (tls.private_key.read_bytes(), tls.certificate_chain.read_bytes())
    roots = tls.client_roots.read_bytes() if tls.client_roots is not None else None
    return grpc.ssl_server_certificate_configuration([pair], roots)


def _state(files: list[Path]) -> list[tuple[int, int]]:
    return [(status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in files)]
