"""A bank with one bug: the sandbox bank behind a way that breaks one rule of the contract.

In: a bug. Out: a running server. What the suite says of it shows that the suite can see the bug.
"""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from enum import Enum

import grpc

from keelpay.api.rail.v1 import rail_service_pb2_grpc
from keelpay.api.sandbox.v1 import bank_control_pb2_grpc
from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest, OperationResult
from keelpay_server.rails.sandbox.bank import SandboxBank
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.control_servicer import ControlServicer
from keelpay_server.rails.sandbox.delivery import Delivery
from keelpay_server.rails.sandbox.lane import BankLane
from keelpay_server.rails.sandbox.servicer import RailServicer
from keelpay_server.rails.sandbox.store import BankStore

SUCCEEDED, FAILED, NOT_FOUND = OperationOutcome.SUCCEEDED, OperationOutcome.FAILED, OperationOutcome.NOT_FOUND


class Bug(Enum):
    """What is wrong, and the number of the case that must see it."""

    DOUBLES_ON_REPEAT = 3
    ACCEPTS_OTHER_BODY = 4
    REPEATS_REFUNDS = 5
    REPEATS_CAPTURES = 6
    DOUBLES_IN_FLIGHT = 7
    FORGETS_DECLINES = 8
    INVENTS_UNKNOWN_KEYS = 9
    TELLS_ANOTHER_AMOUNT = 10
    FORGETS_AFTER_SILENCE = 20
    CAPTURES_WHAT_IT_DOES_NOT_KNOW = 21
    DOES_NOT_FENCE = 22
    NEVER_DECIDES = 23
    DECIDES_AFTER_VOID = 24
    OVER_CAPTURES = 30
    REFUSES_PARTS = 31
    KEEPS_THE_REST = 32
    RACES_CAPTURES = 33
    CAPTURES_AFTER_VOID = 34
    VOIDS_WHAT_IS_TAKEN = 35
    OVER_REFUNDS = 36
    RACES_REFUNDS = 37
    REFUNDS_RESERVATIONS = 38
    TAKES_NOTHING_FOR_SOMETHING = 39
    BATCH_SHARES_ONE_FATE = 40
    BATCH_QUERY_LEAVES_OUT = 41
    TAKES_ANY_BATCH = 42
    STATES_THE_OPEN_DAY = 90
    STATEMENT_OMITS = 91


class StatementBug(Enum):
    """Ways in which a statement can be wrong; case 91 must see each."""

    DOUBLE = 1
    AMOUNT = 2
    MISSING = 3


MISSTATEMENTS = {
    StatementBug.DOUBLE: {"twice": True},
    StatementBug.AMOUNT: {"delta": 1},
    StatementBug.MISSING: {"day_shift": None},
}


# A request of this kind that failed so is said to have succeeded.
LIES = {
    Bug.CAPTURES_WHAT_IT_DOES_NOT_KNOW: (OperationKind.CAPTURE, {"ORIGINAL_NOT_FOUND"}),
    Bug.OVER_CAPTURES: (OperationKind.CAPTURE, {"AMOUNT_EXCEEDS_AUTHORIZED"}),
    Bug.RACES_CAPTURES: (OperationKind.CAPTURE, {"AMOUNT_EXCEEDS_AUTHORIZED"}),
    Bug.CAPTURES_AFTER_VOID: (OperationKind.CAPTURE, {"ALREADY_VOIDED"}),
    Bug.VOIDS_WHAT_IS_TAKEN: (OperationKind.VOID, {"ALREADY_CAPTURED"}),
    Bug.OVER_REFUNDS: (OperationKind.REFUND, {"AMOUNT_EXCEEDS_CAPTURED"}),
    Bug.RACES_REFUNDS: (OperationKind.REFUND, {"AMOUNT_EXCEEDS_CAPTURED"}),
    Bug.REFUNDS_RESERVATIONS: (OperationKind.REFUND, {"AMOUNT_EXCEEDS_CAPTURED", "ORIGINAL_NOT_FOUND"}),
    Bug.TAKES_NOTHING_FOR_SOMETHING: (OperationKind.AUTHORIZE, {"INVALID_REQUEST"}),
    Bug.DOES_NOT_FENCE: (OperationKind.AUTHORIZE, {"ALREADY_VOIDED"}),
}
# A request of this kind whose key was seen is carried out again under another key.
REPEATS = {
    Bug.DOUBLES_ON_REPEAT: OperationKind.AUTHORIZE,
    Bug.DOUBLES_IN_FLIGHT: OperationKind.AUTHORIZE,
    Bug.REPEATS_REFUNDS: OperationKind.REFUND,
    Bug.REPEATS_CAPTURES: OperationKind.CAPTURE,
}


