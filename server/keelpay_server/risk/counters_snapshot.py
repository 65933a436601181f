"""A snapshot of the counters in parts: a small piece of work each, so that writing one never holds anybody up.

In: a copy of the tables as of a sequence. Out: parts of about a megabyte, and the tables again.
Invariant: the order inside a table, which is that of last use, survives; parts of another format are refused.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from msgspec import DecodeError, msgpack

FORMAT: Final = 2
ROWS_A_PART: Final = 4_000


class Copy(NamedTuple):
    """What the counters held at one moment.

    Attributes:
        sequence: Of the last event that is counted.
        tables: Kind, keys, values; the values are never changed in place.
    """

    sequence: int
    tables: list[tuple[str, list[str], list[Any]]]


def encode(copy: Copy) -> Iterator[bytes]:
    """Yields a copy in parts; the first one says of which format and sequence it is."""
    yield msgpack.encode((FORMAT, copy.sequence))
    for kind, keys, values in copy.tables:
        for at in range(0, len(keys), ROWS_A_PART):
            yield msgpack.encode((kind, keys[at : at + ROWS_A_PART], values[at : at + ROWS_A_PART]))


def decode(parts: Iterable[bytes]) -> tuple[int, dict[str, dict[str, Any]]]:
    """Returns the sequence and the tables in parts.

    Raises:
        ValueError: They have another format; begin from the journal instead.
    """
    found = iter(parts)
    try:
        form, sequence = msgpack.decode(next(found, b""), type=tuple[int, int])
    except DecodeError as error:
        raise ValueError("this is no snapshot of the counters") from error
    if form != FORMAT:
        raise ValueError(f"a snapshot of the counters of format {form} cannot be read, only {FORMAT}")
    tables: dict[str, dict[str, Any]] = {}
    for part in found:
        kind, keys, values = msgpack.decode(part)
        told = (tuple(value) if type(value) is list else value for value in values)
        tables.setdefault(kind, {}).update(zip(keys, told, strict=True))
    return sequence, tables
