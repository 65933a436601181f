"""What has to be right before a server opens anything: certificates, passkeys' domain, rails that are what they say.

In: settings. Out: nothing, or the sentence that says what is wrong. Invariant: looks only; nothing is made or changed.
"""

import ssl
from pathlib import Path
from typing import Final

from cryptography.x509 import load_pem_x509_certificates

from keelpay_server.config import RailSettings, Settings, SettingsError
from keelpay_server.ledger.currency import CurrencyError, currency

LOCAL_CHANNELS: Final = frozenset({"wallet", "card", "bank"})
"""Of which there are sandbox banks."""


def check_start(settings: Settings) -> None:
    """Checks them.

    Raises:
        SettingsError: Naming what is wrong.
    """
    if settings.tls is not None:
        _check_pair("tls", settings.tls.certificate, settings.tls.key)
        if settings.tls.client_roots:
            _certificates("tls.client_roots", settings.tls.client_roots)
    if settings.edge.tls is not None:
        _check_pair("edge.tls", settings.edge.tls.certificate, settings.edge.tls.key)
    if settings.mode == "live" and settings.edge.listen and settings.rp_id == Settings().rp_id:
        raise SettingsError(
            f"rp_id: it is {settings.rp_id}, and payers would set up passkeys for it, for ever; give the domain of your"
            " pages"
        )
    for rail in settings.rails:
        _check_rail(rail)


def _check_pair(table: str, certificate: str, key: str) -> None:
    _certificates(f"{table}.certificate", certificate)
    _read(f"{table}.key", key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, _Locked) as error:
        raise SettingsError(
            f"{table}.key: {key} is not the key of {certificate}, or is no PEM without a password"
        ) from error


def _check_rail(rail: RailSettings) -> None:
    if rail.roots:
        _certificates(f"roots of rail {rail.name!r}", rail.roots)
    if rail.address == "local" and rail.channel not in LOCAL_CHANNELS:
        raise SettingsError(f"rail {rail.name!r}: no sandbox bank has the channel {rail.channel}; give it an address")
    for code in rail.currencies:
        try:
            currency(code)
        except CurrencyError as error:
            raise SettingsError(f"rail {rail.name!r}: {error}") from error


def _certificates(setting: str, path: str) -> None:
    try:
        load_pem_x509_certificates(_read(setting, path))
    except ValueError as error:
        raise SettingsError(f"{setting}: {path} holds no certificate in PEM") from error


def _read(setting: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{setting}: {path}: {error.strerror}") from error


class _Locked(Exception):  # noqa: N818  (never leaves this file)
    """A key asks for a password."""


def _no_password() -> str:
    """Instead of asking at the terminal."""
    raise _Locked
