"""Figures of a run: medians over its rounds, the ratios between subjects, and the bars they have to reach.

In: one measurement a subject, a number of callers and a round. Out: named figures.
Invariant: rounds visit every subject in turn, so that what disturbs the machine disturbs them alike.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

CALLERS: Final = (1, 16, 64, 256)
CROWD: Final = 256
"""Callers at which throughput is compared."""
SIGNIFICANT: Final = 4
_KINDS: Final = ("per_second", "p50_ms", "p99_ms", "server_us")


class Bar(NamedTuple):
    """What a run on two cores must show.

    Attributes:
        figure: Name of a figure.
        at_least: It must not be below this.
        below: It must be below this.
    """

    figure: str
    at_least: float | None = None
    below: float | None = None

    def met(self, figures: Mapping[str, float]) -> bool | None:
        """Returns whether it is met, or None where the run did not measure it."""
        value = figures.get(self.figure)
        if value is None:
            return None
        return (self.at_least is None or value >= self.at_least) and (self.below is None or value < self.below)

    @property
    def text(self) -> str:
        """As people read it."""
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"< {self.below:g}"


BARS: Final = (
    Bar("engine_over_naive.postgresql.256", at_least=8),
    Bar("engine_over_naive.sqlite.256", at_least=10),
    Bar("lonely_over_naive.postgresql", at_least=1),
    Bar("lonely_over_naive.sqlite", at_least=1),
    Bar("unary.postgresql.64.p99_ms", below=300),
    Bar("unary.sqlite.64.p99_ms", below=300),
)


class Rounds:
    """The measurements of a run."""

    def __init__(self) -> None:
        self._measured: defaultdict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)

    def add(self, label: str, callers: int, measured: Mapping[str, Any]) -> None:
        """Adds one measurement."""
        self._measured[label, callers].append(measured)

    def figures(self, databases: Sequence[str]) -> dict[str, float]:
        """Returns every figure by its dotted name."""
        found: dict[str, float] = {}
        for (label, callers), measured in self._measured.items():
            for kind in _KINDS:
                found[f"{label}.{callers}.{kind}"] = _rounded(median(one[kind] for one in measured))
        found["echo.per_second"] = found[f"echo.{CROWD}.per_second"]
        for database in databases:
            unary, naive = f"unary.{database}", f"naive.{database}"
            for callers in CALLERS:
                over_naive = _ratio(found, f"{unary}.{callers}", f"{naive}.{callers}")
                found[f"engine_over_naive.{database}.{callers}"] = over_naive
                found[f"unary_over_echo.{database}.{callers}"] = _ratio(found, f"{unary}.{callers}", f"echo.{callers}")
            found[f"lonely_over_naive.{database}"] = found[f"engine_over_naive.{database}.1"]
        return found


def nested(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Returns figures as a tree, by the parts of their names."""
    tree: dict[str, Any] = {}
    for name, value in figures.items():
        place = tree
        *parts, last = name.split(".")
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return tree


def _ratio(found: Mapping[str, float], upper: str, lower: str) -> float:
    below = found[f"{lower}.per_second"]
    return _rounded(found[f"{upper}.per_second"] / below) if below else 0.0


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")
