"""What explains the money in between: the holds that nouns keep, and the open items of accounts in transit.

In: the rooms' own tables. Out: holds and open items for the invariant checker, in pages.
Invariant: each noun tells about its own money; nothing is derived from the balances that it has to explain.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, or_

from keelpay_server.book.bank import Bank
from keelpay_server.clearing.adjustment import Adjustment, AdjustmentState
from keelpay_server.clearing.disagreement import Disagreement
from keelpay_server.clearing.payout import Payout
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.refund import Refund
from keelpay_server.gateway.stray import Stray
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.ledger.account import CHART_MASK, currency_number, parse, refund_transit, suspense
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.fact import OpenItem
from keelpay_server.ledger.hold import Hold

from .reader import SqlReader
from .schema import ENTITIES

_PAGE: Final = 2000


async def _some(moment: SqlReader, entity: type, *where: ColumnElement[bool]) -> AsyncIterator[list[Any]]:
    """Yields the entities that fulfil a condition, in pages."""
    table: Table = ENTITIES[entity]
    after: Any = None
    while True:
        query = moment.all_columns(table).where(*where)
        if after is not None:
            query = query.where(table.c.id > after)
        rows = await moment.rows(query.order_by(table.c.id).limit(_PAGE))
        if rows:
            yield [entity._make(row) for row in rows]  # type: ignore[attr-defined]
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


async def holds(moment: SqlReader) -> AsyncIterator[Sequence[Hold]]:
    """Yields the holds that still reserve something."""
    table = ENTITIES[Operation]
    rests = table.c.hold_amount > table.c.hold_captured + table.c.hold_released
    async for operations in _some(moment, Operation, rests):
        yield [row.hold for row in operations]
    async for payouts in _some(moment, Payout, ENTITIES[Payout].c.held != 0):
        yield [row.hold for row in payouts]
    async for refunds in _some(moment, Refund, ENTITIES[Refund].c.held):
        yield [hold for row in refunds for hold in row.funding.holds(row.transit)]
    async for transfers in _some(moment, Transfer, ENTITIES[Transfer].c.held != 0):
        yield [row.hold for row in transfers]


async def open_items(moment: SqlReader) -> AsyncIterator[Iterator[OpenItem]]:
    """Yields what is open on accounts in transit and in suspense."""
    table = ENTITIES[Payout]
    async for payouts in _some(moment, Payout, or_(table.c.in_transit != 0, table.c.in_suspense != 0)):
        yield (item for row in payouts for item in _payout(row))
    table = ENTITIES[Refund]
    async for refunds in _some(moment, Refund, or_(table.c.in_transit != 0, table.c.in_suspense != 0)):
        yield (item for row in refunds for item in _refund(row))
    table = ENTITIES[Stray]
    async for strays in _some(moment, Stray, or_(table.c.in_transit != 0, table.c.in_suspense != 0)):
        yield (item for row in strays for item in _stray(row))
    table = ENTITIES[Transfer]
    async for transfers in _some(moment, Transfer, or_(table.c.in_transit != 0, table.c.in_suspense != 0)):
        yield (item for row in transfers for item in _transfer(row))
    banks = {row.id: row async for page in _some(moment, Bank) for row in page}
    async for breaks in _some(moment, Disagreement, ENTITIES[Disagreement].c.in_suspense != 0):
        yield (OpenItem(banks[row.bank].suspense(row.currency), row.in_suspense) for row in breaks)
    posted = ENTITIES[Adjustment].c.state == AdjustmentState.POSTED
    async for adjustments in _some(moment, Adjustment, posted):
        yield (item for row in adjustments for item in _adjustment(row))


def _payout(row: Payout) -> Iterator[OpenItem]:
    if row.in_transit:
        yield OpenItem(row.hold_credit, row.in_transit)
    if row.in_suspense:
        transit = parse(row.hold_credit)
        yield OpenItem(suspense(transit.owner, transit.currency), -row.in_suspense)


def _refund(row: Refund) -> Iterator[OpenItem]:
    if row.in_transit:
        yield OpenItem(refund_transit(row.transit, row.currency_number), row.in_transit)
    if row.in_suspense:
        yield OpenItem(suspense(row.suspense, row.currency_number), row.in_suspense)


def _stray(row: Stray) -> Iterator[OpenItem]:
    if row.in_transit:
        yield OpenItem(refund_transit(row.bank, row.currency_number), row.in_transit)
    if row.in_suspense:
        yield OpenItem(suspense(row.bank, row.currency_number), row.in_suspense)


def _transfer(row: Transfer) -> Iterator[OpenItem]:
    if row.in_transit:
        yield OpenItem(row.hold_credit, row.in_transit)
    if row.in_suspense:
        yield OpenItem(suspense(row.suspense, currency_number(row.hold_credit)), row.in_suspense)


def _adjustment(row: Adjustment) -> Iterator[OpenItem]:
    """Operators have explained what they moved through suspense."""
    for debit, credit, amount in json.loads(row.legs):
        if debit & CHART_MASK == Chart.SUSPENSE:
            yield OpenItem(debit, -amount)
        if credit & CHART_MASK == Chart.SUSPENSE:
            yield OpenItem(credit, amount)
