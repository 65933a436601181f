# Generated from sdk/keelpay/_async/reconciliation.py by sdk/generate_sync.py: do not edit.
"""Reconciliation: our ledger, the channel's record and the bank's statement, three ways."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from keelpay._filter import conditions, member
from keelpay._names import Named, name_of
from keelpay._runtime import read_bytes
from keelpay.api.clearing.v1 import reconciliation_service_pb2
from keelpay.api.clearing.v1.reconciliation_service_pb2_grpc import ReconciliationServiceStub
from keelpay.enums import BreakKind, BreakResolution, BreakState, StatementFormat
from keelpay.models.reconciliation import Break, Statement
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager

CHUNK_BYTES: Final = 131_072


class ProposedResolution(NamedTuple):
    """A break, and the proposal that now waits for a second operator.

    Attributes:
        reconciliation_break: The break as it is now.
        proposal: `proposals/{x}`.
    """

    reconciliation_break: Break
    proposal: str


class Reconciliation:
    """What does not agree, and settling it: `client.reconciliation`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = ReconciliationServiceStub(connection.channel)

    def import_statement(
        self,
        content: bytes | Path | str,
        *,
        bank: str,
        currency_code: str,
        statement_number: str,
        format: StatementFormat = StatementFormat.CAMT_053,  # noqa: A002  (the contract's word)
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Statement:
        """Imports a bank's statement; it is stored whole or not at all.

        Args:
            content: Its bytes, or the path of its file; at most 256 MiB.
            bank: The bank, by its short name.
            currency_code: The account's currency, as inside the document.
            statement_number: The bank's own number, as inside the document.
            format: How it is written.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            InvalidArgumentError: STATEMENT_INVALID.
            AlreadyExistsError: STATEMENT_ALREADY_IMPORTED.
        """
        data = content if isinstance(content, bytes) else read_bytes(Path(content))
        header = reconciliation_service_pb2.StatementHeader(
            request_id=request_id or new_request_id(),
            bank=bank,
            currency_code=currency_code,
            statement_number=statement_number,
            format=format.wire,
            content_sha256=hashlib.sha256(data).digest(),
        )
        answer = self._connection.upload(
            self._stub.ImportStatement,
            lambda: _parts(header, data),
            request_type=reconciliation_service_pb2.ImportStatementRequest,
            request_id=header.request_id,
            timeout_s=timeout_s,
        )
        return Statement.of(answer.statement, replayed=answer.replayed)

    def statement(self, statement: str | Named, *, timeout_s: float | None = None) -> Statement:
        """Returns one statement."""
        request = reconciliation_service_pb2.GetStatementRequest(name=name_of(statement))
        answer = self._connection.unary(self._stub.GetStatement, request, timeout_s=timeout_s)
        return Statement.of(answer.statement)

    def statements(
        self,
        *,
        bank: str = "",
        statement_number: str = "",
        currency_code: str = "",
        filter: str = "",  # noqa: A002  (the contract's word)
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Statement]:
        """Lists statements, the newest first."""
        request = reconciliation_service_pb2.ListStatementsRequest(
            page_size=page_size,
            filter=conditions(filter, bank=bank, statement_number=statement_number, currency_code=currency_code),
        )
        return pager(
            self._connection,
            self._stub.ListStatements,
            request,
            lambda answer: map(Statement.of, answer.statements),
            timeout_s=timeout_s,
        )

    def run(self, statement: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Statement:
        """Matches the lines of a statement with our entries; run again, it does only what is left."""
        request = reconciliation_service_pb2.RunReconciliationRequest(
            statement=name_of(statement), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.RunReconciliation, request, timeout_s=timeout_s)
        return Statement.of(answer.statement, replayed=answer.replayed)

    def breaks(
        self,
        *,
        state: BreakState | str | None = None,
        kind: BreakKind | str | None = None,
        bank: str = "",
        statement: str | Named = "",
        resource: str | Named = "",
        since: datetime | None = None,
        until: datetime | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Break]:
        """Lists breaks, by default the open ones, the oldest first."""
        request = reconciliation_service_pb2.ListBreaksRequest(
            page_size=page_size,
            filter=conditions(
                since=since,
                until=until,
                state=member(BreakState, state),
                kind=member(BreakKind, kind),
                bank=bank,
                statement=name_of(statement),
                resource=name_of(resource),
            ),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListBreaks,
            request,
            lambda answer: map(Break.of, answer.breaks),
            timeout_s=timeout_s,
        )

    def resolve_break(
        self,
        reconciliation_break: str | Break,
        *,
        resolution: BreakResolution,
        comment: str,
        resource: str | Named = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> ProposedResolution:
        """Proposes how to settle a break; a second operator decides.

        Args:
            reconciliation_break: Which. A `Break` only if it is still as it was read; a name anyway.
            resolution: How to settle it.
            comment: Why, 1 to 1,000 characters; no personal data.
            resource: The merchant of CREDIT_MERCHANT, or the break whose claim MATCH says is paid.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: ILLEGAL_TRANSITION, OPERATION_UNRESOLVED.
        """
        version = reconciliation_break.state_version if isinstance(reconciliation_break, Break) else 0
        request = reconciliation_service_pb2.ResolveBreakRequest(
            name=name_of(reconciliation_break),
            request_id=request_id or new_request_id(),
            state_version=version,
            resolution=resolution.wire,
            resource=name_of(resource),
            comment=comment,
        )
        answer = self._connection.unary(self._stub.ResolveBreak, request, timeout_s=timeout_s)
        resolved = Break.of(answer.reconciliation_break, replayed=answer.replayed)
        return ProposedResolution(resolved, answer.proposal)


def _parts(
    header: reconciliation_service_pb2.StatementHeader, data: bytes
) -> Iterator[reconciliation_service_pb2.ImportStatementRequest]:
    """The header, then the bytes in order."""
    yield reconciliation_service_pb2.ImportStatementRequest(header=header)
    for start in range(0, len(data), CHUNK_BYTES):
        yield reconciliation_service_pb2.ImportStatementRequest(chunk=data[start : start + CHUNK_BYTES])
