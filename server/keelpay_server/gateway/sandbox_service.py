"""SandboxService on the wire: time, faults and things that happen outside, for tests. Registered in test mode only.

In: validated requests of partners and operators. Out: moved clocks, ordered banks, results recorded as any other.
Invariant: nothing here changes money or resources by itself; a bank does, and what it did is recorded as its result.
"""

import asyncio
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from keelpay.api.sandbox.v1 import clock_pb2, sandbox_service_pb2, sandbox_service_pb2_grpc
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import SIZE_DEFAULT, Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, refuse_transition
from keelpay_server.book.request import identify
from keelpay_server.book.sandbox_bank import SandboxBank, SandboxEntry
from keelpay_server.book.wire_render import stamp
from keelpay_server.clearing.payout import KIND as PAYOUT_KIND
from keelpay_server.clearing.payout import Payout

from .names import parse_child
from .operation import Operation
from .operation import OperationKind as Kind
from .payment import KIND as PAYMENT_KIND
from .payment import Payment
from .refund import KIND as REFUND_KIND
from .refund import Refund
from .sandbox_scenario import (
    CLOCK,
    KIND,
    STEP_US_MAX,
    TRIGGERS,
    AdvanceClock,
    CreateScenario,
    RecordEntry,
    RecordTrigger,
    Reset,
    SandboxClock,
    Scenario,
)
from .sandbox_scenario_render import read_scenario, render_scenario

ENTRY_ID_BYTES: Final = 16
_OPERATIONS_READ: Final = 100
_SUBJECTS: Final[dict[str, tuple[type[Payment | Payout | Refund], str, Kind]]] = {
    "payments": (Payment, PAYMENT_KIND, Kind.AUTHORIZE),
    "payouts": (Payout, PAYOUT_KIND, Kind.PAY),
    "refunds": (Refund, REFUND_KIND, Kind.REFUND),
}
"""What a trigger can happen to, by collection: the noun, its kind of id, the operation that is decided."""


