"""Statements over the wire: cut into messages by the bank, put together and checked by us.

In: a statement, or a stream. Out: messages, or a statement. Invariant: what is put together is whole, bounded, and adds
up.
"""

from collections.abc import AsyncIterable, Iterator
from typing import Final

from keelpay.api.rail.v1 import query_request_pb2, statement_pb2
from keelpay_server.book.rail import Statement, StatementLine, StatementUnavailableError
from keelpay_server.book.statement_bounds import LINES_MAX, fault_of

from . import grpc_conversion as conversion

_LINES_A_MESSAGE: Final = 500


def statement_messages(statement: Statement) -> Iterator[query_request_pb2.StreamStatementResponse]:
    """Yields the messages of a statement."""
    yield query_request_pb2.StreamStatementResponse(
        header=statement_pb2.StatementHeader(
            bank=statement.bank,
            statement_number=statement.number,
            statement_date=statement.date.isoformat(),
            currency_code=statement.currency,
            opening_balance_minor=statement.opening_balance_minor,
        )
    )
    for start in range(0, len(statement.lines), _LINES_A_MESSAGE):
        lines = [conversion.line_message(line) for line in statement.lines[start : start + _LINES_A_MESSAGE]]
        yield query_request_pb2.StreamStatementResponse(lines=statement_pb2.StatementLines(lines=lines))
    yield query_request_pb2.StreamStatementResponse(
        trailer=statement_pb2.StatementTrailer(
            line_count=len(statement.lines), closing_balance_minor=statement.closing_balance_minor
        )
    )


async def read_statement(
    stream: AsyncIterable[query_request_pb2.StreamStatementResponse], asked: query_request_pb2.StreamStatementRequest
) -> Statement:
    """Returns the statement in a stream.

    Raises:
        StatementUnavailableError: It is cut, out of order, not the one asked for, beyond the contract's bounds, or does
            not add up.
    """
    header: statement_pb2.StatementHeader | None = None
    trailer: statement_pb2.StatementTrailer | None = None
    day = conversion.day_of(asked.statement_date)
    lines: list[StatementLine] = []
    async for message in stream:
        part = message.WhichOneof("part")
        if trailer is not None or (part == "header") != (header is None):
            raise StatementUnavailableError("the parts of the statement are out of order")
        if part == "header":
            header = message.header
        elif part == "trailer":
            trailer = message.trailer
        elif part == "lines" and day is not None:
            lines += [conversion.line_of(line, asked.currency_code, day) for line in message.lines.lines]
            if len(lines) > LINES_MAX:
                raise StatementUnavailableError(f"the statement has more than {LINES_MAX} lines")
    if header is None or trailer is None or day is None:
        raise StatementUnavailableError("the statement is cut")
    if (header.statement_date, header.currency_code) != (asked.statement_date, asked.currency_code):
        raise StatementUnavailableError("the statement is of another day or currency")
    if trailer.line_count != len(lines) or any(line.line_number != n for n, line in enumerate(lines, start=1)):
        raise StatementUnavailableError("the lines of the statement are not 1, 2, 3 ... as many as announced")
    if header.opening_balance_minor + sum(line.amount_minor for line in lines) != trailer.closing_balance_minor:
        raise StatementUnavailableError("the statement does not add up")
    statement = Statement(
        header.bank,
        header.statement_number,
        day,
        header.currency_code,
        header.opening_balance_minor,
        trailer.closing_balance_minor,
        tuple(lines),
    )
    if fault := fault_of(statement):
        raise StatementUnavailableError(f"the statement cannot be taken: {fault}")
    return statement
