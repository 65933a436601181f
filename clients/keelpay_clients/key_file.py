"""Key files, as `keelpay keys admit` writes them: a private key in PEM, below the lines that say whose it is.

In: a path. Out: the key, ready to call with, and the installation it is for. Invariant: the private half stays in here.
"""

from pathlib import Path
from typing import NamedTuple

from keelpay.errors import ConfigurationError
from keelpay.signing_key import SigningPrivateKey

_BEGIN = "-----BEGIN"
_NAMES = ("client", "key", "audience")


class KeyFileError(Exception):
    """The file is none that `keelpay keys` has written; the text says what is missing."""


class HeldKey(NamedTuple):
    """What a key file holds.

    Attributes:
        key: The key and its holder.
        audience: The installation's name.
    """

    key: SigningPrivateKey
    audience: str


def read_key(path: Path) -> HeldKey:
    """Reads a key file.

    Raises:
        KeyFileError: It cannot be read, lines above the key are missing, or the key itself is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"cannot read {path}: {error}") from error
    head = text[: max(text.find(_BEGIN), 0)]
    lines = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    missing = [name for name in _NAMES if name not in lines]
    if missing:
        raise KeyFileError(f"{path} lacks {', '.join(missing)} above its key; `keelpay keys admit` writes such files")
    try:
        key = SigningPrivateKey.from_pem(text, holder=lines["client"], key_id=lines["key"])
    except ConfigurationError as error:
        raise KeyFileError(f"{path}: {error}") from error
    return HeldKey(key, lines["audience"])
