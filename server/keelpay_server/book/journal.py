"""The journal: one row a batch, hash-linked; the event stream and the audit chain over the money.

In: a batch's events, legs and pending moves. Out: bytes, and the hash that links them to the batch before.
Invariant: sequences are gap-free; changing a byte of any row breaks every link after it.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec import msgpack

_encoder, _decoder = msgpack.Encoder(), msgpack.Decoder()

GENESIS = b""
"""The head of a book before its first batch."""


class JournalRow(NamedTuple):
    """One committed batch.

    Attributes:
        first: Sequence of its first event.
        last: Sequence of its last event.
        wall_time: When it was decided, wall clock, microseconds.
        business_time: The same on the business clock.
        body: Events, legs and pending moves, encoded.
        link: SHA-256 over the link before, the book, the range, the times and the body.
    """

    first: int
    last: int
    wall_time: int
    business_time: int
    body: bytes
    link: bytes


class JournalBody(NamedTuple):
    """What a body holds: rows of (sequence, type, kind, id, version, owner, actor, data), of
    (sequence, n, debit, credit, amount, code) and of (debit, credit, signed amount).
    """

    events: list[Any]
    legs: list[Any]
    pending: list[Any]


def encode(events: Iterable[Any], legs: Iterable[Any], pending: Iterable[Any]) -> bytes:
    """Returns the body of one batch."""
    return _encoder.encode((events, legs, pending))


def decode(body: bytes) -> JournalBody:
    """Reads a body back."""
    return JournalBody(*_decoder.decode(body))


def link(head: bytes, book: int, first: int, last: int, wall_time: int, business_time: int, body: bytes) -> bytes:
    """Returns the link of a batch, given the link before it."""
    return sha256(b"%b%d:%d:%d:%d:%d:" % (head, book, first, last, wall_time, business_time) + body).digest()
