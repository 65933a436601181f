"""The master key: the one secret of an installation, from which every other is derived.

In: the environment, or a file in `data`. Out: a key for each purpose. Invariant: only a test installation on SQLite
makes its own, on its first start; a live one stops without.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keelpay_server.config import Settings, SettingsError

MASTER_KEY_VARIABLE: Final = "KEELPAY_MASTER_KEY"
MASTER_KEY_BYTES: Final = 32
MASTER_KEY_FORM: Final = "the master key is not 64 hexadecimal digits, as `openssl rand -hex 32` makes them"


class MasterKey:
    """A secret from which each purpose has its own key (HKDF-SHA256, RFC 5869)."""

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
        text = path.read_text(encoding="utf-8", errors="replace").strip()
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
        raise SettingsError(MASTER_KEY_FORM) from error
    if len(secret) != MASTER_KEY_BYTES:
        raise SettingsError(MASTER_KEY_FORM)
    return MasterKey(secret)
