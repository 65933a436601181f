"""The port of the risk counters: a projection of the journal, kept in memory, exact at every decision.

In: committed events in order. Out: a view for one batch, which sees the batch's own events too.
Invariant: under the book's lock the projection has folded every event before the batch, whoever wrote it.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from .changes import Event


class CounterView(Protocol):
    """The counters as one batch sees them."""

    def see(self, event: Event, business_us: int) -> None:
        """Counts an event of this batch."""

    def get(self, key: tuple[str, str]) -> Any:
        """Returns the counter of an entity, or None if it was never seen."""


class Projection(Protocol):
    """Counters over a whole book."""

    sequence: int
    """The last event that was folded."""

    def fold(self, last: int, business_us: int, events: Iterable[Event]) -> None:
        """Counts the events of one committed batch that another process wrote, or an earlier life of this one."""

    def view(self) -> CounterView:
        """Returns a view for one batch."""

    def adopt(self, view: CounterView, last: int) -> None:
        """Keeps what a batch counted, after its commit."""


class _NoCounters:
    def see(self, event: Event, business_us: int) -> None:
        pass

    def get(self, key: tuple[str, str]) -> Any:  # noqa: ARG002  (it has counted nothing)
        return None


NO_COUNTERS: CounterView = _NoCounters()
