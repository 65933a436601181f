"""Settings: what an installation chooses, from a TOML file, the environment and the command line, in this order.

In: text. Out: one frozen value. Invariant: an unknown or ill-formed setting stops the start with a sentence that names
it; secrets come from files or the environment, never from a default.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from keelpay_server.auth.figures import AuthFigures
from keelpay_server.auth.relying_party import android_origin
from keelpay_server.edge.settings import EdgeSettings

ENVIRONMENT_PREFIX: Final = "KEELPAY_"
VAULT_KEY_MAX: Final = 1000
KEEP_DAYS_MIN: Final = 30
KEEP_DAYS_MAX: Final = 36_500
KEPT_LONGER_DAYS: Final = 7
"""A request is forgotten by a job that runs once a day, and may be late by some."""
EDGE_LISTEN: Final = "edge_listen"
"""Where the edge listens, as one text: from the command line or the environment, in place of `listen` in `[edge]`."""
PORT_MAX: Final = 65_535
RAIL_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PAGES_ORIGIN: Final = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://localhost(:\d{1,5})?")
RP_ID: Final = re.compile(
    r"(?=.{1,253}$)(?!(.*\.)?\d+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)
"""A host's name as browsers take it; an address is none."""
ICONS: Final = ("/", "https://", "data:image/")
LOGOS_MAX: Final = 2
"""Browsers show no more."""
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


class LogoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mark that Secure Payment Confirmation shows: of the bank, of the network.

    Attributes:
        url: A path on `pages_origin`, or an https or data URL.
        label: Its name, for who cannot see it.
    """

    url: str
    label: str


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
        origins: Further origins that pages and apps may sign from, beside `https://<rp_id>`, `pages_origin` and the
            edge's own.
        edge: What browsers and phones reach, see `EdgeSettings`; off unless it has an address.
        auth: Figures of passkeys, recovery and links, see `AuthFigures`.
        rp_name: What authenticators show.
        pages_origin: Where people open our pages, such as `https://pay.example.com`; part of every link, on the host
            `rp_id` or below it. Empty for the edge on this machine in test mode, and for `https://<rp_id>` otherwise.
        instrument_icon: The picture beside the instrument in Secure Payment Confirmation: a path on `pages_origin`, or
            an https or data URL; empty turns that method off.
        logos: Marks that the same method shows, at most two: see `LogoSettings`.
        rails: Banks and wallets, in order of preference.
        auto_payout: Pay merchants out as soon as a window is settled.
        merchants_may_owe: A refund may leave a merchant owing us.
        refund_fees: Our fee is given back with a refund.
        vault_key: Number of the key that seals card and account numbers; raise it by one to change the key: at the
            next start every number is sealed anew.
        webhooks_to_loopback: Test mode: webhooks may go to this machine.
        webhooks_proxy: `HOST:PORT` of an HTTP proxy that all webhooks go through (CONNECT); empty for straight.
        keep_requests_days: How long a request id is remembered, at least 30 days.
        keep_deliveries_days: How long a webhook's delivery is listed once it has ended.
        keep_unused_days: How long confirmations that nobody signed, enrolments that nobody finished and links that are
            over are kept.
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
    pages_origin: str = ""
    instrument_icon: str = "/instrument.png"
    logos: tuple[LogoSettings, ...] = ()
    rails: tuple[RailSettings, ...] = SANDBOX_RAILS
    auto_payout: bool = True
    merchants_may_owe: bool = True
    refund_fees: bool = True
    vault_key: int = 1
    webhooks_to_loopback: bool = False
    webhooks_proxy: str = ""
    keep_requests_days: int = 35
    keep_deliveries_days: int = 90
    keep_unused_days: int = 90
    log_level: str = "INFO"
    edge: EdgeSettings = EdgeSettings()
    auth: AuthFigures = AuthFigures()

    def url(self) -> str:
        """Returns the database's URL."""
        return self.database or f"sqlite:///{Path(self.data).absolute() / 'keelpay.sqlite'}"

    def signing_origins(self) -> frozenset[str]:
        """Returns where confirmations may be signed from: sites, our pages, the edge on this machine, Android apps."""
        apps = (android_origin(fingerprint) for app in self.edge.android for fingerprint in app.fingerprints)
        return frozenset((*self.origins, f"https://{self.rp_id}", self.pages(), *self._local_origins(), *apps))

    def pages(self) -> str:
        """Returns where people open our pages."""
        return self.pages_origin or next(iter(self._local_origins()), f"https://{self.rp_id}")

    def picture(self, url: str) -> str:
        """Returns the URL of a picture that is named by its path on our pages, or by its own URL."""
        return f"{self.pages()}{url}" if url.startswith("/") else url

    def _local_origins(self) -> tuple[str, ...]:
        """A browser on this machine lets `localhost` be a relying party, and knows the edge under that name."""
        edge = self.edge
        if self.mode != "test" or self.rp_id != "localhost" or not edge.port or not edge.is_on_loopback:
            return ()
        return (f"{'http' if edge.tls is None else 'https'}://localhost:{edge.port}",)


