"""What a run tells people: one table of rates and latencies side by side, the ratios, the bars.

In: figures. Out: text on the terminal. Invariant: what is not measured is shown as missing, never as zero.
"""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from bench.figures import BARS, CALLERS, CROWD

_WIDTH = 120
_TITLES = {
    "echo": "bare grpc.aio echo",
    "unary": "pay from a balance",
    "unary_bank": "pay through a bank",
    "naive": "written naively",
}


def print_report(figures: Mapping[str, float], labels: Sequence[str]) -> None:
    """Prints the tables.

    Args:
        figures: By dotted name.
        labels: Beginnings of the names, in the order of the rows.
    """
    console = Console(width=_WIDTH)
    table = Table(title="calls a second · p50 ms · p99 ms, by callers")
    table.add_column("subject")
    for callers in CALLERS:
        table.add_column(f"{callers}", justify="right")
    for label in labels:
        table.add_row(_title(label), *(_cell(figures, f"{label}.{callers}") for callers in CALLERS))
    console.print(table)
    _print_costs(console, figures, labels)
    _print_ratios(console, figures)
    _print_bars(console, figures)


def _print_costs(console: Console, figures: Mapping[str, float], labels: Sequence[str]) -> None:
    table = Table(title="the server process's own processor time a call, µs")
    table.add_column("subject")
    for callers in CALLERS:
        table.add_column(f"{callers}", justify="right")
    for label in labels:
        table.add_row(_title(label), *(f"{figures[f'{label}.{callers}.server_us']:,.0f}" for callers in CALLERS))
    console.print(table)


def _title(label: str) -> str:
    name, _, database = label.partition(".")
    return f"{_TITLES[name]}, {database}" if database else _TITLES[name]


def _cell(figures: Mapping[str, float], prefix: str) -> str:
    if f"{prefix}.per_second" not in figures:
        return "-"
    rate, p50, p99 = (figures[f"{prefix}.{kind}"] for kind in ("per_second", "p50_ms", "p99_ms"))
    return f"{rate:,.0f} · {p50:.1f} · {p99:.0f}"


def _print_ratios(console: Console, figures: Mapping[str, float]) -> None:
    table = Table(title="ratios of rates")
    table.add_column("ratio")
    for callers in CALLERS:
        table.add_column(f"{callers}", justify="right")
    kinds = sorted({name.rpartition(".")[0] for name in figures if "_over_" in name and name.endswith(f".{CROWD}")})
    for kind in kinds:
        table.add_row(kind, *(f"{figures[f'{kind}.{callers}']:.2f}" for callers in CALLERS))
    console.print(table)


def _print_bars(console: Console, figures: Mapping[str, float]) -> None:
    table = Table(title="bars (two cores)")
    for column in ("figure", "bar", "measured", ""):
        table.add_column(column)
    for bar in BARS:
        met = bar.met(figures)
        if met is not None:
            table.add_row(bar.figure, bar.text, f"{figures[bar.figure]:g}", "met" if met else "MISSED")
    console.print(table)
