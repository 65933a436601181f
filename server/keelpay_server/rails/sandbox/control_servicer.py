"""keelpay.api.sandbox.v1.SandboxBankControlService: the levers of a sandbox bank, over gRPC.

In: messages. Out: messages. Invariant: every lever does what the method of the bank with that name does.
"""

from typing import Any, Final

import grpc

from keelpay.api.sandbox.v1 import bank_control_pb2 as control_pb
from keelpay.api.sandbox.v1 import bank_control_pb2_grpc
from keelpay_server.book.rail import OperationOutcome, StatementLineKind, StatementUnavailableError
from keelpay_server.book.statement_file import render_statement
from keelpay_server.book.times import DAY_US, SECOND_US
from keelpay_server.book.wire_render import stamp
from keelpay_server.rails import grpc_conversion as conversion

from .bank import SandboxBank
from .delivery import Delivery
from .faults import FaultPlan
from .orders import scenario_of_order
from .remote_levers import order_of

Context = grpc.aio.ServicerContext[Any, Any]
_DAYS_MAX: Final = 400
_ID_BYTES: Final = 16
_DECISIONS: Final = {
    int(outcome): outcome
    for outcome in (OperationOutcome.SUCCEEDED, OperationOutcome.DECLINED, OperationOutcome.RETURNED)
}
_KINDS: Final = {int(kind): kind for kind in StatementLineKind}
_DIFFERENCES: Final[dict[int, dict[str, Any]]] = {
    control_pb.STATEMENT_DIFFERENCE_MISSING: {"day_shift": None},
    control_pb.STATEMENT_DIFFERENCE_NEXT_DAY: {"day_shift": 1},
    control_pb.STATEMENT_DIFFERENCE_EXTRA: {"twice": True},
    control_pb.STATEMENT_DIFFERENCE_AMOUNT: {},
}


class ControlServicer(bank_control_pb2_grpc.SandboxBankControlServiceServicer):
    """Serves the levers of one bank."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._lane = delivery.lane

    async def SetFaults(self, request: control_pb.SetFaultsRequest, context: Context) -> control_pb.SetFaultsResponse:
        """Sets how often calls go wrong."""
        faults = request.faults
        late_s = faults.late.ToMicroseconds() / SECOND_US if faults.HasField("late") else FaultPlan().late_s
        plan = FaultPlan(
            faults.seed,
            faults.request_lost_permille,
            faults.reply_lost_permille,
            faults.reply_late_permille,
            faults.doubled_permille,
            faults.reordered_permille,
            faults.contradictory_permille,
            late_s,
        )
        try:
            self._delivery.set_plan(plan)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return control_pb.SetFaultsResponse()

    async def SetScenario(
        self, request: control_pb.SetScenarioRequest, context: Context
    ) -> control_pb.SetScenarioResponse:
        """Makes the next operations follow a scenario."""
        try:
            await self._lane.call(SandboxBank.force, request.scenario, request.operation_count)
        except KeyError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"there is no scenario {request.scenario!r}")
        return control_pb.SetScenarioResponse()

    async def OrderScenario(
        self, request: control_pb.OrderScenarioRequest, context: Context
    ) -> control_pb.OrderScenarioResponse:
        """Takes an order of a test."""
        order = order_of(request.id, request.scenario)
        if len(order.id) != _ID_BYTES or order.operation_count < 1 or scenario_of_order(order) is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the bank cannot follow this order")
        self._lane.bank.orders.add(order)
        return control_pb.OrderScenarioResponse()

    async def ListOrders(
        self, request: control_pb.ListOrdersRequest, context: Context
    ) -> control_pb.ListOrdersResponse:
        """Tells what is left of each order."""
        left = self._lane.bank.orders.remaining()
        return control_pb.ListOrdersResponse(
            orders=[control_pb.ScenarioOrder(id=key, remaining_count=count) for key, count in left.items()]
        )

    async def EndOrders(self, request: control_pb.EndOrdersRequest, context: Context) -> control_pb.EndOrdersResponse:
        """Ends all orders."""
        self._lane.bank.orders.clear()
        return control_pb.EndOrdersResponse()

    async def DecideOperation(
        self, request: control_pb.DecideOperationRequest, context: Context
    ) -> control_pb.DecideOperationResponse:
        """Decides an operation now."""
        outcome = _DECISIONS.get(request.outcome)
        if outcome is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "outcome is SUCCEEDED, DECLINED or RETURNED")
        code = conversion.code_name(request.code)
        result = await self._lane.call(SandboxBank.decide, request.key, outcome, code)
        return control_pb.DecideOperationResponse(result=None if result is None else conversion.result_message(result))

    async def AdvanceTime(
        self, request: control_pb.AdvanceTimeRequest, context: Context
    ) -> control_pb.AdvanceTimeResponse:
        """Moves the bank's clock."""
        step_us = request.step.ToMicroseconds()
        if not (0 <= step_us <= _DAYS_MAX * DAY_US and 0 <= request.days <= _DAYS_MAX):
            reason = f"the bank's clock goes forward by at most {_DAYS_MAX} days a call"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)
        now_us = await self._lane.call(SandboxBank.advance, step_us=step_us, days=request.days)
        return control_pb.AdvanceTimeResponse(
            bank_time=stamp(now_us), business_date=self._lane.bank.business_date.isoformat()
        )

    async def PostEntry(self, request: control_pb.PostEntryRequest, context: Context) -> control_pb.PostEntryResponse:
        """Books a movement that no operation caused."""
        kind = _KINDS.get(request.kind)
        if kind is None or request.amount_minor == 0 or not request.currency_code:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "kind, amount_minor and currency_code are required")
        natural_key = await self._lane.call(
            SandboxBank.post_entry,
            kind,
            request.amount_minor,
            request.currency_code,
            operation_key=request.operation_key,
            text=request.text,
            entry_id=request.id,
        )
        return control_pb.PostEntryResponse(natural_key=natural_key)

    async def SetStatementDifference(
        self, request: control_pb.SetStatementDifferenceRequest, context: Context
    ) -> control_pb.SetStatementDifferenceResponse:
        """Makes the open day's statement wrong."""
        difference = _DIFFERENCES.get(request.difference)
        if difference is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "difference is required")
        found = await self._lane.call(
            SandboxBank.misstate, request.operation_key, delta=request.amount_delta_minor, **difference
        )
        if not found:
            await context.abort(grpc.StatusCode.NOT_FOUND, "the operation has no line on the open day")
        return control_pb.SetStatementDifferenceResponse()

    async def ExportStatement(
        self, request: control_pb.ExportStatementRequest, context: Context
    ) -> control_pb.ExportStatementResponse:
        """Writes a statement as a file."""
        day = conversion.day_of(request.statement_date)
        if day is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "statement_date is not a day of the calendar")
        try:
            statement = await self._lane.call(SandboxBank.statement, day, request.currency_code)
        except StatementUnavailableError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        name = f"{statement.bank}-{statement.currency}-{statement.date}-{statement.number}.jsonl"
        return control_pb.ExportStatementResponse(file_name=name, content=render_statement(statement))
