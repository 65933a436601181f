"""Ids: 16 bytes in UUIDv7 layout with the book's number inside, and their readable text.

In: a time in microseconds, a book number, 42 random bits. Out: ids that sort by time, and texts such as `pay-01k3...`.
Invariant: an id alone tells its book; text and bytes are two spellings of the same id.
"""

from base64 import b32encode
from typing import Final

from .reasons import Reason
from .refusal import Refused

BOOK_BITS: Final = 20
TAIL_BITS: Final = 42
BOOK_MAX: Final = (1 << BOOK_BITS) - 1
TAIL_MAX: Final = (1 << TAIL_BITS) - 1

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_CROCKFORD: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET.encode())
_TEXT_LENGTH: Final = 26
_GROUPS_BYTES: Final = 20
"""An id, filled up from the left to whole groups of 40 bits, as base 32 counts (RFC 4648)."""


def first_id(time_us: int, book: int, tail: int) -> int:
    """Returns the number of a new id; adding one gives the next id of the same batch.

    RFC 9562 section 5.7: 48 bits of milliseconds, version 7, 12 bits of sub-millisecond time, variant, then our book
    number (20 bits) and 42 bits that begin at random and count up.

    Args:
        time_us: Wall clock, microseconds since the epoch.
        book: Book number, 0..BOOK_MAX.
        tail: Random bits, 0..TAIL_MAX; the caller leaves room above for as many ids as a batch makes.
    """
    milliseconds, micros = divmod(time_us, 1000)
    head = milliseconds << 16 | 7 << 12 | (micros * 4096 // 1000)
    return head << 64 | (0b10 << 62) | book << TAIL_BITS | tail


def book_of(key: bytes) -> int:
    """Returns the number of the book that made the id."""
    return int.from_bytes(key[8:], "big") >> TAIL_BITS & BOOK_MAX


def time_of(key: bytes) -> int:
    """Returns when the id was made, in microseconds, to the millisecond."""
    return int.from_bytes(key[:6], "big") * 1000


def text(kind: str, key: bytes) -> str:
    """Returns the readable form: the kind's prefix, a hyphen, 26 letters of Crockford's base 32 in lower case."""
    letters = b32encode(key.rjust(_GROUPS_BYTES, b"\0"))[-_TEXT_LENGTH:].translate(_CROCKFORD)
    return f"{kind}-{letters.decode()}"


def parse(kind: str, name: str, field: str = "name") -> bytes:
    """Reads the readable form back.

    Raises:
        Refused: FIELD_INVALID where it is not an id of this kind.
    """
    prefix, _, letters = name.partition("-")
    if prefix == kind and len(letters) == _TEXT_LENGTH:
        number = 0
        for letter in letters:
            value = _VALUES.get(letter)
            if value is None:
                break
            number = number << 5 | value
        else:
            if number < 1 << 128:
                return number.to_bytes(16, "big")
    sentence = f"{name[:80]!r} is not an id of the form {kind}-<26 letters>"
    raise Refused(Reason.FIELD_INVALID, f"{field}: {sentence}", violations=((field, sentence),))
