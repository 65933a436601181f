"""Migrate: brings a database to the newest step, or tells where it stands.

In: SQLAlchemy's engine. Out: a migrated database. Invariant: each step is one transaction; a database newer than this
program is left alone.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from .schema import metadata

_FOLDER: Final = Path(__file__).parent / "migrations"


class DatabaseNewer(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The database was migrated by a newer program."""


def configuration() -> Config:
    """Returns Alembic's configuration of our steps."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


async def migrate(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """Brings the database to the newest step.

    Returns:
        The steps it stood at before and stands at now.

    Raises:
        DatabaseNewer: It stands at a step that this program does not know.
    """
    async with engine.begin() as connection:
        return await connection.run_sync(_upgrade)


async def differences(engine: AsyncEngine) -> list[object]:
    """Returns what the tables of a migrated database lack or have beyond the metadata; empty if they agree."""
    async with engine.connect() as connection:
        return await connection.run_sync(
            lambda plain: compare_metadata(MigrationContext.configure(plain, opts={"compare_type": True}), metadata)
        )


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    config = configuration()
    script = ScriptDirectory.from_config(config)
    before = MigrationContext.configure(connection).get_current_revision()
    if before is not None and before not in {step.revision for step in script.walk_revisions()}:
        raise DatabaseNewer(f"the database is at step {before}, which this version of keelpay does not know")
    if before != script.get_current_head():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, script.get_current_head()
