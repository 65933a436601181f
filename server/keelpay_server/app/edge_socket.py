"""Where the edge listens, bound before anything else, and the unix socket between it and the gRPC server.

In: settings. Out: the settings with the port that the edge really has, and its socket. Invariant: the unix socket lies
in a folder of this user alone; a folder that a killed process left behind is removed by the next one.
"""

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from keelpay_server.config import Settings
from keelpay_server.edge.server import bind
from keelpay_server.rpc.contract import StartRefusedError
from keelpay_server.rpc.listeners import Listener

_PREFIX: Final = "keelpay-edge-"
_LOCK: Final = "lock"


class EdgeSocket(NamedTuple):
    """Where the edge will listen, and how the gRPC server will know it.

    Attributes:
        bound: Listens already.
        path: Of the unix socket between the two.
        key: Proves that a call comes from this edge.
    """

    bound: socket.socket
    path: str
    key: str

    @property
    def listener(self) -> Listener:
        """What the gRPC server listens on for it."""
        return Listener(address=f"unix:{self.path}")


@asynccontextmanager
async def open_socket(settings: Settings) -> AsyncIterator[tuple[Settings, EdgeSocket | None]]:
    """Binds the edge's address, if it has one.

    Yields:
        The settings with the port that it really has, and the socket.

    Raises:
        StartRefusedError: The address cannot be listened on.
    """
    listen = settings.edge.listen
    if not listen:
        yield settings, None
        return
    try:
        bound = bind(listen)
    except OSError as error:
        raise StartRefusedError(f"cannot listen on {listen}: {error}") from error
    with bound, _own_folder() as folder:
        real = f"{listen.rpartition(':')[0]}:{bound.getsockname()[1]}"
        known = msgspec.structs.replace(settings, edge=msgspec.structs.replace(settings.edge, listen=real))
        yield known, EdgeSocket(bound, str(folder / "grpc"), secrets.token_hex(16))


@contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder of this user alone; its lock is held for as long as this process lives."""
    _sweep()
    # Not in the data folder: a unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder


def _sweep() -> None:
    """Removes the folders of processes that were killed: their locks are free."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            with lock.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # its process lives, or another one was quicker
