"""What SQLite and PostgreSQL share of a batch: making its world, reading its rows, laying out what to save.

In: raw rows and a decided world. Out: a World, and the rows each table gets, sorted by key.
Invariant: both databases save exactly what `layout` says.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table

from keelpay_server.book import journal
from keelpay_server.book.changes import Event
from keelpay_server.book.ports import BookRow, Reader
from keelpay_server.book.projection import Projection
from keelpay_server.book.world import Key, World

from .schema import ENTITIES

CATCH_UP_ROWS = 200
ENTROPY_BITS = 41
"""One bit below an id's random tail, so that a batch's ids can count up from it."""


class Layout(NamedTuple):
    """The rows of one commit, per table, without the book's number.

    Attributes:
        inserts: New entities.
        updates: Changed entities.
        opened: New accounts with their first sums.
        moved: (account, debits, credits, pending debits, pending credits) to add.
        body: The journal row's body, or None if nothing happened.
        link: The book's new head.
    """

    inserts: list[tuple[Table, list[Any]]]
    updates: list[tuple[Table, list[Any]]]
    opened: list[tuple[int, ...]]
    moved: list[tuple[int, ...]]
    body: bytes | None
    link: bytes


def make_world(book: int, row: Sequence[Any], wall_us: int) -> World:
    """Builds the world of a batch from the locked book row.

    The business clock never goes back, whatever the wall clock does.
    """
    sequence, head, offset_us, business_us, next_owner = row[:5]
    return World(
        book, sequence, bytes(head), wall_us, max(business_us, wall_us + offset_us), next_owner,
        secrets.randbits(ENTROPY_BITS),
    )  # fmt: skip


def take(world: World, entity: type, rows: Iterable[Sequence[Any]]) -> None:
    """Puts loaded rows into the world; what an earlier round loaded stays."""
    known = world.rows.setdefault(entity, {})
    loaded = world.loaded.setdefault(entity, set())
    asked = world.asked.setdefault(entity, set())
    make = entity._make  # type: ignore[attr-defined]
    for row in rows:
        key = row[0]
        if key not in loaded:
            known[key] = make(row)
            loaded.add(key)
            asked.add(key)


def fold(projection: Projection, rows: Iterable[Sequence[Any]]) -> None:
    """Brings the counters up to date with batches that others wrote: (first, last, wall, business, body)."""
    for _, last, _, business_us, body in rows:
        events = (Event._make((*event[1:6], event[7])) for event in journal.decode(body).events)
        projection.fold(last, business_us, events)


async def catch_up(reader: Reader, projection: Projection) -> None:
    """Folds the whole journal before the first batch, so that no batch has to do it under the book's lock."""
    while rows := await reader.journal(projection.sequence, CATCH_UP_ROWS):
        fold(projection, (row[:5] for row in rows))


def layout(world: World) -> Layout:
    """Sorts a decided world into the rows to save."""
    inserts: list[tuple[Table, list[Any]]] = []
    updates: list[tuple[Table, list[Any]]] = []
    for entity, touched in world.touched.items():
        if touched:
            known = world.loaded.get(entity, set())
            fresh = [touched[key] for key in sorted(touched.keys() - known)]
            changed = [touched[key] for key in sorted(touched.keys() & known)]
            if fresh:
                inserts.append((ENTITIES[entity], fresh))
            if changed:
                updates.append((ENTITIES[entity], changed))
    opened = [(account, *world.moved.get(account, (0, 0, 0, 0))) for account in sorted(world.opened)]
    moved = [(account, *world.moved[account]) for account in sorted(world.moved.keys() - world.opened.keys())]
    if not world.events:
        return Layout(inserts, updates, opened, moved, None, world.head)
    body = journal.encode(world.events, world.legs, world.pending)
    link = journal.link(world.head, world.book, world.first, world.sequence, world.wall_us, world.business_us, body)
    return Layout(inserts, updates, opened, moved, body, link)


def changed(world: World) -> bool:
    """Tells whether there is anything to save."""
    return bool(world.events or world.new_requests or world.done or any(world.touched.values()))


def business_now(row: BookRow, wall_us: int) -> int:
    """Returns the business clock outside a batch."""
    return max(row.business_us, wall_us + row.offset_us)


def sorted_keys(keys: Iterable[Key]) -> list[Key]:
    """Returns keys in the order every writer uses."""
    return sorted(keys)
