"""Reconciling as later work: compares a statement's lines with the channel's records, a portion at a time.

In: imported statements. Out: commands. Invariant: run again, it does only what is left; a process that dies in between
leaves nothing half posted.
"""

from collections.abc import Mapping
from typing import Final

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.request import Request
from keelpay_server.book.worker import Handler, Look

from .bank_statement import RECONCILE, BankLine, LineState, Statement, StatementState
from .channel import ChannelRecords
from .disagreement import BreakKind, BreakState, Disagreement
from .match_commands import MatchLine, ReportMissing
from .statement_commands import NoteReconciled

PORTION: Final = 500
_LEFT: Final = (LineState.NEW, LineState.BROKEN)
_TURNS: Final[tuple[dict[str, object], ...]] = (
    {"amount__gt": 0, "kind": [kind for kind in StatementLineKind if kind is not StatementLineKind.PAYOUT_RETURN]},
    {"amount__lt": 0},
    {"amount__gt": 0, "kind": StatementLineKind.PAYOUT_RETURN},
)
"""First what came in, so that our reserve holds what leaves it; then what went out; then what came back of that."""


class Reconciling:
    """Compares statements with our records.

    Args:
        engine: The book.
        records: The channel's records.
        portion: Lines a turn.
    """

    def __init__(self, engine: Engine, records: ChannelRecords, *, portion: int = PORTION) -> None:
        self._engine, self._records, self._portion = engine, records, portion

    def handlers(self) -> dict[str, Handler]:
        """Returns the handlers by kind of work."""
        return {RECONCILE: self.handle}

    async def handle(self, tasks: list[Work], _look: Look) -> None:
        """Reconciles the statements of due work."""
        for task in tasks:
            await self.reconcile(task.subject, None)

    async def reconcile(self, statement: bytes, request: Request | None) -> Statement | None:
        """Compares what is left of a statement; returns it as it is now, or None if it is not here whole."""
        row = await self._engine.reader.get(Statement, statement)
        if row is None or row.state != StatementState.IMPORTED:
            return None
        for direction in _TURNS:
            await self._match({"statement": row.id, **direction})
        await self._match_waiting(row)
        await self._report_missing(row)
        matched = await self._engine.reader.count(BankLine, {"statement": row.id, "state": LineState.MATCHED})
        broken = await self._engine.reader.count(BankLine, {"statement": row.id, "state": LineState.BROKEN})
        outcome = await self._engine.execute(
            NoteReconciled(statement=row.id, matched=matched, broken=broken, request=request)
        )
        return await self._engine.answer(Statement, outcome)

    async def _match_waiting(self, statement: Statement) -> None:
        """Compares the bank's lines again that waited for its answer or for money: either may have come since."""
        waiting = {
            "bank": statement.bank, "currency": statement.currency, "state": BreakState.OPEN, "kind": BreakKind.CHANNEL,
        }  # fmt: skip
        after: tuple[bytes, bytes] | None = None
        while True:
            found = await self._engine.reader.find(Disagreement, waiting, Page(self._portion, after))
            lines = [row.line for row in found if row.line is not None]
            for direction in _TURNS:
                if lines:
                    await self._match({"id": lines, **direction})
            if len(found) < self._portion:
                return
            after = (found[-1].id, found[-1].id)

    async def _match(self, where: Mapping[str, object]) -> None:
        """Compares the lines of one turn."""
        after: tuple[bytes, bytes] | None = None
        while True:
            lines = await self._engine.reader.find(BankLine, {"state": _LEFT, **where}, Page(self._portion, after))
            if lines:
                records = await self._records.find([line.operation for line in lines if line.operation])
                await self._engine.execute_many(
                    [MatchLine(line=line.id, record=records.get(line.operation)) for line in lines]
                )
                after = (lines[-1].id, lines[-1].id)
            if len(lines) < self._portion:
                return

    async def _report_missing(self, statement: Statement) -> None:
        """Looks for operations that were done before the statement before this one came, and that neither shows.

        Each statement looks at what was done since the statement two before it: earlier ones were looked at with that.
        """
        before = await self._engine.reader.find(
            Statement,
            {"bank": statement.bank, "currency": statement.currency, "id__lt": statement.id},
            Page(2, descending=True),
        )
        if not before:
            return
        between_us = before[1].create_time if len(before) > 1 else 0, before[0].create_time
        after = b""
        while True:
            found = await self._records.missing(statement.bank, statement.currency, between_us, after, self._portion)
            await self._engine.execute_many([ReportMissing(record=record, statement=statement.id) for record in found])
            if len(found) < self._portion:
                return
            after = found[-1].key
