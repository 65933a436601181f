"""Writes the next migration step: what the tables declare, and a database that has taken all steps so far lacks.

In: the metadata and the steps in storage/migrations/versions. Out: one more step, or with `--anew` all of them, one a
room, as long as there is no release whose databases have taken them.
Invariant: what is written was compared with a real database; a person reads it before it is committed.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table

from keelpay_server.storage import schema
from keelpay_server.storage.migrate import FOLDER, configuration, migrate
from keelpay_server.storage.opening import connect

ROOMS: tuple[ModuleType, ...] = (
    schema.book, schema.auth, schema.gateway, schema.risk, schema.clearing, schema.events,
)  # fmt: skip
# A column counts up by itself only where it is a key of its own, which `book_id` can be.
SAYS_NOTHING = (
    (r" *# ###.*\n?", ""),
    (r"op\.f\(('[^']*')\)", r"\1"),
    (r"(?<!'book_id', sa.BigInteger\(\)), autoincrement=False", ""),
    (r", unique=False", ""),
    (r"postgresql_with={},\n", ""),
)
COLUMNS_MAX = 150
"""Columns of one step's tables, where a room has more."""
VERSIONS = FOLDER / "versions"
Wanted = Callable[[str], bool]


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message", nargs="?", help="what the step does, as a sentence")
    parser.add_argument("--anew", action="store_true", help="before the first release: write all steps again")
    chosen = parser.parse_args()
    if chosen.anew:
        for old in steps():
            old.unlink()
        for room in ROOMS:
            name, parts = room.__name__.rpartition(".")[2], parts_of(room)
            for tables in parts:
                slug = name if len(parts) == 1 else f"{name}_{tables[0]}"
                asyncio.run(write(f"Tables of the {name} room: {', '.join(tables)}", slug, tables.__contains__))
    elif chosen.message:
        asyncio.run(write(chosen.message.rstrip("."), None, lambda _table: True, batch=True))
    else:
        parser.error('say what it does: make migration m="Payments know their device"')
    paths = [str(path) for path in steps()]
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *paths], check=True)


def steps() -> Iterator[Path]:
    """Yields the files of the steps."""
    return (path for path in sorted(VERSIONS.glob("*.py")) if path.name != "__init__.py")


def parts_of(room: ModuleType) -> list[list[str]]:
    """Returns the names of a room's tables, in files that one person can read."""
    found = {value.name: value for value in vars(room).values() if isinstance(value, Table)}
    parts: list[list[str]] = [[]]
    columns = 0
    for name, table in found.items():
        columns += len(table.columns)
        if parts[-1] and columns > COLUMNS_MAX:
            parts.append([])
            columns = len(table.columns)
        parts[-1].append(name)
    return parts


async def write(message: str, slug: str | None, wanted: Wanted, *, batch: bool = False) -> None:
    """Writes one step.

    Args:
        message: What it does.
        slug: The end of its file's name; None makes one of the message.
        wanted: Which tables it is about.
        batch: Changes go by Alembic's batches, since SQLite cannot alter a column or a constraint.
    """
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/now.sqlite")
        try:
            if any(steps()):
                await migrate(engine)
            async with engine.connect() as connection:
                found = await connection.run_sync(missing, wanted)
        finally:
            await engine.dispose()
    ups, downs = found
    if not ups.ops:
        print("the tables are as the steps make them: there is nothing to write")
        return
    script = ScriptDirectory.from_config(configuration())
    number = f"{sum(1 for _ in steps()) + 1:04}"
    up, down = text_of(ups, batch=batch), text_of(downs, batch=batch)
    step = script.generate_revision(number, message, head="head", upgrades=up, downgrades=down)
    assert step is not None
    if slug is not None:
        rename(step.path, f"{number}_{slug}.py")


def rename(path: str, name: str) -> None:
    """Gives a step's file a shorter name than its message would."""
    Path(path).rename(VERSIONS / name)


def text_of(changes: ops.UpgradeOps | ops.DowngradeOps, *, batch: bool) -> str:
    """Returns the Python of some changes, without what says nothing: defaults, Alembic's remarks, marks on names
    that no naming convention will touch.
    """
    text = render_python_code(changes, render_as_batch=batch)
    for pattern, by in SAYS_NOTHING:
        text = re.sub(pattern, by, text)
    return text.strip()


def missing(connection: Connection, wanted: Wanted) -> tuple[ops.UpgradeOps, ops.DowngradeOps]:
    """Returns what a database lacks, and how to take that back."""

    def include(item: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return wanted(str(name)) if kind == "table" else wanted(item.table.name)

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": include})
    script = produce_migrations(context, schema.metadata)
    ups, downs = script.upgrade_ops, script.downgrade_ops
    assert ups is not None
    assert downs is not None
    dropped = {step.table_name for step in downs.ops if isinstance(step, ops.DropTableOp)}
    # The indexes of a dropped table go with it.
    kept = [step for step in downs.ops if not (isinstance(step, ops.ModifyTableOps) and step.table_name in dropped)]
    ups.ops.sort(key=place)
    return ups, ops.DowngradeOps(sorted(kept, key=place, reverse=True))


def place(step: ops.MigrateOperation) -> int:
    """Returns where a table stands among the declared ones: its room's file reads alike."""
    names = list(schema.metadata.tables)
    name = getattr(step, "table_name", "")
    return names.index(name) if name in names else len(names)


if __name__ == "__main__":
    main()
