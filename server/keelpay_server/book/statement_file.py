"""Statement files: one JSON object a line, between a header and a trailer that seals them.

In: bytes from anywhere, or a statement. Out: a statement, or bytes. Pure. Invariant: what parses is whole (the seal,
the number of lines and the balances agree), bounded, and renders back to the same bytes; everything else raises
`StatementFileError` and says on which line.

    {"record":"header","format":"keelpay-statement-1","bank":...,"statement_number":...,"statement_date":...,
     "currency":...,"opening_balance_minor":...,"line_count":...,"closing_balance_minor":...}
    {"record":"line","line_number":1,"natural_key":...,"kind":"REFUND","amount_minor":-500,"reference":"<hex>",
     "bank_reference":...,"text":...}
    {"record":"trailer","sha256":"<hex of all bytes before this line>"}
"""

import hashlib
import json
import re
from datetime import date
from typing import Any, Final

from .rail import Statement, StatementLine, StatementLineKind
from .statement_bounds import AMOUNT_MINOR_MAX, BANK_REFERENCE, LINES_MAX, NATURAL_KEY, NUMBER_MAX, TEXT

FORMAT: Final = "keelpay-statement-1"
FILE_BYTES_MAX: Final = 512 * 1024 * 1024
LINE_BYTES_MAX: Final = 4096

_HEADER: Final = {
    "record", "format", "bank", "statement_number", "statement_date", "currency", "opening_balance_minor",
    "line_count", "closing_balance_minor",
}  # fmt: skip
_LINE: Final = {"record", "line_number", "natural_key", "kind", "amount_minor", "reference", "bank_reference", "text"}
_BANK: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CURRENCY: Final = re.compile(r"[A-Z][A-Z0-9]{2,7}")
_REFERENCE: Final = re.compile(r"(?:[0-9a-f]{32})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class StatementFileError(ValueError):
    """A file is not a statement, not a whole one, or contradicts itself.

    Attributes:
        line: Line of the file, from 1; 0 where it is the file as a whole.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


def render_statement(statement: Statement) -> bytes:
    """Returns the file of a statement."""
    header = {
        "record": "header",
        "format": FORMAT,
        "bank": statement.bank,
        "statement_number": statement.number,
        "statement_date": statement.date.isoformat(),
        "currency": statement.currency,
        "opening_balance_minor": statement.opening_balance_minor,
        "line_count": len(statement.lines),
        "closing_balance_minor": statement.closing_balance_minor,
    }
    body = b"".join([_encode(header), *(_encode(_line_record(line)) for line in statement.lines)])
    return body + _encode({"record": "trailer", "sha256": hashlib.sha256(body).hexdigest()})


def parse_statement(content: bytes) -> Statement:
    """Returns the statement in a file.

    Args:
        content: The whole file, at most FILE_BYTES_MAX.

    Raises:
        StatementFileError: It is foreign, cut, altered, too big, or its numbers do not agree.
    """
    if len(content) > FILE_BYTES_MAX:
        raise StatementFileError(0, f"the file is larger than {FILE_BYTES_MAX} bytes")
    raw = content.split(b"\n")
    if raw.pop():
        raise StatementFileError(len(raw) + 1, "the file is cut: its last line does not end")
    if not raw:
        raise StatementFileError(0, "the file is empty")
    header = _record(raw[0], 1, "header", _HEADER)
    if header["format"] != FORMAT:
        raise StatementFileError(1, f"the format is not {FORMAT}")
    bank = _text(header, "bank", 1, _BANK)
    currency = _text(header, "currency", 1, _CURRENCY)
    day = _day(header, 1)
    number = _integer(header, "statement_number", 1, 1, NUMBER_MAX)
    count = _integer(header, "line_count", 1, 0, LINES_MAX)
    opening = _integer(header, "opening_balance_minor", 1, -AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)
    closing = _integer(header, "closing_balance_minor", 1, -AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)
    if len(raw) != count + 2:
        raise StatementFileError(0, f"the file is cut or extended: {count + 2} lines announced, {len(raw)} found")
    _check_seal(content, raw)
    lines = tuple(_line(text, place, currency, day) for place, text in enumerate(raw[1:-1], start=2))
    if len({line.natural_key for line in lines}) != count:
        raise StatementFileError(0, "two lines have one natural key")
    if opening + sum(line.amount_minor for line in lines) != closing:
        raise StatementFileError(0, "the opening balance and the lines do not add up to the closing balance")
    return Statement(bank, number, day, currency, opening, closing, lines)


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _line_record(line: StatementLine) -> dict[str, Any]:
    return {
        "record": "line",
        "line_number": line.line_number,
        "natural_key": line.natural_key,
        "kind": line.kind.name,
        "amount_minor": line.amount_minor,
        "reference": line.reference.hex(),
        "bank_reference": line.bank_reference,
        "text": line.text,
    }


def _check_seal(content: bytes, raw: list[bytes]) -> None:
    trailer = _record(raw[-1], len(raw), "trailer", {"record", "sha256"})
    sealed = content[: len(content) - len(raw[-1]) - 1]
    if trailer["sha256"] != hashlib.sha256(sealed).hexdigest():
        raise StatementFileError(len(raw), "the file was altered: its sha256 does not match its content")


def _line(raw: bytes, place: int, currency: str, day: date) -> StatementLine:
    record = _record(raw, place, "line", _LINE)
    number = _integer(record, "line_number", place, 1, LINES_MAX)
    if number != place - 1:
        raise StatementFileError(place, f"line_number {number} stands where {place - 1} belongs")
    kind = record["kind"]
    if not isinstance(kind, str) or kind not in StatementLineKind.__members__:
        raise StatementFileError(place, "kind is not one of the statement line kinds")
    amount = _integer(record, "amount_minor", place, -AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)
    if amount == 0:
        raise StatementFileError(place, "amount_minor is zero")
    return StatementLine(
        line_number=number,
        natural_key=_text(record, "natural_key", place, NATURAL_KEY),
        kind=StatementLineKind[kind],
        amount_minor=amount,
        currency=currency,
        reference=bytes.fromhex(_text(record, "reference", place, _REFERENCE)),
        date=day,
        bank_reference=_text(record, "bank_reference", place, BANK_REFERENCE),
        text=_text(record, "text", place, TEXT),
    )


def _record(raw: bytes, place: int, kind: str, fields: set[str]) -> dict[str, Any]:
    if len(raw) > LINE_BYTES_MAX:
        raise StatementFileError(place, f"the line is longer than {LINE_BYTES_MAX} bytes")
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        raise StatementFileError(place, "the line is not a JSON object in UTF-8") from None
    if not isinstance(record, dict) or record.get("record") != kind:
        raise StatementFileError(place, f"the line is not a {kind} record")
    if record.keys() != fields:
        raise StatementFileError(place, f"the {kind} record does not have exactly the fields {sorted(fields)}")
    return record


def _integer(record: dict[str, Any], field: str, place: int, low: int, high: int) -> int:
    value = record[field]
    if type(value) is not int or not low <= value <= high:
        raise StatementFileError(place, f"{field} is not a whole number from {low} to {high}")
    return value


def _text(record: dict[str, Any], field: str, place: int, pattern: re.Pattern[str]) -> str:
    value = record[field]
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise StatementFileError(place, f"{field} is not a text of the form {pattern.pattern}")
    return value


def _day(record: dict[str, Any], place: int) -> date:
    try:
        return date.fromisoformat(_text(record, "statement_date", place, _DAY))
    except ValueError as wrong:
        if isinstance(wrong, StatementFileError):
            raise
        raise StatementFileError(place, "statement_date is not a day of the calendar") from None
