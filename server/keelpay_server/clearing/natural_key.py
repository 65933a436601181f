"""Natural key: a number that others chose (a merchant's payout number, a bank's statement number), in one narrow table.

Invariant: a number is unique in its collection for ever, whatever happens to what it names.
"""

from typing import NamedTuple

from keelpay_server.book.need import Need
from keelpay_server.book.world import World


class NaturalKey(NamedTuple):
    """One number: `<collection>/<owner>/<number>`, and the key of what it names."""

    id: str
    subject: bytes


def payout_number(merchant: str, number: str) -> str:
    """Returns the key of a merchant's own number of a payout."""
    return f"payouts/{merchant}/{number}"


def statement_number(bank: str, currency: str, number: str) -> str:
    """Returns the key of a bank's own number of a statement."""
    return f"statements/{bank}/{currency}/{number}"


def key_needs(need: Need, key: str) -> bytes | None:
    """Asks what a number names; returns it if an earlier round loaded it."""
    row = need.row(NaturalKey, key)
    return None if row is None else row.subject


def find_key(world: World, key: str) -> bytes | None:
    """Returns what a number names, or None if it is free."""
    row = world.get(NaturalKey, key)
    return None if row is None else row.subject
