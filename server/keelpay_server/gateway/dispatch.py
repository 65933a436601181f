"""Dispatch: carries operations to their rails and brings the answers back as commands.

In: due work of kind "operation". Out: calls of the connector port, results as RecordOperation.
Invariant: no transaction is open while a bank is asked; an operation whose first sender may have died is asked about
with its key, never sent blindly, and is given up where it must not be sent again only once it cannot happen any more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.rail import OperationKind as RailKind
from keelpay_server.book.rail import OperationOutcome, OperationRequest, OperationResult, Rail
from keelpay_server.book.worker import Look

from .operation import SEND, UNRESOLVED, Operation, OperationKind
from .payment import KIND as PAYMENT
from .payment import Payment
from .result import NEVER_ARRIVED, VOIDED, RecordOperation

UNREACHABLE = "RAIL_UNAVAILABLE"


class Dispatcher:
    """Sends and asks.

    Args:
        engine: Where results are recorded.
        rails: The connectors, by the name that operations carry.
    """

    def __init__(self, engine: Engine, rails: Mapping[str, Rail]) -> None:
        self._engine, self._rails = engine, rails

    async def handle(self, tasks: list[Work], look: Look) -> None:
        """Handles due operations: fresh ones of this process are sent, all others are asked about."""
        fresh: defaultdict[str, list[Operation]] = defaultdict(list)
        asked: defaultdict[str, list[Operation]] = defaultdict(list)
        for task in tasks:
            handed_over = look(Operation, task.subject)
            operation = handed_over or await self._engine.reader.get(Operation, task.subject)
            if operation is None:
                continue
            mine = handed_over is not None and task.attempt == SEND
            (fresh if mine and operation.state in UNRESOLVED else asked)[operation.bank].append(operation)
        await asyncio.gather(
            *(self._send(bank, operations) for bank, operations in fresh.items()),
            *(self._ask(bank, operations) for bank, operations in asked.items()),
        )

    async def ask_now(self, operation: Operation) -> None:
        """Asks about one operation at once, as SyncPayment does."""
        await self._ask(operation.bank, [operation])

    async def _send(self, bank: str, operations: list[Operation]) -> None:
        rail = self._rails.get(bank)
        if rail is None:
            await self._record(OperationResult(o.id, OperationOutcome.UNKNOWN, UNREACHABLE) for o in operations)
            return
        authorizations = [_request(o) for o in operations if o.kind == OperationKind.AUTHORIZE]
        singles = [o for o in operations if o.kind != OperationKind.AUTHORIZE]
        await asyncio.gather(self._authorize(rail, authorizations), *(self._single(rail, o) for o in singles))

    async def _authorize(self, rail: Rail, requests: list[OperationRequest]) -> None:
        if requests:
            async for results in rail.authorize_many(requests):
                await self._record(results)

    async def _single(self, rail: Rail, operation: Operation) -> None:
        send = {
            OperationKind.CAPTURE: rail.capture,
            OperationKind.VOID: rail.void,
            OperationKind.REFUND: rail.refund,
            OperationKind.PAY: rail.pay,
        }[OperationKind(operation.kind)]
        await self._record([await send(_request(operation))])

    async def _ask(self, bank: str, operations: list[Operation]) -> None:
        rail = self._rails.get(bank)
        if rail is None:
            await self._record(OperationResult(o.id, OperationOutcome.UNKNOWN, UNREACHABLE) for o in operations)
            return
        unwanted = [operation for operation in operations if await self._unwanted(operation)]
        proven = await asyncio.gather(*(self._void(rail, operation) for operation in unwanted))
        voided = {operation.id for operation, void in zip(unwanted, proven, strict=True) if void}
        if voided:
            await self._record(OperationResult(key, OperationOutcome.FAILED, VOIDED) for key in voided)
        if left := {operation.id: operation for operation in operations if operation.id not in voided}:
            answers = await rail.query_many(list(left))
            await self._record([await self._fenced(rail, left.get(answer.key), answer) for answer in answers])

    async def _fenced(self, rail: Rail, operation: Operation | None, answer: OperationResult) -> OperationResult:
        """Has a bank refuse an authorization for ever that it does not know and must not be sent again: it has failed.

        Any other answer stays as it is.
        """
        if operation is None or answer.outcome is not OperationOutcome.NOT_FOUND:
            return answer
        bank = await self._engine.reader.get(Bank, operation.bank)
        if bank is None or bank.idempotent or operation.kind != OperationKind.AUTHORIZE:
            return answer
        if self._engine.wall() - operation.create_time < bank.settle_time_us or not await self._void(rail, operation):
            return answer
        return answer._replace(outcome=OperationOutcome.FAILED, code=NEVER_ARRIVED)

    async def _unwanted(self, operation: Operation) -> bool:
        """Tells whether it is an authorization under way whose payment was called off meanwhile."""
        unresolved = operation.kind == OperationKind.AUTHORIZE and operation.state in UNRESOLVED
        if not unresolved or operation.subject_kind != PAYMENT:
            return False
        payment = await self._engine.reader.get(Payment, operation.subject)
        return payment is not None and payment.operation == operation.id and payment.cancel_requested

    async def _void(self, rail: Rail, operation: Operation) -> bool:
        """Has a bank give up an authorization, known to it or not; tells whether that is proven.

        The void is a step of the same operation: its key says which, so that the bank carries each out once.
        """
        key = blake2b(operation.id + operation.queries.to_bytes(4, "big"), digest_size=16, person=b"void").digest()
        request = _request(operation)._replace(
            key=key, kind=RailKind.VOID, amount_minor=0, currency="", original_key=operation.id, capture=False
        )
        return (await rail.void(request)).outcome is OperationOutcome.SUCCEEDED

    async def _record(self, results: Iterable[OperationResult]) -> None:
        await self._engine.execute_many([RecordOperation(result=result) for result in results])


def _request(operation: Operation) -> OperationRequest:
    """Returns what the rail is asked, in the port's words."""
    return OperationRequest(
        key=operation.id,
        kind=RailKind(operation.kind),
        amount_minor=operation.amount,
        currency=operation.currency if operation.kind != OperationKind.VOID else "",
        instrument=operation.token,
        descriptor=operation.descriptor,
        payment=f"{operation.subject_kind}-{operation.subject.hex()}",
        original_key=operation.original or b"",
        capture=operation.capture,
        final=operation.final,
        return_uri=operation.return_uri,
    )
