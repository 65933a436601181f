"""Fetching statements: each bank's closed day is asked for and imported, without hands, as soon as it is over.

In: due work, one row a bank and currency; the connector port. Out: imported statements, and the work of the next day.
Invariant: days are fetched in order and none is left out; a statement that cannot be had whole is asked for again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b, sha256
from typing import ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import BUSINESS, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.need import Need
from keelpay_server.book.rail import Rail, Statement, StatementUnavailableError
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.statement_file import render_statement
from keelpay_server.book.times import MINUTE_US, SECOND_US
from keelpay_server.book.worker import Handler, Look
from keelpay_server.book.world import World

from . import bank_statement
from .bank_statement import StatementFormat
from .statement_commands import BeginStatement, ImportLines

FETCH: Final = "statement.fetch"
AFTER_CLOSE_US: Final = 5 * MINUTE_US
"""How long after the end of a bank's day its statement is asked for first."""
AGAIN_US: Final = 5 * MINUTE_US
PORTION: Final = 500
LOOK_AHEAD_DAYS: Final = 31
"""How far ahead an account's first statement is looked for."""
_log = logging.getLogger("keelpay.clearing")


def fetch_work(bank: str, currency: str, day: date, due_time: int) -> Work:
    """Returns the work of fetching a bank's statement of a day."""
    key = blake2b(f"{FETCH}\n{bank}\n{currency}".encode(), digest_size=16).digest()
    return Work(key, FETCH, f"{bank} {currency} {day.isoformat()}".encode(), BUSINESS, due_time)


def close_of(day: date, utc_offset_minutes: int) -> int:
    """Returns when a bank's day ends, microseconds."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=-utc_offset_minutes)
    return int(midnight.timestamp()) * SECOND_US


def day_at(time_us: int, utc_offset_minutes: int) -> date:
    """Returns the bank's day at a time."""
    return (datetime.fromtimestamp(time_us // SECOND_US, UTC) + timedelta(minutes=utc_offset_minutes)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFetch(Command):
    """Sets when a bank's statement is asked for next; the first time it begins with the day that is under way.

    Attributes:
        bank: Its name.
        currency: Of the account.
        utc_offset_minutes: Of the bank's day.
        day: The day wanted, or None for the first.
        again: The day could not be had yet.
    """

    bank: str
    currency: str
    utc_offset_minutes: int
    day: date | None = None
    again: bool = False

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The work row."""
        need.row(Work, fetch_work(self.bank, self.currency, date.min, 0).id)

    def decide(self, world: World) -> Changes:
        """Reschedules; a first schedule leaves one alone that exists."""
        day = self.day or day_at(world.business_us, self.utc_offset_minutes)
        due = close_of(day, self.utc_offset_minutes) + AFTER_CLOSE_US
        work = fetch_work(self.bank, self.currency, day, world.business_us + AGAIN_US if self.again else due)
        if self.day is None and world.get(Work, work.id) is not None:
            return Changes()
        return Changes(work=(work,))


class StatementFetch:
    """Fetches and imports.

    Args:
        engine: The book.
        rails: The connectors, by bank.
    """

    def __init__(self, engine: Engine, rails: Mapping[str, Rail]) -> None:
        self._engine, self._rails = engine, rails

    def handlers(self) -> dict[str, Handler]:
        """Returns the handlers by kind of work."""
        return {FETCH: self.handle}

    async def begin(self) -> None:
        """Schedules every bank and currency in which we have accounts and that has no schedule yet."""
        for name, rail in self._rails.items():
            declared = await rail.capabilities()
            bank = await self._engine.reader.get(Bank, name)
            if declared is not None and bank is not None:
                for code in bank.currencies.split():
                    await self._engine.execute(
                        ScheduleFetch(bank=name, currency=code, utc_offset_minutes=declared.utc_offset_minutes)
                    )

    async def handle(self, tasks: list[Work], _look: Look) -> None:
        """Fetches due days."""
        for task in tasks:
            bank, currency, text = task.subject.decode().split()
            await self.fetch(bank, currency, date.fromisoformat(text))

    async def catch_up(self, bank: str, currency: str, until: date) -> None:
        """Fetches every day that is not here yet, up to one that the bank says is ready."""
        while True:
            task = await self._engine.reader.get(Work, fetch_work(bank, currency, date.min, 0).id)
            day = None if task is None else date.fromisoformat(task.subject.decode().split()[2])
            if day is None or day > until:
                return
            await self.fetch(bank, currency, day)
            after = await self._engine.reader.get(Work, fetch_work(bank, currency, date.min, 0).id)
            if after is None or after.subject == (task.subject if task else b""):
                return

    async def fetch(self, bank: str, currency: str, day: date) -> None:
        """Fetches one day, imports it, and schedules the next; or the same day again if it cannot be had."""
        rail = self._rails.get(bank)
        declared = None if rail is None else await rail.capabilities()
        if rail is None or declared is None:
            return
        offset = declared.utc_offset_minutes
        found = await self._first(rail, currency, day, offset)
        if found is not None and (found.bank, found.currency) != (bank, currency):
            # A bank tells of its own accounts alone: its word about another's would move money there.
            _log.error("%s sent a statement of %s in %s; it is not taken", bank, found.bank, found.currency)
            found = None
        if found is None:
            again = ScheduleFetch(bank=bank, currency=currency, day=day, again=True, utc_offset_minutes=offset)
            await self._engine.execute(again)
            return
        await self._import(found)
        after = found.date + timedelta(days=1)
        await self._engine.execute(ScheduleFetch(bank=bank, currency=currency, day=after, utc_offset_minutes=offset))

    async def _first(self, rail: Rail, currency: str, day: date, offset: int) -> Statement | None:
        """Returns the statement of a day, or of the first day of an account that began later; None to ask again.

        A later statement that opens at zero with number 1 proves that there was none before it.
        """
        book = await self._engine.reader.book()
        today = day_at(max(book.business_us, self._engine.wall() + book.offset_us), offset)
        for ahead in range(LOOK_AHEAD_DAYS):
            wanted = day + timedelta(days=ahead)
            if wanted >= today:
                return None
            try:
                found = await rail.statement(wanted, currency)
            except StatementUnavailableError as missing:
                _log.info("statement in %s of %s: %s", currency, wanted, missing)
                continue
            begins = found.number == 1 and not found.opening_balance_minor
            return found if not ahead or begins else None
        return None

    async def _import(self, parsed: Statement) -> None:
        digest = sha256(render_statement(parsed)).digest()
        begun = BeginStatement(
            parsed=parsed, number=str(parsed.number), format=StatementFormat.RAIL_JSON_LINES, sha256=digest
        )
        try:
            statement = await self._engine.answer(bank_statement.Statement, await self._engine.execute(begun))
        except Refused as refused:
            if refused.reason is Reason.STATEMENT_ALREADY_IMPORTED:
                return
            raise
        while statement.imported_count < statement.line_count:
            lines = parsed.lines[statement.imported_count : statement.imported_count + PORTION]
            stored = await self._engine.execute(ImportLines(statement=statement.id, lines=lines))
            statement = await self._engine.answer(bank_statement.Statement, stored)
