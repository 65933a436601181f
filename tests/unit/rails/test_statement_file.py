"""A statement file parses only if it is whole, unaltered and adds up."""

import hashlib
import json
from datetime import date

import pytest

from keelpay_server.book.rail import Statement, StatementLine, StatementLineKind
from keelpay_server.book.statement_file import LINE_BYTES_MAX, StatementFileError, parse_statement, render_statement

DAY = date(2026, 3, 1)


def make(*amounts, opening=1000):
    lines = tuple(
        StatementLine(
            n, f"key-{n}", StatementLineKind.REFUND, amount, "CNY", bytes([n]) * 16, DAY, f"R{n}", "退款 Café"
        )
        for n, amount in enumerate(amounts, start=1)
    )
    return Statement("sandbox-card", 7, DAY, "CNY", opening, opening + sum(amounts), lines)


def reseal(records):
    body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return body + json.dumps({"record": "trailer", "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


def records_of(statement):
    return [json.loads(line) for line in render_statement(statement).splitlines()[:-1]]


@pytest.mark.parametrize("statement", [make(), make(5), make(5, -10, 10**17 - 1000, opening=0)])
def test_a_rendered_statement_parses_to_itself(statement):
    assert parse_statement(render_statement(statement)) == statement
    assert render_statement(parse_statement(render_statement(statement))) == render_statement(statement)


def test_every_cut_is_noticed():
    content = render_statement(make(5, -10))
    for end in range(len(content)):
        with pytest.raises(StatementFileError):
            parse_statement(content[:end])


def test_every_changed_byte_is_noticed():
    content = render_statement(make(5, -10))
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1
        with pytest.raises(StatementFileError):
            parse_statement(bytes(altered))


@pytest.mark.parametrize(
    "place,change,words",
    [
        (0, {"format": "mt940"}, "format"),
        (0, {"statement_date": "2026-02-30"}, "calendar"),
        (0, {"bank": "Sandbox Card"}, "bank"),
        (0, {"opening_balance_minor": 1000.0}, "opening_balance_minor"),
        (0, {"opening_balance_minor": True}, "opening_balance_minor"),
        (0, {"closing_balance_minor": 996}, "add up"),
        (0, {"line_count": 3}, "announced"),
        (0, {"surplus": 1}, "exactly the fields"),
        (1, {"line_number": 2}, "line_number 2 stands where 1 belongs"),
        (1, {"kind": "GIFT"}, "kind"),
        (1, {"kind": ["REFUND"]}, "kind"),
        (1, {"amount_minor": 0}, "zero"),
        (1, {"amount_minor": 10**18}, "amount_minor"),
        (1, {"reference": "00"}, "reference"),
        (1, {"natural_key": ""}, "natural_key"),
        (1, {"natural_key": "key-2"}, "one natural key"),
        (1, {"text": "x" * LINE_BYTES_MAX}, "longer than"),
        (1, {"record": "header"}, "not a line record"),
    ],
)
def test_a_sealed_file_that_makes_no_sense_says_why(place, change, words):
    records = records_of(make(5, -10))
    records[place] |= change
    with pytest.raises(StatementFileError, match=words):
        parse_statement(reseal(records))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b":20:START\n:25:ACCOUNT\n", b"<Document/>\n", b"[" * 4000 + b"\n", b"\xff\xfe\n", b"{}\n", b"null\n"],
)
def test_a_foreign_file_is_refused_on_its_first_line(content):
    with pytest.raises(StatementFileError) as refused:
        parse_statement(content)
    assert refused.value.line in {0, 1}


@pytest.mark.parametrize("field", ["natural_key", "bank_reference", "text"])
@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_a_text_that_no_database_can_store_is_refused_by_its_line(field, word):
    header, line = records_of(make(5))
    with pytest.raises(StatementFileError) as refused:
        parse_statement(reseal([header, line | {field: word}]))
    assert refused.value.line == 2
