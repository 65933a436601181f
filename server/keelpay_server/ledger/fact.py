"""What the invariant checker reads: the stored facts of one book, as plain rows.

In: nothing; storage fills these from its tables. Out: rows for `invariant.Checker`. All amounts are minor units.
Invariant: a fact is a copy of what is stored, never of what the engine believes.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Authority(NamedTuple):
    """A confirmation or mandate spend that an event names for a debit of a payer's balance, as it is stored."""

    account: int
    """The 2000 account that its payer may spend from: payer and currency in one number."""
    amount: int
    """What the payer agreed to."""
    spent: bool
    """It is stored as consumed, by the resource of this event."""


class JournalEvent(NamedTuple):
    """One event of a batch."""

    sequence: int
    authorities: tuple[Authority, ...] = ()


class PostedLeg(NamedTuple):
    """One leg, in the journal or as the row that projects it."""

    sequence: int
    n: int
    """Its place among the legs of the event, from 0."""
    debit: int
    credit: int
    amount: int
    code: int


class PendingMove(NamedTuple):
    """One pending move of the journal."""

    sequence: int
    debit: int
    credit: int
    amount: int


class JournalBatch(NamedTuple):
    """One journal row and what its body holds."""

    first: int
    last: int
    wall_time: int
    business_time: int
    body: bytes
    link: bytes
    events: tuple[JournalEvent, ...]
    """In order of their sequence."""
    legs: tuple[PostedLeg, ...]
    """In order of (sequence, n)."""
    pending: tuple[PendingMove, ...]


class AccountRow(NamedTuple):
    """One stored account."""

    account: int
    debits: int
    credits: int
    pending_debits: int
    pending_credits: int


class PaymentFact(NamedTuple):
    """The amounts of one payment."""

    id: bytes
    currency: int
    """The currency's number."""
    authorized: int
    captured: int
    refunded: int
    refund_pending: int


class OpenItem(NamedTuple):
    """One thing that explains a part of an in-transit or control account: a payout, a refund, a break, a case."""

    account: int
    amount: int
    """As credits less debits: above zero for money we still have to send or to assign."""


class RequestFact(NamedTuple):
    """One remembered request."""

    key: bytes
    refused: bool
    entities: int
    """How many stored entities are the one it speaks of."""


class Head(NamedTuple):
    """Where the book says its journal ends."""

    sequence: int
    link: bytes


class Checkpoint(NamedTuple):
    """What a verified journal came to, so that the next check begins here."""

    head: Head = Head(0, b"")
    balances: Mapping[int, tuple[int, int, int, int]] = MappingProxyType({})
    """Account number -> debits, credits, pending debits, pending credits."""
    captured: Mapping[int, int] = MappingProxyType({})
    """Currency number -> what payments have captured."""
