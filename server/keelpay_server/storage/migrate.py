"""Migrate: brings a database to the newest step, or tells where it stands.

In: SQLAlchemy's engine. Out: a migrated database. Invariant: it is done whole or not at all, by one process at a time;
a database newer than this program is left alone.
"""

from pathlib import Path
from typing import Final, NamedTuple

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .schema import metadata

FOLDER: Final = Path(__file__).parent / "migrations"
MIGRATING: Final = 0x6B65656C706179
"""Number of PostgreSQL's advisory lock of whoever migrates: processes may start together."""


class DatabaseNewer(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The database was migrated by a newer program."""


class Standing(NamedTuple):
    """Where a database stands.

    Attributes:
        step: Its step; None for an empty database.
        newest: The newest step that this program knows.
        waiting: The steps that are missing, the next one first.
    """

    step: str | None
    newest: str
    waiting: tuple[str, ...]


def configuration() -> Config:
    """Returns Alembic's configuration of our steps."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


async def migrate(engine: AsyncEngine) -> Standing:
    """Brings the database to the newest step.

    Returns:
        Where it stood before.

    Raises:
        DatabaseNewer: It stands at a step that this program does not know.
    """
    async with engine.begin() as connection:
        return await upgrade(connection)


async def upgrade(connection: AsyncConnection) -> Standing:
    """As `migrate`, within a transaction that the caller has begun and will commit."""
    return await connection.run_sync(_upgrade)


async def standing(engine: AsyncEngine) -> Standing:
    """Returns where the database stands, and changes nothing.

    Raises:
        DatabaseNewer: It stands at a step that this program does not know.
    """
    async with engine.connect() as connection:
        return await connection.run_sync(_standing, _steps())


async def differences(engine: AsyncEngine) -> list[object]:
    """Returns what the tables of a migrated database lack or have beyond the metadata; empty if they agree."""
    async with engine.connect() as connection:
        return await connection.run_sync(
            lambda plain: compare_metadata(MigrationContext.configure(plain, opts={"compare_type": True}), metadata)
        )


def _upgrade(connection: Connection) -> Standing:
    steps = _steps()
    before = _standing(connection, steps)
    if before.waiting:
        # Alone from here on, and in a transaction: SQLite's driver would begin none for a CREATE TABLE.
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATING})
        elif connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        before = _standing(connection, steps)
    if before.waiting:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before


def _standing(connection: Connection, steps: list[str]) -> Standing:
    step = MigrationContext.configure(connection).get_current_revision()
    if step is not None and step not in steps:
        raise DatabaseNewer(f"the database is at step {step}; this version of keelpay knows steps up to {steps[0]}")
    missing = steps[: steps.index(step)] if step is not None else steps
    return Standing(step, steps[0], tuple(reversed(missing)))


def _steps() -> list[str]:
    """Returns all steps that this program knows, the newest first."""
    return [step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()]
