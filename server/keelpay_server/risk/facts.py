"""Facts: what one decision tells the journal, so that the counters can be rebuilt from it alone.

In: signals of a payment, its address hashed. Out: the dict that an event carries under `decision`, and back.
Invariant: ids and whole numbers only; nothing in it names a person or a place.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

DATA_KEY: Final = "decision"
"""Where an event's data carries the facts."""


class Facts(NamedTuple):
    """Who took part in a payment, and how large it was.

    Attributes:
        payer: Who pays; empty for a guest.
        instrument: With what; empty if unknown.
        device: From which device; empty if unknown.
        merchant: Who is paid: the payee's token where it is not the merchant itself.
        address: Keyed hash of the address; empty if unknown.
        amount: In the unit of `magnitude`.
    """

    payer: str
    instrument: str
    device: str
    merchant: str
    address: str
    amount: int


def to_data(facts: Facts, *, first: bool, proven: bool) -> dict[str, Any]:
    """Returns what an event carries.

    Args:
        facts: The payment's.
        first: Whether this is the first decision on the payment: it is counted as an attempt once.
        proven: Whether the payment became the payer's own doing by this: its amount, payee and device become usual.
    """
    return {**facts._asdict(), "first": first, "proven": proven}


def from_data(data: Mapping[str, Any]) -> Facts:
    """Reads the facts of an event back."""
    return Facts(
        data["payer"], data["instrument"], data["device"], data["merchant"], data["address"], data["amount"]
    )  # fmt: skip
