"""The stories of the sandbox bank as a table for people: what to type, and what comes of it.

In: the scenarios. Out: Markdown that also reads well on a terminal. Invariant: made of the scenarios alone, so that the
command and the documents show the same rows.
"""

from collections.abc import Sequence
from typing import Final

from .magic import SCENARIOS, amount_of
from .tokenizer import card_of, short_account_of

_HEAD: Final = ("scenario", "test card", "account, wallet", "amount", "befalls", "what happens")
_MINOR: Final = 100
_AMOUNT: Final = 3


def table_text() -> str:
    """Returns the scenarios as a Markdown table, its columns aligned."""
    rows = [_HEAD, *(_cells(name) for name in SCENARIOS)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    rule = ["-" * width for width in widths]
    rule[_AMOUNT] = rule[_AMOUNT][:-1] + ":"
    return "".join(f"{line}\n" for line in (lines[0], _line(rule, widths), *lines[1:]))


def _cells(name: str) -> tuple[str, ...]:
    whole, part = divmod(amount_of(name), _MINOR)
    row = SCENARIOS[name]
    kinds = ", ".join(kind.name for kind in row.kinds)
    return (f"`{name}`", f"`{card_of(name)}`", f"`{short_account_of(name)}`", f"{whole:,}.{part:02}", kinds, row.note)


def _line(cells: Sequence[str], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    padded[_AMOUNT] = cells[_AMOUNT].rjust(widths[_AMOUNT])
    return f"| {' | '.join(padded)} |"
