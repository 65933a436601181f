"""Settings: what an installation chooses, from a TOML file, the environment and the command line, in this order.

In: text. Out: one frozen value. Invariant: an unknown or ill-formed setting stops the start with a sentence that names
it; secrets come from files or the environment, never from a default.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENVIRONMENT_PREFIX: Final = "KEELPAY_"
MASTER_KEY_VARIABLE: Final = "KEELPAY_MASTER_KEY"
MASTER_KEY_BYTES: Final = 32
VAULT_KEY_MAX: Final = 1000
DATABASES: Final = ("sqlite:///", "postgresql://", "postgres://")
"""How the URL of a database begins."""


class SettingsError(Exception):
    """The settings make no sense; the text says which and why."""


class RailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bank or wallet.

    Attributes:
        name: What operations and accounts carry; for ever.
        channel: `card`, `wallet`, `bank` or `stablecoin`.
        address: `HOST:PORT` of its RailService, or `local` for the sandbox bank inside this process (test mode).
        currencies: What it takes; empty for all.
        roots: PEM file of whom to trust; empty for the system's authorities.
        insecure: Speak in the clear to an address on this machine (test mode only).
    """

    name: str
    channel: Literal["card", "wallet", "bank", "stablecoin"]
    address: str = "local"
    currencies: tuple[str, ...] = ("CNY",)
    roots: str = ""
    insecure: bool = False


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files of the server's own certificate and, for mutual TLS, of its clients' authorities."""

    certificate: str
    key: str
    client_roots: str = ""


SANDBOX_RAILS: Final = (
    RailSettings(name="sandbox-wallet", channel="wallet"),
    RailSettings(name="sandbox-card", channel="card"),
    RailSettings(name="sandbox-bank", channel="bank"),
)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings of one server process.

    Attributes:
        data: Folder of the embedded database, the keys and the sandbox bank.
        database: `sqlite:///path` or `postgresql://...`; empty for a SQLite file in `data`.
        mode: `test` or `live`, for ever.
        book: Number of the book this process serves.
        listen: `HOST:PORT` for gRPC; port 0 takes any free one.
        tls: The server's certificate; without one only loopback addresses are listened on.
        metrics_port: Port of Prometheus metrics on loopback; 0 for none.
        name: The installation's name in tokens: issuer and audience.
        rp_id: Relying party of the passkeys, for ever.
        origins: Where pages and apps may sign from; empty means `https://<rp_id>`.
        rp_name: What authenticators show.
        rails: Banks and wallets, in order of preference.
        auto_payout: Pay merchants out as soon as a window is settled.
        merchants_may_owe: A refund may leave a merchant owing us.
        refund_fees: Our fee is given back with a refund.
        vault_key: Number of the key that seals card and account numbers; raise it by one to change the key: at the
            next start every number is sealed anew.
        webhooks_to_loopback: Test mode: webhooks may go to this machine.
        log_level: Of the standard logging.
    """

    data: str = "var"
    database: str = ""
    mode: Literal["test", "live"] = "test"
    book: int = 1
    listen: str = "127.0.0.1:8443"
    tls: TlsSettings | None = None
    metrics_port: int = 0
    name: str = "keelpay"
    rp_id: str = "localhost"
    origins: tuple[str, ...] = ()
    rp_name: str = "keelpay"
    rails: tuple[RailSettings, ...] = SANDBOX_RAILS
    auto_payout: bool = True
    merchants_may_owe: bool = True
    refund_fees: bool = True
    vault_key: int = 1
    webhooks_to_loopback: bool = False
    log_level: str = "INFO"

    def url(self) -> str:
        """Returns the database's URL."""
        return self.database or f"sqlite:///{Path(self.data).absolute() / 'keelpay.sqlite'}"

    def signing_origins(self) -> frozenset[str]:
        """Returns where confirmations may be signed from."""
        return frozenset(self.origins or (f"https://{self.rp_id}",))


def load_settings(path: str | None, overrides: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Reads the settings.

    Args:
        path: TOML file, or None.
        overrides: From the command line; None values are left out.
        environment: `KEELPAY_<NAME>` for every setting that is a text, a number or a truth value.

    Raises:
        SettingsError: Naming what is wrong.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values.update(tomllib.loads(Path(path).read_text()))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"cannot read {path}: {error}") from error
    for field in Settings.__struct_fields__:
        text = environment.get(f"{ENVIRONMENT_PREFIX}{field.upper()}")
        if text is not None:
            values[field] = text
    values.update({name: value for name, value in overrides.items() if value is not None})
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.mode == "live":
        local = [rail.name for rail in settings.rails if rail.address == "local" or rail.insecure]
        if local:
            raise SettingsError(f"live mode has no sandbox and no connection in the clear: {', '.join(local)}")
        if settings.webhooks_to_loopback:
            raise SettingsError("webhooks_to_loopback is for test mode only")
    if settings.database and not settings.database.startswith(DATABASES):  # not repeated: it may hold a password
        raise SettingsError("database is sqlite:///PATH or postgresql://USER@HOST/NAME")
    if not 1 <= settings.vault_key <= VAULT_KEY_MAX:
        raise SettingsError(f"vault_key is 1..{VAULT_KEY_MAX}")
    host = settings.listen.rpartition(":")[0]
    if settings.tls is None and host not in ("127.0.0.1", "localhost", "[::1]") and not host.startswith("unix"):
        raise SettingsError(f"listening on {host} needs [tls]: a certificate and its key")
    if len({rail.name for rail in settings.rails}) != len(settings.rails):
        raise SettingsError("two rails have one name")


class MasterKey:
    """The one secret of an installation, from which each purpose has its own key (HKDF-SHA256, RFC 5869)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def derive(self, purpose: str, size: int = 32) -> bytes:
        """Returns the key of a purpose; the same for ever."""
        return HKDF(algorithm=SHA256(), length=size, salt=None, info=f"keelpay.{purpose}".encode()).derive(self._secret)


def load_master_key(settings: Settings, environment: Mapping[str, str]) -> MasterKey:
    """Returns the master key: from the environment (64 hexadecimal digits) or a file in `data`, made on first start.

    Raises:
        SettingsError: It is not of the form, or a live installation on a server database has none.
    """
    text = environment.get(MASTER_KEY_VARIABLE, "")
    path = Path(settings.data) / "master.key"
    if not text and path.exists():
        text = path.read_text().strip()
    if not text:
        if settings.mode == "live" or settings.database.startswith("postgres"):
            raise SettingsError(
                f"set {MASTER_KEY_VARIABLE} (64 hexadecimal digits, the same for all processes) or put it in {path}"
            )
        text = secrets.token_hex(MASTER_KEY_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    try:
        secret = bytes.fromhex(text)
    except ValueError as error:
        raise SettingsError("the master key is not hexadecimal") from error
    if len(secret) != MASTER_KEY_BYTES:
        raise SettingsError(f"the master key has {len(secret)} bytes, not {MASTER_KEY_BYTES}")
    return MasterKey(secret)
