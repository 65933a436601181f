"""`keelpay verify`: proves a whole book against the eight invariants.

In: settings. Out: a table and an exit code. Invariant: it only reads, so it may run beside a server.
"""

import time
from typing import TYPE_CHECKING, Any

import click

from .installation import installation_options
from .running import FOUND_WRONG, run

if TYPE_CHECKING:
    from rich.console import Console

    from keelpay_server.app.books import Verdict
    from keelpay_server.config import Settings


@click.command()
@installation_options
def verify(refine: Any) -> None:
    """Prove the books: all eight invariants, from the first event on.

    Reads the journal, every leg, balance, hold and payment as of one moment, also while a server runs on the same
    database. Exit code 1 if anything is wrong.

    \b
    Examples:
      keelpay verify --data /var/lib/keelpay
      keelpay verify --database postgresql://auditor@replica/keelpay
    """
    from rich.console import Console

    if not run(prove(refine(), Console())):
        raise SystemExit(FOUND_WRONG)


async def prove(settings: "Settings", out: "Console") -> bool:
    """Examines a book and prints what was found; returns whether it is right."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from keelpay_server.app.books import Progress as Step
    from keelpay_server.app.books import examine

    begin = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True)
    verdict: Verdict | None = None
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("events", total=None)
        async for step in examine(settings):
            if isinstance(step, Step):
                progress.update(task, completed=step.checked, total=step.total)
            else:
                verdict = step
    assert verdict is not None, "an examination ends in a verdict"
    show(verdict, out)
    seconds = time.monotonic() - begin
    word = "[green]the books are right[/]" if verdict.ok else "[bold red]the books are WRONG[/]"
    out.print(f"{word}: {verdict.sequence:,} events in {seconds:.1f} s", highlight=False)
    return verdict.ok


def show(verdict: "Verdict", out: "Console") -> None:
    """Prints a table, one row an invariant, and below it what is wrong."""
    from rich.markup import escape
    from rich.table import Table

    from keelpay_clients.report_table import INVARIANTS

    table = Table("", "", "invariant", "looked at")
    table.columns[3].justify = "right"
    for finding in verdict.findings:
        mark = "[green]✓[/]" if finding.ok else "[bold red]✗[/]"
        table.add_row(mark, str(int(finding.invariant)), INVARIANTS[finding.invariant], f"{finding.checked:,}")
    out.print(table)
    for finding in verdict.findings:
        if not finding.ok:
            name = INVARIANTS[finding.invariant]
            out.print(f"[red]✗ {int(finding.invariant)} {name}: {finding.faults}[/]\n  {escape(finding.detail)}")
