"""The report as people read it: tables of at most 80 columns.

In: a report. Out: lines on a console. Invariant: shows, never computes; whatever is wrong is the last thing on screen.
"""

from collections.abc import Iterable
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from .figures import FindingFigure
from .mixture import REGIONS
from .report import Group, Report, Share, Spread, money

WIDTH: Final = 80
FAULTS_SHOWN: Final = 20
NUMERIC: Final = frozenset({"value", "payments", "success", "p50 / p99 ms", "money in", "checked"})
"""Columns of numbers stand on the right, each number in one piece."""
INVARIANTS: Final = {
    1: "debits equal credits, balances are their legs",
    2: "no floored account below zero, holds in bounds",
    3: "refunded ≤ captured ≤ authorized",
    4: "transit and control accounts are explained",
    5: "clients' money is covered by banks",
    6: "no gap, whole hash chain, replay agrees",
    7: "every acknowledged request exists once",
    8: "every debit of a payer has the payer's proof",
}
"""What VerifyLedger proves, in a few words each."""
_REGIONS: Final = {region.code: region.title for region in REGIONS}


def print_report(report: Report, out: Console) -> None:
    """Prints everything, and what is wrong at the end."""
    for part in (_figures(report), _groups(report), _invariants(report.books.findings), _checks(report)):
        out.print(part)
        out.print()
    if report.ok:
        out.print("[bold green]All green:[/] eight invariants hold, nothing is missing, both sides agree.")
        return
    out.print(f"[bold red]{len(report.faults)} things are wrong:[/]")
    for fault in report.faults[:FAULTS_SHOWN]:
        out.print(Text(f"  {fault}"))
    if len(report.faults) > FAULTS_SHOWN:
        out.print(f"  and {len(report.faults) - FAULTS_SHOWN} more")


def _figures(report: Report) -> RenderableType:
    played, books = report.played, report.books
    table = _table("The simulation", "figure", "value", "target")
    unfunded = sum(each.unfunded for each in books.payments)
    abandoned = sum(each.abandoned for each in books.payments)
    still_open = sum(each.open for each in books.payments)
    per_s = len(books.payments) * 10 // max(played.wall_s, 1)
    rows: list[tuple[str, str, str]] = [
        ("payments", f"{len(books.payments):,}", ""),
        ("  played in", f"{played.wall_s} s, {per_s // 10}.{per_s % 10} a second", ""),
        ("success rate", _share(report.success), "≥ 95 %"),
        ("  no money, abandoned, open", f"{unfunded}, {abandoned}, {still_open}", ""),
        ("system time p50 / p99", _spread(report.system), "p99 < 1,000 ms"),
        ("bank time p50 / p99", _spread(report.bank), ""),
        ("passkeys, mandates", f"{played.passkeys}, {played.mandates}", ""),
        ("confirmed by finger or face", f"{played.confirmations}", ""),
        ("  stepped up by risk", _share(Share(played.step_ups, len(books.payments))), "≤ 2 %"),
        ("thieves stopped", f"{played.frauds_stopped} of {played.frauds}", ""),
        ("paid another way", f"{played.other_ways}", ""),
        ("decided by a reviewer", f"{played.reviews}", ""),
        ("money in (captured)", money(report.captured_minor, report.currency), ""),
        ("refunded", money(report.refunded_minor, report.currency), ""),
        ("fees", money(report.fee_minor, report.currency), ""),
        ("banks' charges", money(report.bank_cost_minor, report.currency), ""),
        ("settled, T+1", money(report.settled_minor, report.currency), ""),
        ("  on time", _share(report.on_time), "100 %"),
        ("paid out", money(report.paid_out_minor, report.currency), ""),
        ("statement lines matched", _share(report.matched), ""),
        ("breaks, unexplained", f"{len(books.breaks)}, {len(report.unexplained)}", "0 unexplained"),
        ("lagging refunds", _share(report.lagging), "≤ 0.5 %"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _groups(report: Report) -> RenderableType:
    table = _table("By channel and region", "", "payments", "success", "p50 / p99 ms", "money in")
    for group in report.by_channel:
        table.add_row(*_group(group, group.name.lower(), report.currency))
    table.add_section()
    for group in report.by_region:
        table.add_row(*_group(group, _REGIONS.get(group.name, group.name), report.currency))
    return table


def _group(group: Group, name: str, currency: str) -> Iterable[str]:
    times = f"{group.system.p50:,} / {group.system.p99:,}"
    return name, f"{group.payments:,}", str(group.success), times, money(group.captured_minor, currency)


def _invariants(findings: Iterable[FindingFigure]) -> RenderableType:
    table = _table("VerifyLedger", "", "invariant", "checked", "holds")
    for each in sorted(findings):
        mark = "[green]✓[/]" if each.ok else "[bold red]✗[/]"
        table.add_row(str(each.invariant), INVARIANTS.get(each.invariant, "?"), f"{each.checked:,}", mark)
    return table


def _checks(report: Report) -> RenderableType:
    table = _table("Known twice", "what", "one side", "other side", "value", "agree")
    for check in report.checks:
        value = check.left_read if check.ok else f"{check.left_read}\n≠ {check.right_read}"
        mark = "[green]✓[/]" if check.ok else "[bold red]✗[/]"
        table.add_row(check.what, check.left, check.right, value, mark)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", width=WIDTH)
    for column in columns:
        numeric = column in NUMERIC
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    return table


def _share(share: Share) -> str:
    return f"{share} ({share.numerator:,} of {share.denominator:,})"


def _spread(spread: Spread) -> str:
    return f"{spread.p50:,} / {spread.p99:,} ms"
