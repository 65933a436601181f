"""Who calls, and over which channel: everything that decides whether a server believes a client.

In: a key, a token, certificates. Out: `Credentials`, which a client takes. Invariant: a token travels over TLS or over
the loopback interface of this machine, and over nothing else; there is no insecure channel here.

    keelpay.credentials.key_file("partner-shop.pem")
    keelpay.credentials.partner("partners/shop", key_id="key-01k...", private_key=pem, audience="keelpay")
    keelpay.credentials.token(payer_token)
    keelpay.credentials.local(keelpay.credentials.token(...))
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import grpc

from .errors import ConfigurationError
from .signing_key import SigningPrivateKey

KEY_FILE_LINES: Final = ("client", "key", "audience")
"""What stands above the key in a key file: `client: partners/shop`, and so on."""


NO_CREDENTIALS: Final = (
    "a client has to say who calls: credentials=keelpay.credentials.key_file('partner-shop.pem') with a key file of"
    " `keelpay keys admit` or of a test server's first start, inside keelpay.credentials.local(...) where the server is"
    " on this machine without TLS; without any server: keelpay.Client.local()"
)
"""What a program is told that made a client without them."""


class Identity(Protocol):
    """Who calls."""

    @property
    def fixed_token(self) -> str:
        """A token as it is; empty where there is none, or where one has to be asked for."""

    @property
    def asks_for_tokens(self) -> bool:
        """Whether a proof is exchanged for tokens."""

    def assertion(self) -> str:
        """A fresh proof, good for one exchange; empty where the connection itself proves the caller."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody: public keys, and the exchange of a proof for a token."""

    fixed_token: str = ""
    asks_for_tokens: bool = False

    def assertion(self) -> str:
        """Nothing to exchange."""
        return ""


@dataclass(frozen=True, slots=True)
class CertificateHolder:
    """Whoever the client's certificate names (mutual TLS)."""

    fixed_token: str = ""
    asks_for_tokens: bool = True

    def assertion(self) -> str:
        """The connection proves it."""
        return ""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """Whoever holds a token that somebody else asked for: a person's app, or a short job."""

    fixed_token: str = field(repr=False)
    asks_for_tokens: bool = False

    def assertion(self) -> str:
        """Nothing to exchange."""
        return ""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A partner's or operator's backend with a private key."""

    key: SigningPrivateKey
    audience: str
    fixed_token: str = ""
    asks_for_tokens: bool = True

    def assertion(self) -> str:
        """A statement that is good once."""
        return self.key.client_assertion(self.audience)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who calls, and how the channel is protected.

    Attributes:
        identity: Who calls.
        scopes: What tokens are asked for; empty asks for all that the caller may have.
        roots: Authorities that may vouch for the server, PEM; None trusts grpc's own list.
        certificate_chain: The caller's own certificate for mutual TLS, PEM.
        private_key: Its private key, PEM.
        is_local: The server is on this machine: loopback or a unix socket, without TLS.
    """

    identity: Identity
    scopes: tuple[str, ...] = ()
    roots: bytes | None = None
    certificate_chain: bytes | None = None
    private_key: bytes | None = field(default=None, repr=False)
    is_local: bool = False

    def with_tls(
        self,
        *,
        roots: bytes | None = None,
        certificate_chain: bytes | None = None,
        private_key: bytes | None = None,
    ) -> "Credentials":
        """The same caller over TLS with other certificates.

        Args:
            roots: Authorities that may vouch for the server, PEM.
            certificate_chain: The caller's own certificate for mutual TLS, PEM.
            private_key: Its private key, PEM.
        """
        return dataclasses.replace(
            self, roots=roots, certificate_chain=certificate_chain, private_key=private_key, is_local=False
        )

    def with_scopes(self, *scopes: str) -> "Credentials":
        """The same caller asking for these scopes alone."""
        return dataclasses.replace(self, scopes=scopes)

    def channel_credentials(self, target: str) -> grpc.ChannelCredentials:
        """What grpc needs to open a channel to an address."""
        if not self.is_local:
            return grpc.ssl_channel_credentials(self.roots, self.private_key, self.certificate_chain)
        is_socket = target.startswith("unix:")
        return grpc.local_channel_credentials(
            grpc.LocalConnectionType.UDS if is_socket else grpc.LocalConnectionType.LOCAL_TCP
        )


def partner(name: str, *, key_id: str, private_key: bytes | str, audience: str) -> Credentials:
    """A partner's backend; tokens are asked for, kept and renewed by the client.

    Args:
        name: `partners/{p}`.
        key_id: The signing key, `partners/{p}/signingKeys/{k}` or its last part.
        private_key: Its private half: PKCS #8, PEM, Ed25519 or P-256.
        audience: The installation's name, as its operator tells it.

    Raises:
        ConfigurationError: `cryptography` is not installed, or the key cannot be read.
    """
    return signed(SigningPrivateKey.from_pem(private_key, holder=name, key_id=key_id), audience=audience)


def operator(name: str, *, key_id: str, private_key: bytes | str, audience: str) -> Credentials:
    """A person who operates the installation, `operators/{o}`; otherwise as `partner`."""
    return partner(name, key_id=key_id, private_key=private_key, audience=audience)


def signed(key: SigningPrivateKey, *, audience: str) -> Credentials:
    """Whoever holds this key."""
    return Credentials(identity=KeyHolder(key, audience))


def key_file(path: str | Path) -> Credentials:
    """Whoever holds a key file, as `keelpay keys admit` and the first start of a test server write one.

    Args:
        path: A private key in PEM, below lines that say whose it is, how it is called and for which installation.

    Raises:
        ConfigurationError: It cannot be read, a line is missing, or `cryptography` is not installed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the key file {path}: {error}") from error
    head = text[: max(text.find("-----BEGIN"), 0)]
    told = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if missing := [name for name in KEY_FILE_LINES if name not in told]:
        raise ConfigurationError(f"{path} lacks {', '.join(missing)} above its key; `keelpay keys admit` writes both")
    return partner(told["client"], key_id=told["key"], private_key=text, audience=told["audience"])


def mutual_tls(*, certificate_chain: bytes, private_key: bytes, roots: bytes | None = None) -> Credentials:
    """A partner's backend that proves itself by its certificate.

    Args:
        certificate_chain: The caller's certificate and its intermediates, PEM.
        private_key: Its private key, PEM.
        roots: Authorities that may vouch for the server, PEM; None trusts grpc's own list.
    """
    caller = Credentials(identity=CertificateHolder())
    return caller.with_tls(roots=roots, certificate_chain=certificate_chain, private_key=private_key)


def token(value: str) -> Credentials:
    """Whoever holds this access token. It is used as it is, until it ends."""
    return Credentials(identity=FixedToken(value))


def payer(value: str) -> Credentials:
    """A person's app or page with a single-purpose payer token, which the partner's backend asked for."""
    return token(value)


def anonymous() -> Credentials:
    """Nobody."""
    return Credentials(identity=Anonymous())


def local(inner: Credentials) -> Credentials:
    """The same caller to a server on this machine, over loopback or a unix socket, without TLS.

    gRPC checks that the peer is on this machine, so a token cannot leave it.
    """
    return dataclasses.replace(inner, is_local=True)
