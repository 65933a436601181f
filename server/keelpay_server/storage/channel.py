"""The channel's records for reconciliation: the gateway's operations, read as `clearing.channel` wants them.

In: keys, banks. Out: ChannelRecords. Invariant: reads only; every value is a bound parameter.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, exists, or_, select

from keelpay_server.book.rail import OperationKind
from keelpay_server.clearing.bank_statement import BankLine
from keelpay_server.clearing.channel import ChannelRecord
from keelpay_server.clearing.disagreement import Disagreement
from keelpay_server.clearing.matching import ASIDE
from keelpay_server.gateway.operation import UNRESOLVED, Operation, OperationState
from keelpay_server.gateway.result import RETURNED

from .reader import SqlReader
from .schema import ENTITIES


class SqlChannelRecords:
    """Implements `clearing.channel.ChannelRecords`.

    Args:
        reader: Of the book.
    """

    def __init__(self, reader: SqlReader) -> None:
        self._reader = reader

    async def find(self, keys: Sequence[bytes]) -> Mapping[bytes, ChannelRecord]:
        """See `ChannelRecords.find`."""
        if not keys:
            return {}
        table = ENTITIES[Operation]
        rows = await self._reader.rows(self._reader.all_columns(table).where(table.c.id.in_(list(keys))))
        return {row[0]: _record(Operation._make(row)) for row in rows}

    async def of_subject(self, subject: bytes) -> Sequence[ChannelRecord]:
        """See `ChannelRecords.of_subject`."""
        table = ENTITIES[Operation]
        rows = await self._reader.rows(self._reader.all_columns(table).where(table.c.subject == subject))
        return [_record(Operation._make(row)) for row in rows]

    async def missing(
        self, bank: str, currency: str, between_us: tuple[int, int], after: bytes, limit: int
    ) -> Sequence[ChannelRecord]:
        """See `ChannelRecords.missing`."""
        table, lines, breaks = ENTITIES[Operation], ENTITIES[BankLine], ENTITIES[Disagreement]
        took_money = or_(
            table.c.kind.in_([OperationKind.CAPTURE, OperationKind.REFUND, OperationKind.PAY]),
            and_(table.c.kind == OperationKind.AUTHORIZE, table.c.capture),
        )
        shown = exists(
            select(lines.c.id).where(
                lines.c.book_id == table.c.book_id, lines.c.operation == table.c.id,
                lines.c.kind.not_in(ASIDE),
            )
        )  # fmt: skip
        known = exists(
            select(breaks.c.id).where(
                breaks.c.book_id == table.c.book_id, breaks.c.operation == table.c.id, breaks.c.line.is_(None)
            )
        )
        query = self._reader.all_columns(table).where(
            table.c.bank == bank, table.c.currency == currency, table.c.state == OperationState.SUCCEEDED,
            table.c.code != RETURNED,
            table.c.update_time >= between_us[0], table.c.update_time < between_us[1], table.c.id > after,
            took_money, ~shown, ~known,
        )  # fmt: skip
        rows = await self._reader.rows(query.order_by(table.c.id).limit(limit))
        return [_record(Operation._make(row)) for row in rows]


def _record(row: Operation) -> ChannelRecord:
    return ChannelRecord(
        key=row.id, subject_kind=row.subject_kind, subject=row.subject, merchant=row.merchant, kind=row.kind,
        capture=row.capture, succeeded=row.state == OperationState.SUCCEEDED, resolved=row.state not in UNRESOLVED,
        bank=row.bank, currency=row.currency, amount=row.amount, cost=row.cost,
    )  # fmt: skip
