"""Snapshots of projections: kept in parts, each written by itself, and taken as one only when all are there.

In: a name, a sequence, parts. Out: the parts of the newest whole one. Invariant: what is read was written whole,
however a process ended; parts of two processes never mix, for they bear their sequence.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

Run = Callable[..., Awaitable[list[Any]]]
"""Runs one statement with $1, $2 ... by itself, and returns its rows."""
_SEQUENCE: Final = "SELECT sequence FROM snapshots WHERE book_id = $1 AND name = $2"
_PART: Final = (
    "INSERT INTO snapshots VALUES ($1, $2, $3, $4) ON CONFLICT (book_id, name) DO UPDATE SET body = excluded.body"
)
_HEAD: Final = (
    "INSERT INTO snapshots VALUES ($1, $2, $3, $4) ON CONFLICT (book_id, name) DO UPDATE SET "
    "sequence = excluded.sequence, body = excluded.body WHERE excluded.sequence > snapshots.sequence"
)
_FORGET: Final = (
    "DELETE FROM snapshots WHERE book_id = $1 AND name IN (SELECT name FROM snapshots WHERE book_id = $1 "
    "AND name LIKE $2 AND sequence < $3 LIMIT 8) RETURNING name"
)
_PLACES: Final = 6


def parts_of(name: str) -> str:
    """Returns the LIKE pattern of the parts of a projection's snapshots; which one a part is of says its sequence."""
    return f"{name}/%"


async def kept_sequence(run: Run, book: int, name: str) -> int:
    """Returns the sequence of the newest whole snapshot, or 0."""
    rows = await run(_SEQUENCE, book, name)
    return int(rows[0][0]) if rows else 0


async def save(run: Run, book: int, name: str, sequence: int, parts: Iterable[bytes]) -> None:
    """Writes a snapshot, unless a newer one is kept, and forgets those before it."""
    if await kept_sequence(run, book, name) >= sequence:
        return
    count = 0
    for part in parts:
        await run(_PART, book, f"{name}/{sequence}/{count:0{_PLACES}}", sequence, part)
        count += 1
    await run(_HEAD, book, name, sequence, str(count).encode())
    while await run(_FORGET, book, parts_of(name), sequence):
        pass
