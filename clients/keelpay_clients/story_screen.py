"""How the story looks: numbered steps, facts beside their names, a card as a phone shows it, ledger legs as a table.

In: what happened. Out: lines of at most 80 columns. Invariant: shows, never asks the server.
"""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .figures import FindingFigure
from .leg_titles import ShownLeg
from .report_table import INVARIANTS, WIDTH

INDENT: Final = 5
CARD_WIDTH: Final = 46
NAME_WIDTH: Final = 15
AMOUNT_WIDTH: Final = 9
KIND_WIDTH: Final = 12


class StoryScreen:
    """Shows the story.

    Args:
        out: Where.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._step = 0

    def title(self, title: str, line: str) -> None:
        """Begins."""
        self._out.print()
        self._out.print(Text(title, style="bold"))
        self._out.print(Text(line, style="dim"))

    def step(self, title: str, who: str = "") -> None:
        """Begins a step.

        Args:
            title: What happens.
            who: Who does it.
        """
        self._step += 1
        line = Text.assemble((f"{self._step:>3}  ", "bold cyan"), (title, "bold"))
        line.append(" " * max(2, WIDTH - len(line.plain) - len(who)) + who, style="dim")
        self._out.print()
        self._out.print(line)

    def fact(self, name: str, value: str, style: str = "") -> None:
        """Tells a fact."""
        self._row(Text(name, style="dim"), Text(value, style=style))

    def state(self, value: str, note: str = "") -> None:
        """Tells a state that was reached."""
        told = Text.assemble((value, "bold green"), (f"  {note}" if note else "", "dim"))
        self._row(Text("state", style="dim"), told)

    def card(self, title: str, rows: Iterable[tuple[str, str]]) -> None:
        """Shows what a phone shows."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for row in rows:
            table.add_row(*row)
        panel = Panel(table, title=title, title_align="left", width=CARD_WIDTH)
        self._out.print(Padding(panel, (0, 0, 0, INDENT)))

    def legs(self, legs: Iterable[ShownLeg]) -> None:
        """Shows ledger legs: how much, why, which account is debited and which is credited."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="yellow")
        table.add_column(width=KIND_WIDTH, style="dim")
        table.add_column(justify="right", style="dim")
        table.add_column(no_wrap=True)
        for leg in legs:
            table.add_row(f"{leg.amount:>{AMOUNT_WIDTH}}", leg.kind.replace("_", " "), "debit", leg.debit)
            table.add_row("", "", "credit", leg.credit)
        self._out.print(Padding(table, (0, 0, 0, INDENT)))

    def verdict(self, findings: Iterable[FindingFigure]) -> None:
        """Shows what was proven, and what was not."""
        for each in findings:
            mark = ("✓", "bold green") if each.ok else ("✗", "bold red")
            line = Text.assemble(mark, f" {each.invariant}  {INVARIANTS.get(each.invariant, '')}")
            if not each.ok:
                line.append(f": {each.detail}", style="red")
            self._out.print(Padding(line, (0, 0, 0, INDENT)))

    def _row(self, name: Text, value: Text) -> None:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=NAME_WIDTH)
        table.add_column(width=WIDTH - INDENT - NAME_WIDTH - 1)
        table.add_row(name, value)
        self._out.print(Padding(table, (0, 0, 0, INDENT)))

    def end(self, addresses: Iterable[tuple[str, str]]) -> None:
        """Ends, with what may be opened."""
        self._out.print()
        for what, address in addresses:
            self._out.print(Padding(Text.assemble((f"{what:<14}", "dim"), (address, "cyan")), (0, 0, 0, INDENT)))
