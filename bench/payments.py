"""`python -m bench.payments --json FILE [--quick]`: payments beside a bare echo and the same logic written naively.

In: options. Out: a table, and FILE with one JSON object of figures: each under its dotted name
(`unary.sqlite.256.per_second`) and once more as a tree. Invariant: ends with an error if a payment that was
acknowledged is not in the books, or any sum is wrong.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from bench.figures import BARS, CALLERS, Rounds, nested
from bench.report import print_report
from bench.subject import DATABASES, Field, Subject, Sums, open_field


class Pace(NamedTuple):
    """How long a run takes its time.

    Attributes:
        rounds: How often every subject is visited.
        warm_s: Load before each measurement.
        measured_s: The measurement.
        run_s_max: No further round begins that would, taking as long as the last, end after this.
    """

    rounds: int
    warm_s: float
    measured_s: float
    run_s_max: float


FULL: Final = Pace(rounds=3, warm_s=1.0, measured_s=5.0, run_s_max=3600.0)
QUICK: Final = Pace(rounds=2, warm_s=0.3, measured_s=1.2, run_s_max=150.0)


async def run(pace: Pace, databases: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Runs the benchmark; returns the figures and what is wrong with the books."""
    began_s = last_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="keelpay-bench-") as folder:
        async with open_field(Path(folder), databases) as field:
            rounds, sums = Rounds(), Sums()
            for number in range(pace.rounds):
                round_s = time.monotonic()
                if number and 2 * round_s - last_s - began_s > pace.run_s_max:
                    break
                last_s = round_s
                for callers in CALLERS:
                    for subject in field.subjects:
                        _tell(f"round {number + 1}/{pace.rounds}, {callers} callers: {subject.label}")
                        told = await field.measure(
                            subject, callers=callers, warm_s=pace.warm_s, measured_s=pace.measured_s
                        )
                        rounds.add(subject.label, callers, told)
                        sums.add(subject, told)
            _tell("")
            figures = rounds.figures(databases)
            faults = await _faults(field, sums)
            print_report(figures, [subject.label for subject in field.subjects])
            return {**nested(figures), **figures, **_about(pace, field.subjects, sums, faults)}, faults


async def _faults(field: Field, sums: Sums) -> list[str]:
    books = await field.books()
    failed = {subject.url for subject in field.subjects if sums.failures.get(subject.label)}
    names = {subject.url: subject.label for subject in field.subjects}
    return [
        f"{names[url]}: {fault}"
        for url, read in books.items()
        for fault in read.faults(sums.payments.get(url, 0), sums.minor.get(url, 0), sure=url not in failed)
    ]


def _about(pace: Pace, subjects: Sequence[Subject], sums: Sums, faults: list[str]) -> dict[str, Any]:
    """Returns what a reader has to know to judge the figures."""
    return {
        "run": {
            **pace._asdict(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "grpcio": grpc.__version__,
            "payments": {subject.label: sums.payments.get(subject.url, 0) for subject in subjects if subject.url},
            "failures": {label: failures for label, failures in sums.failures.items() if failures},
            "books": faults or "conserved",
        }
    }


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.payments", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="short rounds: ends within three minutes")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one (may be repeated)")
    parser.add_argument("--check", action="store_true", help="end with an error if a bar is missed")
    options = parser.parse_args()
    figures, faults = asyncio.run(run(QUICK if options.quick else FULL, options.database or DATABASES))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    for label, failures in figures["run"]["failures"].items():
        print(f"failed calls, {label}: {failures}")
    for fault in faults:
        print(f"THE BOOKS ARE WRONG: {fault}")
    if not faults:
        print("books: every acknowledged payment is there, and every sum is right")
    missed = [bar.figure for bar in BARS if bar.met(figures) is False]
    return 1 if faults or (options.check and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
