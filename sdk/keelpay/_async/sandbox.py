"""The sandbox: time, faults, and things that happen outside. Served by test installations only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from keelpay._names import Named, name_of
from keelpay._times import to_duration, to_timestamp
from keelpay.api.sandbox.v1 import bank_control_pb2, sandbox_service_pb2, scenario_pb2
from keelpay.api.sandbox.v1.bank_control_pb2_grpc import SandboxBankControlServiceStub
from keelpay.api.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub
from keelpay.enums import Behaviour, RailOperationKind, RailResultCode, RailStatementLineKind, Trigger
from keelpay.models.sandbox import Clock, Scenario
from keelpay.money import Money
from keelpay.request_id import new_request_id

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncSandbox:
    """The levers of a test installation: `client.sandbox`."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = SandboxServiceStub(connection.channel)

    async def clock(self, *, timeout_s: float | None = None) -> Clock:
        """Returns what the clocks show."""
        request = sandbox_service_pb2.GetClockRequest()
        answer = await self._connection.unary(self._stub.GetClock, request, timeout_s=timeout_s)
        return Clock.of(answer.clock)

    async def advance_clock(
        self, to: timedelta | datetime, *, request_id: str = "", timeout_s: float | None = None
    ) -> Clock:
        """Moves the business clock forward, by a step or until a time; what falls due on the way is done."""
        request = sandbox_service_pb2.AdvanceClockRequest(
            request_id=request_id or new_request_id(),
            step=to_duration(to) if isinstance(to, timedelta) else None,
            until=to_timestamp(to) if isinstance(to, datetime) else None,
        )
        answer = await self._connection.unary(self._stub.AdvanceClock, request, timeout_s=timeout_s)
        return Clock.of(answer.clock, replayed=answer.replayed)

    async def create_scenario(
        self,
        *,
        bank: str,
        behaviour: Behaviour,
        operation_count: int = 1,
        operation_kinds: Sequence[RailOperationKind] = (),
        instrument: str = "",
        delay: timedelta | None = None,
        decline_code: RailResultCode = RailResultCode.UNSPECIFIED,
        amount_delta_minor: int = 0,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Scenario:
        """Makes a sandbox bank behave otherwise for its next operations.

        Args:
            bank: Which, by its short name.
            behaviour: What it does.
            operation_count: With how many operations, 1 to 1,000,000.
            operation_kinds: Only with operations of these kinds.
            instrument: Only on this instrument, by the bank's token of it.
            delay: How late or how long; None for the behaviour's own.
            decline_code: Why it is declined.
            amount_delta_minor: What is added to the amount of the statement's line.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = sandbox_service_pb2.CreateScenarioRequest(
            request_id=request_id or new_request_id(),
            scenario=scenario_pb2.Scenario(
                bank=bank,
                behaviour=behaviour.wire,
                operation_kinds=[kind.wire for kind in operation_kinds],
                instrument=instrument,
                operation_count=operation_count,
                delay=to_duration(delay),
                decline_code=decline_code.wire,
                amount_delta_minor=amount_delta_minor,
            ),
        )
        answer = await self._connection.unary(self._stub.CreateScenario, request, timeout_s=timeout_s)
        return Scenario.of(answer.scenario, replayed=answer.replayed)

    def scenarios(self, *, bank: str = "", page_size: int = 0, timeout_s: float | None = None) -> AsyncPager[Scenario]:
        """Lists the scenarios that have operations left, in the order they take effect."""
        request = sandbox_service_pb2.ListScenariosRequest(page_size=page_size, bank=bank)
        return async_pager(
            self._connection,
            self._stub.ListScenarios,
            request,
            lambda answer: map(Scenario.of, answer.scenarios),
            timeout_s=timeout_s,
        )

    async def trigger(
        self, resource: str | Named, trigger: Trigger, *, request_id: str = "", timeout_s: float | None = None
    ) -> None:
        """Makes something happen outside, to a payment, payout or refund."""
        request = sandbox_service_pb2.TriggerEventRequest(
            resource=name_of(resource), request_id=request_id or new_request_id(), trigger=trigger.wire
        )
        await self._connection.unary(self._stub.TriggerEvent, request, timeout_s=timeout_s)

    async def post_entry(
        self,
        *,
        bank: str,
        kind: RailStatementLineKind,
        amount: Money,
        text: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> None:
        """Books a movement of our account at a sandbox bank that no operation caused; for operators.

        Args:
            bank: Which, by its short name.
            kind: What it is.
            amount: How much; above zero is money in.
            text: What the statement's line says, up to 140 characters.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = sandbox_service_pb2.PostBankEntryRequest(
            request_id=request_id or new_request_id(),
            bank=bank,
            kind=kind.wire,
            amount_minor=amount.amount_minor,
            currency_code=amount.currency_code,
            text=text,
        )
        await self._connection.unary(self._stub.PostBankEntry, request, timeout_s=timeout_s)

    async def reset(self, *, request_id: str = "", timeout_s: float | None = None) -> None:
        """Ends every scenario. Clocks, money and resources stay as they are."""
        request = sandbox_service_pb2.ResetRequest(request_id=request_id or new_request_id())
        await self._connection.unary(self._stub.Reset, request, timeout_s=timeout_s)


