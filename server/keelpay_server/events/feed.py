"""The feed of one book: the journal, read in order, as events that are told.

In: a place and a selection. Out: the events after it, and the place reached. Invariant: between two places nothing is
left out and nothing comes twice, whatever the selection; the place moves on over what was not selected.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from keelpay_server.book import journal
from keelpay_server.book.journal import JournalRow
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.times import MINUTE_US

from .names import STREAM_PREFIX
from .selection import Selection
from .telling import Told, tell

ROWS_MAX: Final = 20
"""Journal rows read at once: small enough that decoding them does not hold up the loop."""
OWNERS_MAX: Final = 100_000
_LOOKED_UP_MAX: Final = 500
CLOCK_LEAP_US: Final = MINUTE_US
"""By how much the wall clock may have leapt without a list by time missing an event."""


class Slice(NamedTuple):
    """A part of the feed.

    Attributes:
        events: What was selected, in order.
        position: The last sequence looked at.
        more: Whether there may be more after it already.
    """

    events: list[Told]
    position: int
    more: bool


class Owners:
    """Which partner an owner of events belongs to; remembered, for a merchant has one partner for ever.

    Args:
        reader: Where merchants are looked up.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._partners: dict[str, str] = {"": ""}

    async def learn(self, owners: Iterable[str]) -> Mapping[str, str]:
        """Returns the partners of owners: empty for the platform, a missing row for a merchant nobody knows."""
        asked = frozenset(owners)
        if len(self._partners) > OWNERS_MAX:
            self._partners = {"": ""}
        known = self._partners
        unknown = asked - known.keys()
        known.update((owner, owner.removeprefix(STREAM_PREFIX)) for owner in unknown if owner.startswith(STREAM_PREFIX))
        names = sorted(unknown - known.keys())
        for at in range(0, len(names), _LOOKED_UP_MAX):
            part = names[at : at + _LOOKED_UP_MAX]
            found = await self._reader.find(Merchant, {"id": part}, Page(len(part)))
            known.update((merchant.id, merchant.partner) for merchant in found)
        return known


class Feed:
    """Reads the events of one book.

    Args:
        book: Its number.
        reader: Its reader.
    """

    def __init__(self, book: int, reader: Reader) -> None:
        self.book, self.reader = book, reader
        self.owners = Owners(reader)

    async def read(self, after: int, selection: Selection, limit: int) -> Slice:
        """Returns what was selected after a place.

        Args:
            after: The last sequence that was seen.
            selection: What is wanted.
            limit: Events at most, at least 1.
        """
        told: list[Told] = []
        position = after
        rows = await self.reader.journal(after, ROWS_MAX)
        for row in rows:
            if selection.end_us and row.wall_time >= selection.end_us + CLOCK_LEAP_US:
                return Slice(told, position, more=False)
            for event in await self._selected(row, after, selection):
                if len(told) == limit:
                    return Slice(told, position, more=True)
                rendered = tell(self.book, row, event)
                position = rendered.sequence
                if not selection.resource or rendered.resource == selection.resource:
                    told.append(rendered)
            position = row.last
        return Slice(told, position, more=len(rows) == ROWS_MAX)

    async def some(self, sequences: Iterable[int]) -> dict[int, Told]:
        """Returns events by their sequences."""
        found: dict[int, Told] = {}
        wanted = frozenset(sequences)
        for sequence in sorted(wanted):
            if sequence in found:
                continue
            for row in await self.reader.journal(sequence - 1, 1):
                events = journal.decode(row.body).events
                found.update((event[0], tell(self.book, row, event)) for event in events if event[0] in wanted)
        return found

    async def place_of(self, time_us: int) -> int:
        """Returns a place that lies before everything that happened from a time on (wall clock)."""
        target_us = time_us - CLOCK_LEAP_US
        low, high = 0, (await self.reader.book()).sequence
        while low < high:
            middle = (low + high) // 2
            rows = await self.reader.journal(middle, 1)
            if rows and rows[0].wall_time < target_us:
                low = rows[0].last
            else:
                high = middle
        return low

    async def _selected(self, row: JournalRow, after: int, selection: Selection) -> list[Any]:
        if row.wall_time < selection.start_us or (selection.end_us and row.wall_time >= selection.end_us):
            return []
        events = [
            event
            for event in journal.decode(row.body).events
            if event[0] > after and selection.wants(event[1], event[5])
        ]
        if selection.partner is None or not events:
            return events
        partners = await self.owners.learn({event[5] for event in events})
        return [event for event in events if selection.sees(partners.get(event[5], ""))]
