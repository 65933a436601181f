"""A key file: a private key in PEM with three lines above it that say whose it is (RFC 7468, section 2, allows them).

In: an admitted client. Out: a file that only its owner can read. Invariant: a private key is written once, to a file,
and never to a terminal or a log.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelpay_server.app.admission import Admitted

_OWNER_ONLY = 0o600


def reserve(path: Path) -> None:
    """Makes an empty file for a key, before the key is made: a key that cannot be written must not be admitted.

    Raises:
        FileExistsError: There is one already; keys are not overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))


def write(path: Path, admitted: "Admitted", audience: str) -> None:
    """Writes a key into a file, which afterwards only its owner can read.

    Args:
        path: Where to.
        admitted: The client and its key.
        audience: The installation's name, which its statements must be for.
    """
    text = f"client: {admitted.client}\nkey: {admitted.key_id}\naudience: {audience}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _OWNER_ONLY)
        file.write(text.encode() + admitted.private_key)
