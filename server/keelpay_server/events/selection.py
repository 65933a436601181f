"""Which events somebody wants, and may see. Pure.

In: types, merchants, a caller's partner. Out: yes or no for each event.
Invariant: a partner is told of its own merchants and of itself; the platform's own events are the operators'.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

EVERYTHING: Final = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of events."""

    partner: str | None = EVERYTHING
    """Whose events may be seen; None sees all."""
    merchants: frozenset[str] = frozenset()
    """Only events of these merchants; empty: of all."""
    types: frozenset[str] = frozenset()
    """Only these types, exactly; with `nouns` empty too: all."""
    nouns: frozenset[str] = frozenset()
    """Every type of these nouns, as `payment` for `payment.*`."""
    resource: str = ""
    """Only events about this, by its name."""
    start_us: int = 0
    """Only what happened from this time on, wall clock."""
    end_us: int = 0
    """Only what happened before this time; 0 for no end."""

    def wants(self, what: str, owner: str) -> bool:
        """Whether type and owner are of the chosen ones."""
        if self.merchants and owner not in self.merchants:
            return False
        if not self.types and not self.nouns:
            return True
        return what in self.types or what.partition(".")[0] in self.nouns

    def sees(self, partner: str) -> bool:
        """Whether events of this partner (empty: of the platform) may be seen."""
        return self.partner is None or (partner != "" and partner == self.partner)


def split_types(types: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Returns (exact types, nouns) of texts such as `payment.captured` and `payment.*`."""
    asked = tuple(types)
    nouns = frozenset(text[:-2] for text in asked if text.endswith(".*"))
    return frozenset(text for text in asked if not text.endswith(".*")), nouns
