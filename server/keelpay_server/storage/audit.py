"""The audit of one book: reads a whole book as of one moment, in pages, into the invariant checker.

In: the book's own tables. Out: progress and a verdict. Invariant: one snapshot of the database; memory grows with the
number of accounts, never with the number of payments.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import LargeBinary, Select, Table, Text

from keelpay_server.book import journal
from keelpay_server.book.changes import Work
from keelpay_server.book.ports import AccountRow, BookRow
from keelpay_server.book.request import RequestRow
from keelpay_server.clearing.audit import Progress, Verdict
from keelpay_server.gateway.payment import Payment
from keelpay_server.ledger import fact
from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.invariant import Checker

from .audit_authority import Authorities
from .audit_items import holds, open_items
from .reader import SqlReader
from .schema import ENTITIES
from .schema.book import journal as journal_table
from .schema.book import legs as leg_table

BATCHES: Final = 20
"""Journal rows a page: a batch holds up to a thousand commands."""
ROWS: Final = 2000
_NOT_ANSWERS: Final = frozenset({Work, RequestRow, AccountRow})


class SqlAudit:
    """Implements `clearing.audit.LedgerAudit`.

    Args:
        reader: Of the book.
        book: Its number.
    """

    def __init__(self, reader: SqlReader, book: int) -> None:
        self._reader, self._book = reader, book

    async def examine(self) -> AsyncIterator[Progress | Verdict]:
        """See `LedgerAudit.examine`."""
        async with self._reader.consistent() as moment:
            head = await moment.book()
            checker = Checker(self._book, journal.link)
            async for read in self._journal(moment, checker):
                yield Progress(read, head.sequence)
            async for page in _pages(moment, ENTITIES[AccountRow]):
                checker.accounts(fact.AccountRow(*row) for row in page)
            async for hold_page in holds(moment):
                checker.holds(hold_page)
            async for page in _pages(moment, ENTITIES[Payment], _PAYMENT_FIELDS):
                checker.payments(_payment(row) for row in page)
            async for items in open_items(moment):
                checker.open_items(items)
            async for page in _pages(moment, ENTITIES[RequestRow], ("id", "entity", "reason")):
                checker.requests(await _requests(moment, page))
            verdict = _verdict(checker, head)
        yield verdict

    async def _journal(self, moment: SqlReader, checker: Checker) -> AsyncIterator[int]:
        authorities = Authorities(moment)
        after = 0
        while True:
            query = moment.all_columns(journal_table).where(journal_table.c.last > after)
            rows = await moment.rows(query.order_by(journal_table.c.last).limit(BATCHES))
            if not rows:
                return
            batches = [await authorities.read(journal.JournalRow(*row)) for row in rows]
            stored = await _legs(moment, after + 1, batches[-1].last)
            checker.journal(batches, stored)
            after = batches[-1].last
            yield after


async def _legs(moment: SqlReader, first: int, last: int) -> Iterator[fact.PostedLeg]:
    query = moment.all_columns(leg_table).where(leg_table.c.sequence >= first, leg_table.c.sequence <= last)
    rows = await moment.rows(query.order_by(leg_table.c.sequence, leg_table.c.n))
    return (fact.PostedLeg(*row) for row in rows)


def _verdict(checker: Checker, head: BookRow) -> Verdict:
    return Verdict(tuple(checker.findings(fact.Head(head.sequence, head.head))), head.sequence)


_PAYMENT_FIELDS: Final = ("id", "currency", "authorized", "captured", "refunded", "refund_pending")


def _payment(row: Sequence[Any]) -> fact.PaymentFact:
    return fact.PaymentFact(row[0], currency(row[1]).number, *row[2:])


async def _pages(moment: SqlReader, table: Table, fields: Sequence[str] = ()) -> AsyncIterator[Sequence[Any]]:
    """Yields a table in pages, in the order of its key."""
    after: Any = None
    while True:
        query: Select[Any] = moment.columns(table, fields) if fields else moment.all_columns(table)
        if after is not None:
            query = query.where(table.c.id > after)
        rows = await moment.rows(query.order_by(table.c.id).limit(ROWS))
        if rows:
            yield rows
        if len(rows) < ROWS:
            return
        after = rows[-1][0]


async def _requests(moment: SqlReader, page: Sequence[Any]) -> list[fact.RequestFact]:
    """Returns which remembered requests speak of an entity that exists.

    A key is unique in its table; tables that keep a noun's satellites under the noun's own key do not count twice.
    """
    keys = {bytes(row[1]) for row in page if row[1]}
    found: set[bytes] = set()
    for entity, table in ENTITIES.items():
        if entity in _NOT_ANSWERS or not keys - found:
            continue
        kind = table.c.id.type
        missing = keys - found
        wanted: dict[Any, bytes]
        if isinstance(kind, LargeBinary):
            wanted = {key: key for key in missing}
        elif isinstance(kind, Text):
            wanted = {name: key for key in missing if (name := _text(key)) is not None}
        else:
            wanted = {int.from_bytes(key, "big"): key for key in missing if len(key) == 8}  # noqa: PLR2004
        if wanted:
            rows = await moment.rows(moment.columns(table, ("id",)).where(table.c.id.in_(list(wanted))))
            found |= {wanted[row[0]] for row in rows}
    return [fact.RequestFact(row[0], refused=bool(row[2]), entities=int(bytes(row[1]) in found)) for row in page]


def _text(key: bytes) -> str | None:
    """Returns a name from its UTF-8, or None where it is none."""
    try:
        name = key.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in name else name
