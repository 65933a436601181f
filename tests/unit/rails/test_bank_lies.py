"""Laws of what is taken from a bank's wire: nothing beyond the contract's bounds gets into our books."""

from datetime import date

import pytest

from keelpay.api.rail.v1 import operation_pb2, query_request_pb2, statement_pb2
from keelpay_server.book.rail import (
    OperationOutcome,
    Statement,
    StatementLine,
    StatementLineKind,
    StatementUnavailableError,
)
from keelpay_server.book.statement_bounds import AMOUNT_MINOR_MAX
from keelpay_server.rails import grpc_conversion as conversion
from keelpay_server.rails.grpc_statement import read_statement, statement_messages

DAY = date(2026, 1, 2)
ASKED = query_request_pb2.StreamStatementRequest(statement_date=DAY.isoformat(), currency_code="CNY")
KEY = bytes(16)


def line(number=1, **changes):
    facts = {"natural_key": f"n{number}", "amount_minor": 5, "reference": KEY, "bank_reference": "r", "text": "t"}
    facts |= changes
    return StatementLine(
        line_number=number, kind=StatementLineKind.CAPTURE_SETTLEMENT, currency="CNY", date=DAY, **facts
    )


def statement(*lines, number=1, opening=0):
    return Statement("bank", number, DAY, "CNY", opening, opening + sum(each.amount_minor for each in lines), lines)


async def read(told):
    async def stream():
        for message in statement_messages(told):
            yield message

    return await read_statement(stream(), ASKED)


async def test_a_statement_within_the_bounds_is_read_as_it_was_sent():
    told = statement(line(), line(2, amount_minor=-AMOUNT_MINOR_MAX, reference=b""), opening=AMOUNT_MINOR_MAX)
    assert await read(told) == told


@pytest.mark.parametrize(
    "told",
    [
        statement(line(amount_minor=0)),
        statement(line(amount_minor=2**62)),
        statement(line(amount_minor=-(2**62))),
        statement(line(), opening=2**62),
        statement(line(), number=0),
        statement(line(), number=2**40),
        statement(line(natural_key="")),
        statement(line(natural_key="k" * 81)),
        statement(line(natural_key="a\0b")),
        statement(line(natural_key="same"), line(2, natural_key="same")),
        statement(line(reference=b"short")),
        statement(line(reference=bytes(17))),
        statement(line(bank_reference="r" * 65)),
        statement(line(text="t" * 141)),
        statement(line(text="a\0b")),
    ],
)
async def test_a_statement_beyond_the_bounds_is_not_taken(told):
    with pytest.raises(StatementUnavailableError):
        await read(told)


async def test_a_statement_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("keelpay_server.rails.grpc_statement.LINES_MAX", 10)
    sent = 0

    async def stream():
        nonlocal sent
        yield query_request_pb2.StreamStatementResponse(
            header=statement_pb2.StatementHeader(
                bank="bank", statement_number=1, statement_date=DAY.isoformat(), currency_code="CNY"
            )
        )
        while True:
            sent += 1
            assert sent < 100
            lines = statement_pb2.StatementLines(lines=[conversion.line_message(line(sent))])
            yield query_request_pb2.StreamStatementResponse(lines=lines)

    with pytest.raises(StatementUnavailableError):
        await read_statement(stream(), ASKED)


@pytest.mark.parametrize("field", ["cost_minor", "amount_minor"])
@pytest.mark.parametrize("value", [-1, AMOUNT_MINOR_MAX + 1, 2**63 - 1])
def test_a_result_with_an_impossible_amount_is_no_answer(field, value):
    message = operation_pb2.OperationResult(key=KEY, outcome=operation_pb2.OUTCOME_SUCCEEDED, **{field: value})
    result = conversion.result_of(message, 0)
    assert (result.outcome, result.cost_minor) == (OperationOutcome.UNKNOWN, 0)


def test_what_a_bank_says_is_kept_without_what_nobody_can_see():
    message = operation_pb2.OperationResult(
        key=KEY, outcome=operation_pb2.OUTCOME_SUCCEEDED, bank_reference="a\0b\u202e", detail="c\0d\ne\u200b"
    )
    result = conversion.result_of(message, 0)
    assert (result.bank_reference, result.detail) == ("ab", "cd e")


@pytest.mark.parametrize(
    "uri",
    [
        "https://bank.example/3ds?a=1",
        "HTTPS://QR.BANK.EXAMPLE/FKX",
        "alipays://platformapi/startapp",
        "weixin://wap/pay",
    ],
)
def test_a_bank_sends_the_payer_to_an_https_address_or_an_app(uri):
    assert challenged(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "http://bank.example/", "HTTP://BANK.EXAMPLE/", "javascript://bank.example/%0aalert(1)", "JavaScript://x/",
        "javascript:alert(1)", "data:text/html,x", "//bank.example/", "https://bank.example/ x",
        "https://bank.example/\u202egpj", "bank", "https://bank.example/" + "x" * 2048,
    ],
    ids=ascii,
)  # fmt: skip
def test_an_address_that_is_neither_is_none(uri):
    assert challenged(uri) == ""


def challenged(uri):
    challenge = operation_pb2.Challenge(kind=operation_pb2.CHALLENGE_KIND_REDIRECT, uri=uri)
    message = operation_pb2.OperationResult(key=KEY, outcome=operation_pb2.OUTCOME_PENDING, challenge=challenge)
    return conversion.result_of(message, 0).challenge_uri