class SandboxService(sandbox_service_pb2_grpc.SandboxServiceServicer):
    """The levers of a test installation (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        banks: The sandbox banks, by the name that operations carry.
    """

    def __init__(self, engine: Engine, pager: Pager, banks: Mapping[str, SandboxBank]) -> None:
        self._engine, self._reader, self._pager, self._banks = engine, engine.reader, pager, banks
        self._moving = asyncio.Lock()

    async def GetClock(
        self, request: sandbox_service_pb2.GetClockRequest, context: object
    ) -> sandbox_service_pb2.GetClockResponse:
        """See the contract."""
        return sandbox_service_pb2.GetClockResponse(clock=await self._clock())

    async def AdvanceClock(
        self, request: sandbox_service_pb2.AdvanceClockRequest, context: object
    ) -> sandbox_service_pb2.AdvanceClockResponse:
        """See the contract."""
        call = current()
        target = request.WhichOneof("target")
        step_us = request.step.ToMicroseconds() if target == "step" else 0
        if target is None or (target == "step" and not 0 < step_us <= STEP_US_MAX):
            invalid("step", "must be 1 microsecond to 400 days, where there is no `until`")
        command = AdvanceClock(
            request=identify(call, request, CLOCK), caller=call.caller, deadline_us=call.deadline_us,
            step_us=step_us, until_us=request.until.ToMicroseconds() if target == "until" else 0,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        await self._move()
        return sandbox_service_pb2.AdvanceClockResponse(clock=await self._clock(), replayed=outcome.replayed)

    async def CreateScenario(
        self, request: sandbox_service_pb2.CreateScenarioRequest, context: object
    ) -> sandbox_service_pb2.CreateScenarioResponse:
        """See the contract."""
        call = current()
        draft = read_scenario(request.scenario)
        bank = self._banks.get(draft.bank)
        verdict = None
        if bank is None:
            verdict = Reason.RESOURCE_NOT_FOUND
        elif not await bank.can(draft.order()):
            verdict = Reason.UNSUPPORTED_BY_RAIL
        command = CreateScenario(
            request=identify(call, request, draft.bank), caller=call.caller, deadline_us=call.deadline_us,
            scenario=draft, verdict=verdict,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Scenario, outcome)
        left = 0
        if bank is not None:
            await bank.order(row.order())
            left = (await bank.remaining()).get(row.id, 0)
        return sandbox_service_pb2.CreateScenarioResponse(
            scenario=render_scenario(row, left), replayed=outcome.replayed
        )

    async def ListScenarios(
        self, request: sandbox_service_pb2.ListScenariosRequest, context: object
    ) -> sandbox_service_pb2.ListScenariosResponse:
        """See the contract. Scenarios take effect in the order they were made, which is that of their ids."""
        left: dict[bytes, int] = {}
        for name, bank in self._banks.items():
            if request.bank in {"", name}:
                left |= await bank.remaining()
        scope = f"{current().method}\n{request.bank}"
        page = self._pager.page(scope, request.page_size or SIZE_DEFAULT, request.page_token, descending=False)
        rows = await self._reader.find(Scenario, {"id": sorted(left)}, page) if left else []
        return sandbox_service_pb2.ListScenariosResponse(
            scenarios=[render_scenario(row, left[row.id]) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def TriggerEvent(
        self, request: sandbox_service_pb2.TriggerEventRequest, context: object
    ) -> sandbox_service_pb2.TriggerEventResponse:
        """See the contract."""
        call = current()
        trigger, identity = TRIGGERS[request.trigger], identify(call, request, request.resource)
        # A repeat decides nothing: the last operation may be another one by now.
        if await self._engine.repeated(identity) is not None:
            return sandbox_service_pb2.TriggerEventResponse(replayed=True)
        operation = await self._operation(request.resource, trigger.collection, trigger.name)
        bank = self._banks.get(operation.bank)
        told = None if bank is None else await bank.decide(operation.id, trigger.outcome, trigger.code)
        command = RecordTrigger(
            request=identity, caller=call.caller, deadline_us=call.deadline_us,
            result=told or OperationResult(operation.id, OperationOutcome.UNKNOWN), happened=told is not None,
            trigger=trigger.name,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        return sandbox_service_pb2.TriggerEventResponse(replayed=outcome.replayed)

    async def PostBankEntry(
        self, request: sandbox_service_pb2.PostBankEntryRequest, context: object
    ) -> sandbox_service_pb2.PostBankEntryResponse:
        """See the contract."""
        call = current()
        identity = identify(call, request, request.bank)
        # The bank first, under an id made of the request's: where it does not answer, a repeat books it once.
        entry = SandboxEntry(
            blake2b(identity.key, digest_size=ENTRY_ID_BYTES).digest(), request.kind, request.amount_minor,
            request.currency_code, request.text,
        )  # fmt: skip
        bank = self._banks.get(request.bank)
        verdict = None
        if bank is None:
            verdict = Reason.RESOURCE_NOT_FOUND
        elif not await bank.post(entry):
            verdict = Reason.UNSUPPORTED_BY_RAIL
        command = RecordEntry(request=identity, caller=call.caller, deadline_us=call.deadline_us, verdict=verdict)
        outcome = await self._engine.execute(command)
        return sandbox_service_pb2.PostBankEntryResponse(replayed=outcome.replayed)

    async def Reset(
        self, request: sandbox_service_pb2.ResetRequest, context: object
    ) -> sandbox_service_pb2.ResetResponse:
        """See the contract."""
        call = current()
        identity = identify(call, request, KIND)
        # The banks first: where one does not answer nothing is remembered, and a repeat of the request does it.
        if await self._engine.repeated(identity) is None:
            for bank in self._banks.values():
                await bank.reset()
        command = Reset(request=identity, caller=call.caller, deadline_us=call.deadline_us)
        outcome = await self._engine.execute(command)
        return sandbox_service_pb2.ResetResponse(replayed=outcome.replayed)

    async def _clock(self) -> clock_pb2.Clock:
        row = await self._reader.get(SandboxClock, CLOCK)
        wall_us = self._engine.wall()
        return clock_pb2.Clock(
            business_time=stamp(await self._business_us(wall_us)), wall_time=stamp(wall_us),
            state_version=row.state_version if row is not None else 0,
        )  # fmt: skip

    async def _business_us(self, wall_us: int) -> int:
        book = await self._reader.book()
        return max(book.business_us, wall_us + book.offset_us)

    async def _move(self) -> None:
        """Moves the clocks to where they are to be; the banks' first: what falls due there is decided before we ask."""
        async with self._moving:
            row = await self._reader.get(SandboxClock, CLOCK)
            target = row.target if row is not None else 0
            for bank in self._banks.values():
                await bank.advance_to(target)
            missing_us = target - await self._business_us(self._engine.wall())
            if missing_us > 0:
                await self._engine.store.advance(missing_us)
        self._engine.worker.nudge()

    async def _operation(self, resource: str, collection: str, trigger: str) -> Operation:
        """Returns the operation that a trigger decides: the last of its kind.

        Raises:
            Refused: RESOURCE_NOT_FOUND, NOT_OWNER; ILLEGAL_TRANSITION where there is none.
        """
        found = resource.split("/")[2]
        entity, kind, wanted = _SUBJECTS[found]
        merchant, key = parse_child(resource, found, kind, "resource")
        await owned_merchant(self._reader, current().caller, merchant)
        row = await self._reader.get(entity, key)
        if row is None or row.merchant != merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=found)
        operations = await self._reader.find(Operation, {"subject": key}, Page(_OPERATIONS_READ))
        fitting = [operation for operation in operations if operation.kind == wanted]
        if not fitting or found != collection:
            refuse_transition(found.removesuffix("s"), "its state", trigger)
        return max(fitting, key=lambda operation: operation.number)
