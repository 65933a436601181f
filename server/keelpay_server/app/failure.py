"""Failures that a person at the keyboard may meet and can do something about.

In: an exception. Out: what to tell and what kind it is, or None for a fault of ours.
Invariant: a table; a failure that is not in it keeps its traceback.
"""

import errno
from enum import IntEnum
from typing import Final, NamedTuple

from keelpay_server.auth.party_of_passkeys import WrongRelyingParty
from keelpay_server.auth.platform_key import WrongMasterKey
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.refusal import Refused
from keelpay_server.config import SettingsError
from keelpay_server.rails.sandbox.store import BankFileBusy, BankFileError
from keelpay_server.rpc.contract import StartRefusedError
from keelpay_server.storage.file_lock import FileBusy
from keelpay_server.storage.migrate import DatabaseNewer
from keelpay_server.storage.opening import WrongMode
from keelpay_server.storage.reading import BookMissing


class FailureKind(IntEnum):
    """What kind of failure; the number is the process's exit code."""

    REFUSED = 1
    """What was asked is not possible as things stand."""
    SETTINGS = 3
    """A setting, a file or a secret is wrong."""
    DATABASE = 4
    """The database cannot be used, or not by this installation or version."""
    BUSY = 5
    """Somebody else has the port or the file; later it may work."""


class Failure(NamedTuple):
    """What to tell.

    Attributes:
        kind: What kind of failure.
        sentence: What is wrong.
        advice: What to do about it; may be empty.
    """

    kind: FailureKind
    sentence: str
    advice: str = ""


_TABLE: Final[dict[type[Exception], tuple[FailureKind, str]]] = {
    SettingsError: (FailureKind.SETTINGS, ""),
    WrongMasterKey: (FailureKind.SETTINGS, "Use the master key that the installation was created with."),
    WrongRelyingParty: (FailureKind.SETTINGS, "An rp_id is for ever: leave it as it was, or choose another database."),
    BankFileBusy: (FailureKind.BUSY, "Run the banks beside the servers (keelpay bank serve), or name another --data."),
    BankFileError: (FailureKind.SETTINGS, ""),
    FileBusy: (FailureKind.BUSY, "Stop that server first (SIGTERM lets it finish), or choose another --data folder."),
    WrongMode: (FailureKind.DATABASE, "A mode is for ever: choose another database, or leave --mode as it was."),
    DatabaseNewer: (FailureKind.DATABASE, "Run the newer version that migrated it; there is no way back."),
    BookMissing: (FailureKind.DATABASE, "Name it by --data or --database; `keelpay migrate` brings it up to date."),
    StorageLost: (FailureKind.DATABASE, "Is the database up, and is everything in its URL right?"),
    Refused: (FailureKind.REFUSED, ""),
}  # fmt: skip
_CANNOT_LISTEN: Final = "cannot listen on "


def explain(error: BaseException) -> Failure | None:
    """Returns what to tell of an exception; None where it is a fault of ours."""
    text = str(error)
    if isinstance(error, StartRefusedError) and text.startswith(_CANNOT_LISTEN):
        address = text.removeprefix(_CANNOT_LISTEN).split(": ")[0]
        advice = "Another server is running there, or this machine has no such address: see --listen, --edge."
        return Failure(FailureKind.BUSY, f"{_CANNOT_LISTEN}{address}", advice)
    for kind, (number, advice) in _TABLE.items():
        if isinstance(error, kind):
            return Failure(number, text, advice)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return Failure(FailureKind.BUSY, f"a port is taken: {text}", "Choose another one.")
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(FailureKind.SETTINGS, f"{error.filename}: {error.strerror}")
    return None
