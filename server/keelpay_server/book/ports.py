"""The ports that storage and rails implement: what the rooms need of a database, in words without SQL.

In: batches, keys, filters. Out: rows, journal batches, claimed work. Invariant: rooms see NamedTuples and ids only.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeVar

from .batch import Batch
from .changes import Work
from .journal import JournalRow
from .world import Key

Row = TypeVar("Row")
WallClock = Callable[[], int]
"""Returns the wall clock in microseconds since the epoch."""


class StorageLost(Exception):  # noqa: N818  (a state of the world, answered as STORAGE_UNAVAILABLE)
    """The database cannot be reached or the connection broke; whether the commit happened is not known."""


class Page(NamedTuple):
    """Which part of a list is wanted.

    Attributes:
        size: Rows at most, 1..1000.
        after: The (order value, key) of the last row of the page before, or None for the first page.
        descending: Newest first.
        order: Column to order by; the key breaks ties.
    """

    size: int = 100
    after: tuple[Key, Key] | None = None
    descending: bool = False
    order: str = "id"


class AccountRow(NamedTuple):
    """An account's balances: posted and pending, in minor units."""

    id: int
    debits: int
    credits: int
    pending_debits: int
    pending_credits: int


class LegRow(NamedTuple):
    """A posted leg: (sequence, n) names it."""

    sequence: int
    n: int
    debit: int
    credit: int
    amount: int
    code: int


class Turnover(NamedTuple):
    """What legs of one code moved on one account."""

    account: int
    code: int
    debit_count: int
    debits: int
    credit_count: int
    credits: int


class BookRow(NamedTuple):
    """The state of a book: its last sequence, the head of its chain, its clock."""

    sequence: int
    head: bytes
    offset_us: int
    business_us: int


class Reader(Protocol):
    """Reads outside a batch. What it returns was committed; it may already have changed again."""

    async def get(self, entity: type[Row], key: Key) -> Row | None:
        """Returns one entity, or None."""

    async def find(self, entity: type[Row], where: Mapping[str, object], page: Page = Page()) -> list[Row]:
        """Returns entities whose columns equal the given values (a list or tuple means any of them; a key ending in
        `__lt`, `__le`, `__gt`, `__ge` compares), in the page's order.
        """

    async def count(self, entity: type, where: Mapping[str, object]) -> int:
        """Returns how many entities match."""

    async def book(self) -> BookRow:
        """Returns the book's state."""

    async def journal(self, after: int, limit: int = 100) -> list[JournalRow]:
        """Returns batches whose last sequence is above `after`, in order."""

    async def accounts(self, first: int, last: int, page: Page = Page()) -> list[AccountRow]:
        """Returns accounts with first ≤ number ≤ last."""

    async def account(self, number: int) -> AccountRow | None:
        """Returns one account."""

    async def legs(
        self, *, first: int = 0, last: int | None = None, account: int | None = None, limit: int = 1000
    ) -> list[LegRow]:
        """Returns legs in a sequence range, of one account if given, in order."""

    async def turnovers(self, first: int, last: int) -> list[Turnover]:
        """Returns what the legs come to by account and code, for accounts with first ≤ number ≤ last."""

    def consistent(self) -> AbstractAsyncContextManager["Reader"]:
        """Gives a reader that sees one moment, however long it reads."""


class Store(Protocol):
    """Commits batches and hands out due work for one book."""

    @property
    def reader(self) -> Reader:
        """Reads outside batches."""

    async def transact(self, batch: Batch) -> None:
        """Loads, decides and saves a batch in one transaction; returns once it is durable.

        Raises:
            StorageLost: Whether it was committed is not known; the same batch may be tried again.
        """

    async def claim(self, owner: str, now_us: int, lease_us: int, limit: int) -> list[Work]:
        """Leases due work whose lease is free to `owner`, and returns it."""

    async def renew(self, owner: str, until_us: int, keys: Sequence[bytes]) -> list[bytes]:
        """Lets leases end later: of the rows named, those that `owner` still has.

        Returns:
            Their keys. A row may be left out for this time, where a batch is just writing it.
        """

    async def prune(self, entity: type, keys: Sequence[Key], where: Mapping[str, object]) -> int:
        """Deletes rows, those of the keys that still fulfil a condition; returns how many.

        Args:
            entity: Their kind.
            keys: At most 1,000.
            where: As in `Reader.find`, with `__lt` as its only comparison.
        """

    async def advance(self, by_us: int) -> int:
        """Moves the business clock forward; returns the new business time."""
