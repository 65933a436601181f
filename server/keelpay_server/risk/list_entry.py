"""ListEntry: somebody or something that is trusted or refused, by whom, why and until when; its value is not kept.

In: operators' commands. Out: rows for people, events by which the counters' view knows every entry in force.
Invariant: at most one entry for a kind and a value; an entry that ended stays on record and matches nothing.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.refusal import invalid
from keelpay_server.book.world import World

from .counters import LIST_EVENT, REMOVED
from .listing import EntryKind, Strength

COLLECTION: Final = "listEntries"
FOR_EVER: Final = (1 << 63) - 1
"""The expire time of an entry that stays until it is removed."""


class ListEntry(NamedTuple):
    """One entry. Times on the business clock.

    Attributes:
        id: `<kind>-<keyed hash of the value>`.
        kind: An EntryKind.
        strength: A Strength.
        comment: Why it is listed.
        expire_time: When it ends or ended, or FOR_EVER.
        creator: Who listed it.
        remover: Who removed it; empty while it was not.
        removal: Why it was removed; empty while it was not.
        state_version: Counts its changes.
        create_time: When it was first listed.
        update_time: When it last changed.
    """

    id: str
    kind: int
    strength: int
    comment: str
    expire_time: int
    creator: str
    remover: str
    removal: str
    state_version: int
    create_time: int
    update_time: int


class Listed(NamedTuple):
    """What an operator asks to list; `id` is `listing.entry_id` of the value."""

    id: str
    kind: EntryKind
    strength: Strength
    comment: str
    expire_time: int = FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertEntries(Command):
    """Adds entries or replaces them: all or none.

    Attributes:
        entries: No two with the same id.
    """

    entries: tuple[Listed, ...]

    def needs(self, need: Need) -> None:
        """The entries there are already."""
        for entry in self.entries:
            need.row(ListEntry, entry.id)

    def decide(self, world: World) -> Changes:
        """Lists them.

        Raises:
            Refused: FIELD_INVALID for a time that does not lie ahead.
        """
        now, rows = world.business_us, []
        for at, (key, kind, strength, comment, expire_time) in enumerate(self.entries):
            if expire_time <= now:
                invalid(f"entries[{at}].expire_time", "it must lie ahead")
            before = world.get(ListEntry, key)
            rows.append(
                ListEntry(
                    key, int(kind), int(strength), comment, expire_time, world.caller.actor, "", "",
                    1 if before is None else before.state_version + 1, now if before is None else before.create_time,
                    now,
                )
            )  # fmt: skip
        return Changes(rows=tuple(rows), events=tuple(_event(row, row.strength) for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEntries(Command):
    """Ends entries at once; one that does not exist or has ended is passed over.

    Attributes:
        entries: Their ids.
        comment: Why.
    """

    entries: tuple[str, ...]
    comment: str

    def needs(self, need: Need) -> None:
        """The entries."""
        for key in self.entries:
            need.row(ListEntry, key)

    def decide(self, world: World) -> Changes:
        """Ends them."""
        now = world.business_us
        known = (world.get(ListEntry, key) for key in dict.fromkeys(self.entries))
        rows = tuple(
            row._replace(
                expire_time=now, remover=world.caller.actor, removal=self.comment,
                state_version=row.state_version + 1, update_time=now,
            )
            for row in known if row is not None and row.expire_time > now
        )  # fmt: skip
        return Changes(rows=rows, events=tuple(_event(row, REMOVED) for row in rows))


def _event(row: ListEntry, strength: int) -> Event:
    data = {"entry": row.id, "strength": strength, "expire_time": row.expire_time, "by": row.remover or row.creator}
    return Event(LIST_EVENT, COLLECTION, row.id, row.state_version, "", data)
