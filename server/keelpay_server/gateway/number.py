"""Number: a merchant's own numbers of its orders, payments and refunds, in one narrow table.

Invariant: a number is unique for its kind as long as the merchant exists, whatever happens to what it names.
"""

from typing import NamedTuple

from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World


class Number(NamedTuple):
    """One number: `<merchant>/<collection>/<the merchant's number>`, and the key of what it names."""

    id: str
    subject: bytes


def number_key(merchant: str, collection: str, number: str) -> str:
    """Returns the key of a number; `collection` is orders, payments or refunds."""
    return f"{merchant}/{collection}/{number}"


def need_number(need: Need, merchant: str, collection: str, number: str) -> None:
    """Asks whether a number is taken."""
    need.row(Number, number_key(merchant, collection, number))


def take_number(world: World, merchant: str, collection: str, number: str, subject: bytes) -> Number:
    """Returns the row that takes a number for a subject.

    Raises:
        Refused: MERCHANT_NUMBER_TAKEN.
    """
    key = number_key(merchant, collection, number)
    if world.get(Number, key) is not None:
        raise Refused(Reason.MERCHANT_NUMBER_TAKEN, f"the number {number!r} is taken", number=number)
    return Number(key, subject)
