"""Reads of the ledger: accounts with their owners, legs with the events they belong to, a merchant's balances.

In: parsed names and filters. Out: stored rows. Invariant: legs are found by their account's index, or by walking the
journal from the moment their resource was made, a bounded stretch a call.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from keelpay_server.book import ids, journal
from keelpay_server.book.bank import Bank
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import AccountRow, LegRow, Page, Reader
from keelpay_server.ledger.account import WINDOW_MAX, number, parse
from keelpay_server.ledger.chart import Chart, Owner

from .settlement import KIND as SETTLEMENT_KIND
from .settlement import Settlement
from .window import Window

STRETCH: Final = 500
"""Journal rows that one call walks at most."""
ACCOUNTS_STRETCH: Final = 5000
"""Accounts that one call looks at, at most."""
WINDOWS_BACK: Final = 64
"""Windows back to which a merchant's unsettled money is summed up: refunds hold money for 30 days at most."""


class EventOfLeg(NamedTuple):
    """The event that posted a leg."""

    kind: str
    id: bytes | str
    owner: str
    business_time: int


class Found(NamedTuple):
    """Legs found on a stretch of the journal."""

    legs: list[tuple[LegRow, EventOfLeg]]
    through: int
    """The last sequence that was looked at."""
    more: bool
    """There is more to look at."""


async def owners_of(reader: Reader, accounts: Iterable[int]) -> dict[int, str]:
    """Returns the name of the resource that each account belongs to; the house's own are left out."""
    wanted: dict[Owner, set[int]] = {Owner.MERCHANT: set(), Owner.PAYER: set(), Owner.BANK: set()}
    parsed = {account: parse(account) for account in accounts}
    for parts in parsed.values():
        if parts.row.owner in wanted and parts.owner:
            wanted[parts.row.owner].add(parts.owner)
    names: dict[tuple[Owner, int], str] = {}
    page = Page(1000)
    if merchants := sorted(wanted[Owner.MERCHANT]):
        rows = await reader.find(Merchant, {"number": merchants}, page)
        names |= {(Owner.MERCHANT, row.number): f"merchants/{row.id}" for row in rows}
    if payers := sorted(wanted[Owner.PAYER]):
        for payer in await reader.find(Payer, {"number": payers}, page):
            partner, _, person = payer.id.partition("/")
            names[Owner.PAYER, payer.number] = f"partners/{partner}/payers/{person}"
    if wanted[Owner.BANK]:
        names |= {(Owner.BANK, bank.number): f"banks/{bank.id}" for bank in await reader.find(Bank, {}, page)}
    return {
        account: names[parts.row.owner, parts.owner]
        for account, parts in parsed.items()
        if (parts.row.owner, parts.owner) in names
    }


async def accounts_where(
    reader: Reader, first: int, last: int, page: Page, *, code: int, currency: int
) -> tuple[list[AccountRow], AccountRow | None]:
    """Returns accounts of a range with a code and a currency (0 for any), and where the next page begins, if any."""
    rows: list[AccountRow] = []
    after = page.after
    found: list[AccountRow] = []
    for _ in range(ACCOUNTS_STRETCH // 500):
        found = await reader.accounts(first, last, Page(500, after))
        for row in found:
            parts = parse(row.id)
            if code in {0, parts.row.code} and currency in {0, parts.currency}:
                rows.append(row)
                if len(rows) == page.size:
                    return rows, row
        if len(found) < 500:  # noqa: PLR2004
            return rows, None
        after = (found[-1].id, found[-1].id)
    return rows, found[-1]


async def events_of(reader: Reader, legs: Sequence[LegRow]) -> list[tuple[LegRow, EventOfLeg]]:
    """Returns legs with their events."""
    found: list[tuple[LegRow, EventOfLeg]] = []
    events: dict[int, EventOfLeg] = {}
    for leg in legs:
        if leg.sequence not in events:
            (row,) = await reader.journal(leg.sequence - 1, 1)
            events = {event[0]: _event(event, row.business_time) for event in journal.decode(row.body).events}
        found.append((leg, events[leg.sequence]))
    return found


async def legs_about(reader: Reader, kind: str, key: bytes, after: int) -> Found:
    """Returns the legs of the events about a resource, from the next stretch of the journal.

    Args:
        reader: Of the book.
        kind: The prefix of the resource's id.
        key: Its key.
        after: The last sequence that was looked at before, or 0 to begin.
    """
    if not after:
        after = await _made_at(reader, kind, key)
    rows = await reader.journal(after, STRETCH)
    found: list[tuple[LegRow, EventOfLeg]] = []
    for row in rows:
        body = journal.decode(row.body)
        about = {
            event[0]: _event(event, row.business_time) for event in body.events if event[2] == kind and event[3] == key
        }
        found += [(LegRow(*leg), about[leg[0]]) for leg in body.legs if leg[0] in about]
    through = rows[-1].last if rows else after
    return Found(found, through, len(rows) == STRETCH)


async def unsettled_of(reader: Reader, merchant: Merchant) -> int:
    """Returns the posted balance of a merchant's accounts of the last windows."""
    windows = await reader.find(
        Window, {"calendar": merchant.calendar, "currency": merchant.currency}, Page(WINDOWS_BACK, descending=True)
    )
    accounts = [merchant.unsettled(window.id) for window in windows]
    rows = await reader.find(AccountRow, {"id": accounts}, Page(WINDOWS_BACK)) if accounts else []
    return sum(row.credits - row.debits for row in rows)


def range_of(owner: int | None, window: int | None) -> tuple[int, int]:
    """Returns the numbers between which the accounts of an owner, or of a window, or all accounts lie."""
    if window is not None:
        low = number(Chart.MERCHANT_UNSETTLED, 1, owner or 1, window)
        return (low >> 18 << 18, low >> 18 << 18 | 0x3FFFF) if owner else (window << 46, (window + 1 << 46) - 1)
    if owner is not None:
        return owner << 18, (owner + 1 << 18) - 1
    return 0, (WINDOW_MAX + 1 << 46) - 1


async def _made_at(reader: Reader, kind: str, key: bytes) -> int:
    """Returns a sequence just before a resource was made, by halving the journal over its times."""
    if kind == SETTLEMENT_KIND:
        settlement = await reader.get(Settlement, key)
        return 0 if settlement is None else settlement.through_sequence
    made = ids.time_of(key)
    low, high = 0, (await reader.book()).sequence
    while high - low > STRETCH:
        middle = (low + high) // 2
        (row,) = await reader.journal(middle, 1)
        if row.wall_time < made:
            low = middle
        else:
            high = middle
    return low


def _event(event: Sequence[object], business_time: int) -> EventOfLeg:
    return EventOfLeg(str(event[2]), event[3], str(event[5]), business_time)  # type: ignore[arg-type]
