"""Statement: what a bank says about one of our accounts there, and its lines.

In: a parsed statement. Out: rows. Invariant: a bank's number of a statement is imported once; nothing of it ever
changes but what was matched.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from keelpay_server.book import rail
from keelpay_server.book.changes import Event
from keelpay_server.book.readable import cleaned

KIND: Final = "stm"
RECONCILE: Final = "statement.reconcile"
"""The work of reconciling an imported statement."""
_NUMBER_BYTES: Final = 8


class StatementFormat(IntEnum):
    """How a statement is written, numbered as in the contract."""

    CAMT_053 = 1
    RAIL_JSON_LINES = 2


class StatementState(IntEnum):
    """Whether all of it is here: only then it counts."""

    IMPORTING = 1
    IMPORTED = 2


class LineState(IntEnum):
    """What became of a line."""

    NEW = 1
    MATCHED = 2
    BROKEN = 3
    """A break tells why nothing of ours explains it."""
    RESOLVED = 4
    """Two operators said what it is."""


class Statement(NamedTuple):
    """One statement.

    Attributes:
        id: Its key.
        bank: The bank.
        number: The bank's own number of it.
        currency: Of every amount.
        format: A StatementFormat.
        state: A StatementState.
        opening: Balance before its first line.
        closing: Balance after its last.
        from_time: First moment it speaks of.
        to_time: First moment it no longer speaks of.
        sha256: Of the imported bytes.
        line_count: Lines in it.
        imported_count: Lines that are here.
        reconcile_time: Business clock of the last reconciliation, or 0.
        state_version: Counts its changes.
        business_time: Business clock of the import.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    bank: str
    number: str
    currency: str
    format: int
    state: int
    opening: int
    closing: int
    from_time: int
    to_time: int
    sha256: bytes
    line_count: int
    imported_count: int
    reconcile_time: int
    state_version: int
    business_time: int
    create_time: int
    update_time: int


class BankLine(NamedTuple):
    """One movement on a statement.

    Attributes:
        id: The statement's key and the line's number.
        statement: The statement's key.
        natural: `<bank>/<the bank's name of the movement>`: the same movement has the same name for ever.
        bank: The bank.
        kind: book.rail.StatementLineKind.
        currency: Of the amount.
        amount: Above zero into our account.
        operation: The key of the operation that caused it, or empty.
        bank_reference: The bank's number of that operation, or empty.
        text: What the line says to a human.
        state: A LineState.
        disagreement: The break that it opened, or None.
    """

    id: bytes
    statement: bytes
    natural: str
    bank: str
    kind: int
    currency: str
    amount: int
    operation: bytes
    bank_reference: str
    text: str
    state: int
    disagreement: bytes | None


def line_key(statement: bytes, number: int) -> bytes:
    """Returns the key of a line: the lines of a statement are one range."""
    return statement + number.to_bytes(_NUMBER_BYTES, "big")


def lines_of(statement: bytes, bank: str, lines: tuple[rail.StatementLine, ...]) -> Iterator[BankLine]:
    """Yields the rows of parsed lines."""
    for line in lines:
        yield BankLine(
            id=line_key(statement, line.line_number), statement=statement, natural=f"{bank}/{line.natural_key}",
            bank=bank, kind=int(line.kind), currency=line.currency, amount=line.amount_minor,
            operation=line.reference, bank_reference=cleaned(line.bank_reference), text=cleaned(line.text),
            state=LineState.NEW, disagreement=None,
        )  # fmt: skip


def day_range(parsed: rail.Statement) -> tuple[int, int]:
    """Returns the first moment of a statement's day and the first after it, in microseconds, as of UTC."""
    begin = datetime.combine(parsed.date, datetime.min.time(), UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    first = begin // timedelta(microseconds=1)
    return first, first + timedelta(days=1) // timedelta(microseconds=1)


def event_of(statement: Statement, what: str, **data: object) -> Event:
    """Returns the event of a statement's step, such as `statement.imported`."""
    facts: dict[str, object] = {
        "bank": statement.bank, "number": statement.number, "currency": statement.currency,
        "line_count": statement.line_count, "closing": statement.closing,
    }  # fmt: skip
    facts.update(data)
    return Event(f"statement.{what}", KIND, statement.id, statement.state_version, "", facts)


def line_event(line: BankLine, what: str) -> Event:
    """Returns the event of a line's step, such as `statement.matched`; the line's legs belong to it."""
    data: dict[str, object] = {"line": line.id, "kind": int(line.kind), "amount": line.amount}
    data["currency"] = line.currency
    if line.operation:
        data["operation"] = line.operation
    return Event(f"statement.{what}", KIND, line.statement, int.from_bytes(line.id[16:], "big"), "", data)
