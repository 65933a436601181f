"""ReconciliationService on the wire: statements come in, breaks come out and are settled by two people.

In: validated requests of authenticated callers. Out: statements and breaks. Invariant: a statement is imported whole or
not at all; a bank sees only its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256
from typing import Final

from keelpay.api.clearing.v1 import reconciliation_service_pb2 as contract
from keelpay.api.clearing.v1 import reconciliation_service_pb2_grpc, statement_pb2
from keelpay_server.book import rail
from keelpay_server.book.call import Call, current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, parse_order, text_of, time_of
from keelpay_server.book.ids import parse
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify

from . import names
from .bank_statement import BankLine, LineState, Statement, StatementState
from .break_commands import ProposeResolution, given_up_from
from .disagreement import UNSETTLED, BreakKind, BreakState, Disagreement, Resolution
from .reconciliation_render import render_break, render_statement
from .reconciling import Reconciling
from .statement_commands import BeginStatement, ImportLines

StatementParser = Callable[[bytes, str], rail.Statement]
"""Reads a whole file of a bank, given by its short name; raises ValueError, with the line's number as `line`, where it
is not a whole statement."""
BYTES_MAX: Final = 256 * 1024 * 1024
PORTION: Final = 500
_STATEMENT_FILTERS: Final[dict[str, Meaning]] = {
    "bank": text_of("bank"), "statement_number": text_of("number"), "currency_code": text_of("currency"),
    "to_time": time_of("to_time"),
}  # fmt: skip
_BREAK_FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", BreakState), "kind": one_of("kind", BreakKind), "bank": text_of("bank"),
    "statement": lambda name: ("statement", names.key_of("statements", name, "filter")),
    "resource": lambda name: ("subject", _subject(name)), "create_time": time_of("create_time"),
}  # fmt: skip


class ReconciliationService(reconciliation_service_pb2_grpc.ReconciliationServiceServicer):
    """Reconciliation (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        reconciling: Compares statements with our records.
        parsers: How to read each StatementFormat.
    """

    def __init__(
        self, engine: Engine, pager: Pager, reconciling: Reconciling, parsers: Mapping[int, StatementParser]
    ) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._reconciling, self._parsers = reconciling, parsers

    async def ImportStatement(
        self, request_iterator: AsyncIterator[contract.ImportStatementRequest], context: object
    ) -> contract.ImportStatementResponse:
        """See the contract."""
        call = current()
        header, content = await _received(request_iterator)
        _own_bank(call.caller, header.bank)
        statement, replayed = await self._import(call, header, await self._parsed(header, content))
        return contract.ImportStatementResponse(statement=await self._whole(statement), replayed=replayed)

    async def GetStatement(
        self, request: contract.GetStatementRequest, context: object
    ) -> contract.GetStatementResponse:
        """See the contract."""
        row = await self._reader.get(Statement, names.key_of("statements", request.name))
        if row is None or row.state != StatementState.IMPORTED:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="statement")
        _own_bank(current().caller, row.bank)
        return contract.GetStatementResponse(statement=await self._whole(row))

    async def ListStatements(
        self, request: contract.ListStatementsRequest, context: object
    ) -> contract.ListStatementsResponse:
        """See the contract."""
        caller = current().caller
        wanted = parse_filter(request.filter, _STATEMENT_FILTERS)
        wanted["state"] = StatementState.IMPORTED
        if caller.kind == CallerKind.BANK:
            _own_bank(caller, str(wanted.setdefault("bank", caller.subject)))
        scope = f"statements {caller.actor} {request.filter}"
        page = self._pager.page(scope, request.page_size, request.page_token)
        rows = await self._reader.find(Statement, wanted, page)
        return contract.ListStatementsResponse(
            statements=[await self._whole(row) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def RunReconciliation(
        self, request: contract.RunReconciliationRequest, context: object
    ) -> contract.RunReconciliationResponse:
        """See the contract."""
        call = current()
        key = names.key_of("statements", request.statement, "statement")
        asked = identify(call, request, request.statement)
        if (repeated := await self._engine.repeated(asked)) is not None:
            row = await self._engine.answer(Statement, repeated)
            return contract.RunReconciliationResponse(statement=await self._whole(row), replayed=True)
        reconciled = await self._reconciling.reconcile(key, asked)
        if reconciled is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="statement")
        return contract.RunReconciliationResponse(statement=await self._whole(reconciled))

    async def ListBreaks(self, request: contract.ListBreaksRequest, context: object) -> contract.ListBreaksResponse:
        """See the contract."""
        wanted = parse_filter(request.filter or "state = OPEN", _BREAK_FILTERS)
        _, descending = parse_order(request.order_by, {"create_time": "id"}, "create_time")
        scope = f"breaks {request.filter} {request.order_by}"
        page = self._pager.page(scope, request.page_size, request.page_token, descending=descending)
        rows = await self._reader.find(Disagreement, wanted, page)
        now = await self._business_us()
        return contract.ListBreaksResponse(
            breaks=[render_break(row, now) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def ResolveBreak(
        self, request: contract.ResolveBreakRequest, context: object
    ) -> contract.ResolveBreakResponse:
        """See the contract."""
        call = current()
        merchant, claim = "", None
        if request.resource.startswith("merchants/"):
            merchant = names.merchant_of(request.resource, "resource")
        elif request.resource:
            claim = names.key_of("breaks", request.resource, "resource")
        key = names.key_of("breaks", request.name)
        command = ProposeResolution(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            disagreement=key, state_version=request.state_version, resolution=Resolution(request.resolution),
            merchant=merchant, claim=claim, comment=request.comment, statement=await self._lacking(key),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Disagreement, outcome)
        return contract.ResolveBreakResponse(
            reconciliation_break=render_break(row, await self._business_us()),
            proposal=names.name_of("proposals", row.proposal), replayed=outcome.replayed,
        )  # fmt: skip

    async def _lacking(self, key: bytes) -> bytes | None:
        """Returns a statement that is late enough to tell that a break's operation of unknown outcome never happened.

        It may be read outside the book's lane: a statement that is here whole never changes.
        """
        row = await self._reader.get(Disagreement, key)
        if row is None or row.kind != BreakKind.OPERATION_UNKNOWN:
            return None
        late = {
            "bank": row.bank, "currency": row.currency, "state": StatementState.IMPORTED,
            "from_time__ge": given_up_from(row),
        }  # fmt: skip
        found = await self._reader.find(Statement, late, Page(1))
        return found[0].id if found else None

    async def _parsed(self, header: contract.StatementHeader, content: bytes) -> rail.Statement:
        """Returns the statement in the bytes.

        Raises:
            Refused: STATEMENT_INVALID, with the line where one is at fault.
        """
        if sha256(content).digest() != header.content_sha256:
            raise Refused(Reason.STATEMENT_INVALID, "the bytes are not those whose SHA-256 was announced")
        try:
            parsed = await asyncio.to_thread(self._parsers[header.format], content, header.bank)
        except ValueError as error:
            raise Refused(Reason.STATEMENT_INVALID, str(error), line=str(getattr(error, "line", 0))) from error
        told = (header.bank, header.currency_code, header.statement_number)
        if told != (parsed.bank, parsed.currency, str(parsed.number)):
            raise Refused(Reason.STATEMENT_INVALID, "bank, currency or number are not those inside the document")
        return parsed

    async def _import(
        self, call: Call, header: contract.StatementHeader, parsed: rail.Statement
    ) -> tuple[Statement, bool]:
        begun = BeginStatement(
            request=identify(call, header, f"banks/{header.bank}"), caller=call.caller, deadline_us=call.deadline_us,
            parsed=parsed, number=header.statement_number, format=header.format, sha256=header.content_sha256,
        )  # fmt: skip
        outcome = await self._engine.execute(begun)
        statement = await self._engine.answer(Statement, outcome)
        while statement.imported_count < statement.line_count:
            lines = parsed.lines[statement.imported_count : statement.imported_count + PORTION]
            stored = await self._engine.execute(ImportLines(statement=statement.id, lines=lines, caller=call.caller))
            statement = await self._engine.answer(Statement, stored)
        return statement, outcome.replayed

    async def _whole(self, row: Statement) -> statement_pb2.Statement:
        matched = await self._reader.count(BankLine, {"statement": row.id, "state": LineState.MATCHED})
        unsettled = await self._reader.count(Disagreement, {"statement": row.id, "state": sorted(UNSETTLED)})
        return render_statement(row, matched, unsettled)

    async def _business_us(self) -> int:
        book = await self._reader.book()
        return max(book.business_us, self._engine.wall() + book.offset_us)


async def _received(
    parts: AsyncIterator[contract.ImportStatementRequest],
) -> tuple[contract.StatementHeader, bytes]:
    """Returns the header and all bytes after it.

    Raises:
        Refused: FIELD_INVALID, STATEMENT_INVALID.
    """
    header: contract.StatementHeader | None = None
    content = bytearray()
    async for part in parts:
        if part.WhichOneof("part") == "header":
            if header is not None:
                invalid("header", "it comes once")
            header = part.header
        elif header is None:
            invalid("header", "it comes first")
        else:
            content += part.chunk
            if len(content) > BYTES_MAX:
                raise Refused(Reason.STATEMENT_INVALID, f"a statement has at most {BYTES_MAX} bytes")
    if header is None:
        invalid("header", "it comes first")
    return header, bytes(content)


def _own_bank(caller: Caller, bank: str) -> None:
    """Lets only the bank itself or an operator pass.

    Raises:
        Refused: NOT_OWNER.
    """
    if caller.kind == CallerKind.BANK and caller.subject != bank:
        raise Refused(Reason.NOT_OWNER)


def _subject(name: str) -> bytes:
    """Returns the key of a payment, refund or payout from its name."""
    last = name.rpartition("/")[2]
    return parse(last.partition("-")[0], last, "filter")
