"""The books of an installation, looked at from outside: where its tables stand, whether its invariants hold.

In: settings. Out: a migrated database, or findings. Invariant: examining changes nothing and needs no server.
"""

from collections.abc import AsyncIterator

from keelpay_server.clearing.audit import Progress, Verdict
from keelpay_server.config import Settings
from keelpay_server.storage.audit import SqlAudit
from keelpay_server.storage.migrate import Standing
from keelpay_server.storage.opening import migrate_alone, shown
from keelpay_server.storage.reading import open_for_reading, read_standing


async def examine(settings: Settings) -> AsyncIterator[Progress | Verdict]:
    """Yields progress now and then, and the verdict on all eight invariants last.

    Raises:
        BookMissing, DatabaseNewer, StorageLost: It cannot be read.
    """
    async with open_for_reading(settings.url(), settings.book) as reader:
        async for step in SqlAudit(reader, settings.book).examine():
            yield step


async def migrate(settings: Settings) -> Standing:
    """Brings the tables to the newest step; returns where they stood.

    Raises:
        FileBusy, DatabaseNewer, StorageLost: It cannot be migrated.
    """
    return await migrate_alone(settings.url())


async def look(settings: Settings) -> Standing:
    """Returns where the tables stand.

    Raises:
        BookMissing, DatabaseNewer, StorageLost: It cannot be read.
    """
    return await read_standing(settings.url())


def name_of(settings: Settings) -> str:
    """Returns the database as it may be shown: without its password."""
    return shown(settings.url())


__all__ = ["Progress", "Standing", "Verdict", "examine", "look", "migrate", "name_of"]
