"""Listing: finding whether anybody in a payment is on a list, without knowing who is listed.

In: values as payments carry them, the installation's key. Out: keyed digests, and the strongest match.
Invariant: a value is never kept; without the key its digest says nothing, not even for the few addresses there are.
"""

import hmac
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from .facts import Facts
from .signals import Signals


class EntryKind(IntEnum):
    """What an entry speaks of, numbered as in the contract."""

    DEVICE = 1
    INSTRUMENT = 2
    PAYEE = 3
    PAYER = 4
    ADDRESS = 5


class Strength(IntEnum):
    """What an entry does, numbered as in the contract."""

    ALLOW = 1
    BLOCK = 2
    HARD_BLOCK = 3


PRECEDENCE: Final = (Strength.HARD_BLOCK, Strength.ALLOW, Strength.BLOCK)
"""Which of several matches counts: a hard block cannot be overridden, a block can."""
ADDRESS_DIGITS: Final = 32
_PARTNERS, _MERCHANTS = "partners/", "merchants/"


class Lists(Protocol):
    """What matching asks of the counters' view."""

    @property
    def lists(self) -> bool:
        """Whether there is any entry at all."""

    def listed(self, entry: str, business_us: int) -> int:
        """Returns the strength of an entry in force, or 0."""


class Match(NamedTuple):
    """An entry that matched a payment."""

    strength: Strength
    entry: str


def entry_id(key: bytes, kind: EntryKind, value: str) -> str:
    """Returns the id of the entry for a value: `<kind>-<64 hexadecimal digits>`.

    Args:
        key: Of the installation.
        kind: What the value is.
        value: As payments carry it, or a resource name: `partners/acme/payers/u1` is `acme/u1`.
    """
    name = kind.name.lower()
    return f"{name}-{hmac.digest(key, f'{name}:{_bare(value)}'.encode(), sha256).hex()}"


def address_digest(key: bytes, address: str) -> str:
    """Returns what is kept of an address: enough of its keyed digest to count by; empty without address or key."""
    if not (address and key):
        return ""
    return hmac.digest(key, b"address:" + address.encode(), sha256).hex()[:ADDRESS_DIGITS]


def find_match(lists: Lists, key: bytes, signals: Signals, facts: Facts, business_us: int) -> Match | None:
    """Returns the match that counts, or None."""
    if not (key and lists.lists):
        return None
    found: dict[Strength, Match] = {}
    for kind, value in (
        (EntryKind.PAYER, facts.payer), (EntryKind.INSTRUMENT, facts.instrument), (EntryKind.DEVICE, facts.device),
        (EntryKind.PAYEE, facts.merchant), (EntryKind.ADDRESS, signals.address),
        (EntryKind.PAYEE, signals.merchant if signals.payee else ""),
    ):  # fmt: skip
        if value:
            entry = entry_id(key, kind, value)
            if strength := lists.listed(entry, business_us):
                found.setdefault(Strength(strength), Match(Strength(strength), entry))
    return next((found[strength] for strength in PRECEDENCE if strength in found), None)


def _bare(value: str) -> str:
    """The value as payments carry it, for one given as a resource name."""
    if value.startswith(_MERCHANTS):
        return value.removeprefix(_MERCHANTS)
    if value.startswith(_PARTNERS):
        parts = value.split("/")
        match parts:
            case [_, partner, "payers", person]:
                return f"{partner}/{person}"
            case [_, _, "payers", _, "instruments", instrument]:
                return instrument
            case _:
                return value
    return value
