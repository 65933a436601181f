"""`keelpay migrate`: brings a database's tables to this version, or says whether they are.

In: settings. Out: a migrated database, or an exit code. Invariant: all of it or nothing; several may start at once.
"""

from typing import TYPE_CHECKING, Any

import click

from .installation import installation_options
from .running import FOUND_WRONG, run

if TYPE_CHECKING:
    from keelpay_server.config import Settings


@click.command()
@installation_options
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if there is something to do.")
def migrate(refine: Any, *, check: bool) -> None:
    """Bring the database's tables to this version.

    `keelpay serve` does it too when it starts; this command does it beforehand, as a deployment's own step. It is done
    whole or not at all, and any number of processes may start at once.

    \b
    Examples:
      keelpay migrate --check --database postgresql://keelpay@db/keelpay
      keelpay migrate --data /var/lib/keelpay
    """
    run(_check(refine()) if check else _migrate(refine()))


async def _migrate(settings: "Settings") -> None:
    from keelpay_server.app import books

    before = await books.migrate(settings)
    if before.waiting:
        click.echo(f"the database was {_at(before.step)} and is at step {before.newest}: took {_list(before.waiting)}")
    else:
        click.echo(f"the database is at step {before.newest} already: nothing to do")


async def _check(settings: "Settings") -> None:
    from keelpay_server.app import books

    found = await books.look(settings)
    if found.waiting:
        click.echo(f"the database is {_at(found.step)}; `keelpay migrate` would take {_list(found.waiting)}")
        raise SystemExit(FOUND_WRONG)
    click.echo(f"the database is at step {found.newest}, as this version wants it")


def _at(step: str | None) -> str:
    return "empty" if step is None else f"at step {step}"


def _list(steps: tuple[str, ...]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(steps)}"
