"""Recorded traffic: transactions of a file of the public data set.

In: a path, `.csv`, `.csv.gz` or `.parquet`, with the columns t, customer, terminal, amount_cents and fraud. Out: the
transactions of the first days, in the order of their times. Invariant: a row without an amount is left out, and nothing
else; labels stay with the transaction and go nowhere.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from .run_error import TrafficError
from .transaction import DAY_S, Transaction

COLUMNS: Final = ("t", "customer", "terminal", "amount_cents", "fraud")
_PARQUET_ROWS: Final = 65_536


def read_transactions(path: Path, *, days: int, rows_max: int | None = None) -> list[Transaction]:
    """Reads the transactions of the first days of a file.

    Args:
        path: The file.
        days: How many days from its first second, at least 1.
        rows_max: Stop after so many transactions; None reads all of these days.

    Raises:
        TrafficError: There is no such file, it has other columns, or parquet cannot be read here.
    """
    if not path.is_file():
        raise TrafficError(f"there is no file {path}")
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    found = _within(_transactions(rows), days * DAY_S)
    return sorted(islice(found, rows_max))


def _within(transactions: Iterable[Transaction], end_s: int) -> Iterator[Transaction]:
    """Yields what happens before a time; the files are in the order of time."""
    for each in transactions:
        if each.time_s >= end_s:
            return
        yield each


def _transactions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Transaction]:
    for number, row in enumerate(rows, start=2):
        try:
            transaction = Transaction(
                int(row["t"]), str(row["customer"]), str(row["terminal"]), int(row["amount_cents"]),
                bool(int(row["fraud"])),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise TrafficError(
                f"row {number} has not the columns {', '.join(COLUMNS)} as numbers: {error!r}"
            ) from error
        if transaction.amount_minor > 0:
            yield transaction


def _csv_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with _opened(path) as file:
            yield from csv.DictReader(file)
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise TrafficError(f"{path} cannot be read: {error}") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import duckdb
    except ImportError as missing:
        raise TrafficError(
            f"reading {path.name} needs duckdb: pip install 'keelpay-server[parquet]', or name a .csv.gz file"
        ) from missing
    # Nothing is fetched from anywhere: what reads parquet is part of the package.
    line = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        found = line.execute(line.read_parquet(str(path)).sql_query())
        names = [column[0] for column in found.description or ()]
        while rows := found.fetchmany(_PARQUET_ROWS):
            yield from (dict(zip(names, row, strict=True)) for row in rows)
    except duckdb.Error as error:
        raise TrafficError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    finally:
        line.close()
