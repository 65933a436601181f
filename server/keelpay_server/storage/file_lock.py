"""The lock of a database file: one server process a file, for SQLite has one writer.

In: the file's path. Out: the lock, held until its end. Invariant: it is taken before anything is read or created, and
the operating system gives it back whatever ends the process.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileBusy(Exception):  # noqa: N818  (told to the person at the keyboard)
    """Another process has this database file open for writing."""


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Holds the file for this process.

    Raises:
        FileBusy: Another process has it.
    """
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileBusy(f"{path} is open in another process; a book in a file has one server") from error
        yield
    finally:
        os.close(lock)