class AsyncSandboxBank:
    """A sandbox bank's own levers: `client.sandbox_bank`, with a client to the bank's process.

    Requests and answers are the contract's own messages.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = SandboxBankControlServiceStub(connection.channel)

    async def set_faults(self, faults: bank_control_pb2.Faults | None = None) -> None:
        """Sets how often calls go wrong; None ends all faults."""
        await self._connection.unary(self._stub.SetFaults, bank_control_pb2.SetFaultsRequest(faults=faults))

    async def set_scenario(self, scenario: str, *, operation_count: int = 1) -> None:
        """Makes the next operations follow a scenario of the table of magic amounts."""
        request = bank_control_pb2.SetScenarioRequest(scenario=scenario, operation_count=operation_count)
        await self._connection.unary(self._stub.SetScenario, request)

    async def order_scenario(self, order: bytes, scenario: scenario_pb2.Scenario) -> None:
        """Makes the next operations that fit a scenario follow it; `order` is an id of 16 bytes."""
        request = bank_control_pb2.OrderScenarioRequest(id=order, scenario=scenario)
        await self._connection.unary(self._stub.OrderScenario, request)

    async def orders(self) -> dict[bytes, int]:
        """Returns how many operations are left of each order that was not used up, in the order of their effect."""
        answer = await self._connection.unary(self._stub.ListOrders, bank_control_pb2.ListOrdersRequest())
        return {each.id: each.remaining_count for each in answer.orders}

    async def end_orders(self) -> None:
        """Ends every ordered scenario."""
        await self._connection.unary(self._stub.EndOrders, bank_control_pb2.EndOrdersRequest())

    async def decide_operation(
        self, request: bank_control_pb2.DecideOperationRequest
    ) -> bank_control_pb2.DecideOperationResponse:
        """Decides an operation now: ends a pending one, or returns a payment out."""
        return await self._connection.unary(self._stub.DecideOperation, request)

    async def advance_time(
        self, step: timedelta | None = None, *, days: int = 0
    ) -> bank_control_pb2.AdvanceTimeResponse:
        """Moves the bank's own clock forward."""
        request = bank_control_pb2.AdvanceTimeRequest(step=to_duration(step), days=days)
        return await self._connection.unary(self._stub.AdvanceTime, request)

    async def post_entry(self, request: bank_control_pb2.PostEntryRequest) -> str:
        """Books a movement that no operation caused; returns its natural key."""
        answer = await self._connection.unary(self._stub.PostEntry, request)
        return answer.natural_key

    async def set_statement_difference(self, request: bank_control_pb2.SetStatementDifferenceRequest) -> None:
        """Makes the statement of the open day differ from what happened."""
        await self._connection.unary(self._stub.SetStatementDifference, request)

    async def export_statement(
        self, statement_date: str, *, currency_code: str
    ) -> bank_control_pb2.ExportStatementResponse:
        """Writes the statement of a closed day (YYYY-MM-DD) as a file of JSON lines."""
        request = bank_control_pb2.ExportStatementRequest(statement_date=statement_date, currency_code=currency_code)
        return await self._connection.unary(self._stub.ExportStatement, request)
