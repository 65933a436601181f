"""Importing a statement: begun once for a bank, a currency and a number, then its lines, a portion a command.

In: a parsed statement. Out: rows. Invariant: it counts only when its last line is here; an import that was cut goes on
where it stopped, and one that is complete is refused.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book import ids, rail
from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .bank_statement import KIND, RECONCILE, Statement, StatementState, day_range, event_of, lines_of
from .natural_key import NaturalKey, find_key, key_needs, statement_number


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginStatement(Command):
    """Takes a statement's number.

    Attributes:
        parsed: The statement; its lines come with ImportLines.
        number: The bank's own number.
        format: A StatementFormat.
        sha256: Of the bytes.
    """

    parsed: rail.Statement
    number: str
    format: int
    sha256: bytes
    depth: ClassVar[int] = 2

    @property
    def key(self) -> str:
        """Its natural key."""
        return statement_number(self.parsed.bank, self.parsed.currency, self.number)

    def needs(self, need: Need) -> None:
        """Asks for the bank, whether the number is taken, and by what."""
        need.row(Bank, self.parsed.bank)
        if (taken := key_needs(need, self.key)) is not None:
            need.row(Statement, taken)

    def decide(self, world: World) -> Changes:
        """Begins, or returns the same statement whose import was cut.

        Raises:
            Refused: RESOURCE_NOT_FOUND for a bank that we do not know, CURRENCY_MISMATCH for a currency that it does
                not take, STATEMENT_ALREADY_IMPORTED with its name.
        """
        parsed = self.parsed
        bank = world.get(Bank, parsed.bank)
        if bank is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="bank")
        if parsed.currency not in bank.currencies.split():
            raise Refused(Reason.CURRENCY_MISMATCH, expected=bank.currencies, given=parsed.currency)
        if (taken := find_key(world, self.key)) is not None:
            before = world.require(Statement, taken)
            if before.state == StatementState.IMPORTED or before.sha256 != self.sha256:
                raise Refused(Reason.STATEMENT_ALREADY_IMPORTED, name=f"statements/{ids.text(KIND, before.id)}")
            return Changes(before)
        key = world.new_id()
        first, end = day_range(parsed)
        count = len(parsed.lines)
        statement = Statement(
            id=key, bank=parsed.bank, number=self.number, currency=parsed.currency, format=self.format,
            state=StatementState.IMPORTING if count else StatementState.IMPORTED, opening=parsed.opening_balance_minor,
            closing=parsed.closing_balance_minor, from_time=first, to_time=end, sha256=self.sha256, line_count=count,
            imported_count=0, reconcile_time=0, state_version=1, business_time=world.business_us,
            create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        changes = Changes(statement, (NaturalKey(self.key, key),))
        return changes if count else changes.join(_complete(world, statement))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLines(Command):
    """Stores the next lines of a statement.

    Attributes:
        statement: Its key.
        lines: In order, without gap; after the last one the statement counts.
    """

    statement: bytes
    lines: tuple[rail.StatementLine, ...]
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the statement."""
        need.row(Statement, self.statement)

    def decide(self, world: World) -> Changes:
        """Stores them, unless they are here."""
        statement = world.require(Statement, self.statement)
        if self.lines[0].line_number != statement.imported_count + 1:
            return Changes(statement)
        imported = statement.imported_count + len(self.lines)
        complete = imported == statement.line_count
        statement = statement._replace(
            imported_count=imported, state_version=statement.state_version + 1, update_time=world.wall_us,
            state=StatementState.IMPORTED if complete else StatementState.IMPORTING,
        )  # fmt: skip
        changes = Changes(statement, tuple(lines_of(statement.id, statement.bank, self.lines)))
        return changes.join(_complete(world, statement)) if complete else changes


def _complete(world: World, statement: Statement) -> Changes:
    """All of it is here: it is reconciled from now on."""
    work = Work(statement.id, RECONCILE, statement.id, WALL, world.wall_us)
    return Changes(events=(event_of(statement, "imported"),), work=(work,))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReconciled(Command):
    """Notes that a statement was compared, whatever came of it.

    Attributes:
        statement: Its key.
        matched: Lines matched so far.
        broken: Lines that a break speaks of.
    """

    statement: bytes
    matched: int
    broken: int
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the statement."""
        need.row(Statement, self.statement)

    def decide(self, world: World) -> Changes:
        """Notes the business time and ends the work."""
        statement = world.require(Statement, self.statement)
        statement = statement._replace(
            reconcile_time=world.business_us, state_version=statement.state_version + 1, update_time=world.wall_us
        )
        event = event_of(statement, "reconciled", matched=self.matched, broken=self.broken)
        return Changes(statement, events=(event,), done=(statement.id,))