class FaultyDelivery(Delivery):
    """The way to a bank, with one bug in it."""

    def __init__(self, lane, bug):
        super().__init__(lane)
        self.bug = bug
        self.seen: dict[bytes, OperationResult] = {}
        self.silent: set[bytes] = set()
        self.repeats = 0

    async def operate(self, requests: Sequence[OperationRequest]) -> list[OperationResult]:
        bug = self.bug
        changed = [self._change(request) for request in requests]
        heard = await super().operate(changed)
        heard = [self._lie(request, result) for request, result in zip(requests, heard, strict=False)]
        if not heard:
            self.silent |= {request.key for request in requests}
        if bug is Bug.BATCH_SHARES_ONE_FATE and any(result.outcome is not SUCCEEDED for result in heard):
            heard = [result._replace(outcome=FAILED, code="PROCESSING_ERROR") for result in heard]
        self.seen |= {result.key: result for result in heard}
        return heard

    async def query(self, keys: Sequence[bytes]) -> list[OperationResult]:
        heard = await super().query(keys)
        bug = self.bug
        if bug is Bug.INVENTS_UNKNOWN_KEYS:
            return [r._replace(outcome=FAILED) if r.outcome is NOT_FOUND else r for r in heard]
        if bug is Bug.TELLS_ANOTHER_AMOUNT:
            return [r._replace(amount_minor=r.amount_minor + 1) for r in heard]
        if bug is Bug.FORGETS_AFTER_SILENCE:
            return [OperationResult(r.key, NOT_FOUND) if r.key in self.silent else r for r in heard]
        if bug is Bug.NEVER_DECIDES:
            return [r._replace(outcome=OperationOutcome.PENDING) for r in heard]
        if bug is Bug.DECIDES_AFTER_VOID:
            return [r._replace(outcome=SUCCEEDED) for r in heard]
        if bug is Bug.BATCH_QUERY_LEAVES_OUT and len(heard) > 1:
            return [r for r in heard if r.outcome is not NOT_FOUND]
        return heard

    def _change(self, request):
        if REPEATS.get(self.bug) is request.kind and request.key in self.seen:
            self.repeats += 1
            return request._replace(key=self.repeats.to_bytes(16, "big"))
        if self.bug is Bug.FORGETS_DECLINES and request.key in self.seen:
            return request._replace(key=request.key[::-1], instrument="tok-x")
        if self.bug is Bug.KEEPS_THE_REST:
            return request._replace(final=False)
        return request

    def _lie(self, request, result):
        result = result._replace(key=request.key)
        kind, codes = LIES.get(self.bug, (None, set()))
        if request.kind is kind and result.code in codes:
            return result._replace(outcome=SUCCEEDED, code="")
        if self.bug is Bug.ACCEPTS_OTHER_BODY and result.outcome is OperationOutcome.MISMATCH:
            return self.seen[request.key]
        partial = self.bug is Bug.REFUSES_PARTS and request.kind is OperationKind.CAPTURE
        return result._replace(outcome=FAILED, code="UNSUPPORTED") if partial else result


class FaultyServicer(RailServicer):
    """Bugs that no delivery can have."""

    def __init__(self, delivery, bug):
        super().__init__(delivery)
        self._bug = bug
        if bug is Bug.TAKES_ANY_BATCH:
            self._batch_items_max = 10**9

    async def GetCapabilities(self, request, context):
        response = await super().GetCapabilities(request, context)
        response.capabilities.settle_time.FromMilliseconds(200)
        return response

    async def StreamStatement(self, request, context):
        bank: SandboxBank = self._lane.bank
        if self._bug is Bug.STATES_THE_OPEN_DAY and request.statement_date == bank.business_date.isoformat():
            bank.advance(days=1)
        async for message in super().StreamStatement(request, context):
            if self._bug is Bug.STATEMENT_OMITS and message.WhichOneof("part") == "lines":
                del message.lines.lines[-1]
            yield message


class FaultyControl(ControlServicer):
    """Closes the day after making its statement wrong."""

    def __init__(self, delivery, bug):
        super().__init__(delivery)
        self._bug = bug

    async def AdvanceTime(self, request, context):
        if request.days and isinstance(self._bug, StatementBug):
            seen = self._delivery.seen
            key = next(key for key, r in seen.items() if r.outcome is SUCCEEDED and r.value_date and r.amount_minor)
            assert self._lane.bank.misstate(key, **MISSTATEMENTS[self._bug])
        return await super().AdvanceTime(request, context)


@asynccontextmanager
async def serve_faulty(bug, clock):
    """Serves a bank with one bug and yields its address."""
    lane = BankLane(SandboxBank(BankProfile(), BankStore(), clock))
    delivery = FaultyDelivery(lane, bug)
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    rail_service_pb2_grpc.add_RailServiceServicer_to_server(FaultyServicer(delivery, bug), server)
    bank_control_pb2_grpc.add_SandboxBankControlServiceServicer_to_server(FaultyControl(delivery, bug), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
        await lane.close()
