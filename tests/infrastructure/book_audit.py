"""The engine's own laws, read back from a whole book: chain, legs, balances, requests.

In: a reader. Out: what was found to count, or a failed assertion. Invariant: nothing is taken from the engine's memory.
"""

from collections import Counter, defaultdict
from typing import NamedTuple, TypeVar

from keelpay_server.book import journal
from keelpay_server.book.ports import AccountRow, LegRow, Page
from keelpay_server.book.request import RequestRow
from keelpay_server.ledger.account import floor_sign, headroom
from keelpay_server.storage.reader import SqlReader

Row = TypeVar("Row")
PAGE = 1000


class Audited(NamedTuple):
    """What a book held."""

    events: int
    batches: int
    requests: dict[bytes, RequestRow]


async def audit(reader: SqlReader, book: int = 1) -> Audited:
    """Asserts the laws that hold at every moment, and returns what the book holds."""
    async with reader.consistent() as moment:
        head, last, batches = journal.GENESIS, 0, 0
        balances: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        written: list[LegRow] = []
        ids: Counter[object] = Counter()
        business = 0
        while rows := await moment.journal(last, 200):
            for row in rows:
                assert row.first == last + 1, f"a gap before {row.first}"
                head = journal.link(head, book, row.first, row.last, row.wall_time, row.business_time, row.body)
                assert row.link == head, f"the chain is broken at {row.first}"
                assert row.business_time >= business, f"the business clock went back at {row.first}"
                body = journal.decode(row.body)
                assert [event[0] for event in body.events] == list(range(row.first, row.last + 1))
                ids.update(event[3] for event in body.events if event[1].endswith(".made"))
                written += [LegRow(*leg) for leg in body.legs]
                for leg in body.legs:
                    balances[leg[2]][0] += leg[4]
                    balances[leg[3]][1] += leg[4]
                for _, debit, credit, amount in body.pending:
                    balances[debit][2] += amount
                    balances[credit][3] += amount
                last, business, batches = row.last, row.business_time, batches + 1
        state = await moment.book()
        assert (state.sequence, state.head) == (last, head), "the book's row is not its journal's end"
        assert state.business_us >= business
        assert not [key for key, count in ids.items() if count > 1], "an id was made twice"
        assert await legs(moment) == written, "leg rows are not the journal's legs"
        for account in await everything(moment, AccountRow):
            assert list(account[1:]) == balances.pop(account.id, [0, 0, 0, 0]), f"account {account.id}"
            assert not floor_sign(account.id) or headroom(*account) >= 0
        assert not balances, "legs on accounts that do not exist"
        return Audited(last, batches, {row.id: row for row in await everything(moment, RequestRow)})


async def legs(reader: SqlReader) -> list[LegRow]:
    """Returns all leg rows, in order."""
    found: list[LegRow] = []
    while page := await reader.legs(first=found[-1].sequence + 1 if found else 0, limit=PAGE):
        if len(page) == PAGE:  # the last event may go on in the next page
            page = [leg for leg in page if leg.sequence < page[-1].sequence]
        found += page
    return found


async def everything(reader: SqlReader, entity: type[Row]) -> list[Row]:
    """Returns all entities of one kind, by key."""
    found: list[Row] = []
    while page := await reader.find(entity, {}, Page(PAGE, (b"", found[-1].id) if found else None)):
        found += page
    return found