def load_settings(path: str | None, overrides: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Reads the settings.

    Args:
        path: TOML file, or None.
        overrides: From the command line; None values are left out.
        environment: `KEELPAY_<NAME>` for every setting that is a text, a number or a truth value, and
            `KEELPAY_AUTH_<NAME>` for those of `[auth]`.

    Raises:
        SettingsError: Naming what is wrong.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values.update(tomllib.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"cannot read {path}: {error}") from error
    for field in (*Settings.__struct_fields__, EDGE_LISTEN):
        text = environment.get(f"{ENVIRONMENT_PREFIX}{field.upper()}")
        if text is not None:
            values[field] = text
    values.update({name: value for name, value in overrides.items() if value is not None})
    listen = values.pop(EDGE_LISTEN, None)
    if listen is not None and isinstance(values.setdefault("edge", {}), dict):
        values["edge"] = {**values["edge"], "listen": listen}
    for field in AuthFigures.__struct_fields__:
        text = environment.get(f"{ENVIRONMENT_PREFIX}AUTH_{field.upper()}")
        if text is not None and isinstance(values.setdefault("auth", {}), dict):
            values["auth"] = {**values["auth"], field: text}
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
            raise SettingsError(
                f"live mode has no sandbox and no connection in the clear: {', '.join(local)}. Name your banks in the"
                " settings file, one [[rails]] each with name, channel and address (docs/operations.md)"
            )
        if settings.webhooks_to_loopback:
            raise SettingsError("webhooks_to_loopback is for test mode only")
    proxy_host, _, proxy_port = settings.webhooks_proxy.rpartition(":")
    if settings.webhooks_proxy and not (proxy_host and "/" not in proxy_host and proxy_port.isdigit()):
        raise SettingsError("webhooks_proxy is HOST:PORT of an HTTP proxy")
    for fault in (*settings.edge.faults(), *settings.auth.faults()):
        raise SettingsError(fault)
    if settings.edge.expose_sandbox and settings.mode == "live":
        raise SettingsError("edge.expose_sandbox is for test mode only")
    if settings.database and not settings.database.startswith(DATABASES):  # not repeated: it may hold a password
        raise SettingsError("database is sqlite:///PATH or postgresql://USER@HOST/NAME")
    if settings.pages_origin and not PAGES_ORIGIN.fullmatch(settings.pages_origin):
        raise SettingsError("pages_origin is https://HOST[:PORT] without a path; http for localhost only")
    if not RP_ID.fullmatch(settings.rp_id):
        raise SettingsError(f"rp_id is a host's name alone, such as pay.example.com, not {settings.rp_id!r}")
    pages_host = urlsplit(settings.pages()).hostname or ""
    if pages_host != settings.rp_id and not pages_host.endswith(f".{settings.rp_id}"):
        raise SettingsError(f"pages_origin: pages on {pages_host} cannot use passkeys of rp_id {settings.rp_id}")
    if settings.instrument_icon and not settings.instrument_icon.startswith(ICONS):
        raise SettingsError("instrument_icon is a path beginning with /, an https URL or a data: URL")
    if len(settings.logos) > LOGOS_MAX or not all(logo.url.startswith(ICONS) and logo.label for logo in settings.logos):
        raise SettingsError(f"logos: at most {LOGOS_MAX}, each with a label and a url as instrument_icon has one")
    if not KEEP_DAYS_MIN <= settings.keep_requests_days <= KEEP_DAYS_MAX:
        raise SettingsError(f"keep_requests_days is {KEEP_DAYS_MIN}..{KEEP_DAYS_MAX}: the contract promises so much")
    least = settings.keep_requests_days + KEPT_LONGER_DAYS
    for name in ("keep_deliveries_days", "keep_unused_days"):
        if not least <= getattr(settings, name) <= KEEP_DAYS_MAX:
            raise SettingsError(f"{name} is {least}..{KEEP_DAYS_MAX}: requests that speak of it have to go first")
    if not 1 <= settings.vault_key <= VAULT_KEY_MAX:
        raise SettingsError(f"vault_key is 1..{VAULT_KEY_MAX}")
    if settings.database and not _has_port(settings.database):
        raise SettingsError("database: its port is no number up to 65535")
    host, _, port = settings.listen.rpartition(":")
    if not host.startswith("unix") and not (host and port.isdecimal() and int(port) <= PORT_MAX):
        raise SettingsError(f"listen is HOST:PORT, not {settings.listen!r}")
    if settings.tls is None and host not in ("127.0.0.1", "localhost", "[::1]") and not host.startswith("unix"):
        raise SettingsError(f"listening on {host} needs [tls]: a certificate and its key")
    for rail in settings.rails:
        if not RAIL_NAME.fullmatch(rail.name):
            raise SettingsError(f"a rail's name has 1 to 63 of a-z, 0-9 and -, and {rail.name!r} is none")
    if len({rail.name for rail in settings.rails}) != len(settings.rails):
        raise SettingsError("two rails have one name")


def _has_port(url: str) -> bool:
    """Whether the port in a URL can be one; none at all is the usual one."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
