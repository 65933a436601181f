"""The levers of a sandbox bank in a process of its own, by its control service (see `book.sandbox_bank.SandboxBank`).

In: orders, times, decisions. Out: what the bank shows. Invariant: a lever that may not have been pulled is refused as
RAIL_UNAVAILABLE, so that the caller repeats; a bank without levers, as a real bank's test environment, follows no order
and keeps its own time.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from keelpay.api.rail.v1 import operation_pb2, statement_pb2
from keelpay.api.sandbox.v1 import bank_control_pb2 as control_pb
from keelpay.api.sandbox.v1 import bank_control_pb2_grpc, scenario_pb2
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.sandbox_bank import SandboxEntry, SandboxOrder
from keelpay_server.book.times import DAY_US
from keelpay_server.book.wire_render import duration
from keelpay_server.rails import grpc_conversion as conversion

from .orders import scenario_of_order

_CALL_S: Final = 5.0
_ADVANCE_S: Final = 55.0
"""Days are closed one after the other: a step of a year takes its time."""
_STEP_US_MAX: Final = 400 * DAY_US
"""How far the bank's clock goes in one call."""


class RemoteLevers:
    """Pulls the levers of one bank.

    Args:
        bank: Its name.
        channel: To its process.
    """

    def __init__(self, bank: str, channel: grpc.aio.Channel) -> None:
        self._bank = bank
        stub: bank_control_pb2_grpc.SandboxBankControlServiceAsyncStub
        stub = bank_control_pb2_grpc.SandboxBankControlServiceStub(channel)
        self._stub = stub

    async def advance_to(self, time_us: int) -> None:
        """See the port."""
        answer = await self._pull(self._stub.AdvanceTime, control_pb.AdvanceTimeRequest())
        while answer is not None and (missing_us := time_us - answer.bank_time.ToMicroseconds()) > 0:
            step = duration(min(missing_us, _STEP_US_MAX))
            answer = await self._pull(self._stub.AdvanceTime, control_pb.AdvanceTimeRequest(step=step), _ADVANCE_S)

    async def can(self, order: SandboxOrder) -> bool:
        """See the port."""
        if scenario_of_order(order) is None:
            return False
        return await self._pull(self._stub.ListOrders, control_pb.ListOrdersRequest()) is not None

    async def order(self, order: SandboxOrder) -> None:
        """See the port."""
        request = control_pb.OrderScenarioRequest(id=order.id, scenario=scenario_message(self._bank, order))
        await self._pull(self._stub.OrderScenario, request)

    async def remaining(self) -> dict[bytes, int]:
        """See the port."""
        answer = await self._pull(self._stub.ListOrders, control_pb.ListOrdersRequest())
        return {} if answer is None else {each.id: each.remaining_count for each in answer.orders}

    async def post(self, entry: SandboxEntry) -> bool:
        """See the port."""
        request = control_pb.PostEntryRequest(
            kind=statement_pb2.StatementLineKind.ValueType(entry.kind), amount_minor=entry.amount,
            currency_code=entry.currency, text=entry.text, id=entry.id,
        )  # fmt: skip
        return await self._pull(self._stub.PostEntry, request) is not None

    async def reset(self) -> None:
        """See the port."""
        await self._pull(self._stub.EndOrders, control_pb.EndOrdersRequest())

    async def decide(self, key: bytes, outcome: OperationOutcome, code: str) -> OperationResult | None:
        """See the port."""
        request = control_pb.DecideOperationRequest(
            key=key, outcome=operation_pb2.Outcome.ValueType(outcome), code=conversion.code_number(code)
        )
        answer = await self._pull(self._stub.DecideOperation, request)
        if answer is None or not answer.HasField("result"):
            return None
        return conversion.result_of(answer.result, 0)

    async def _pull(self, lever: Callable[..., Awaitable[Any]], request: object, timeout_s: float = _CALL_S) -> Any:
        """Calls the bank; None where it has no such lever.

        Raises:
            Refused: RAIL_UNAVAILABLE.
        """
        try:
            return await lever(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise Refused(Reason.RAIL_UNAVAILABLE, f"the sandbox bank {self._bank} does not answer") from error


def scenario_message(bank: str, order: SandboxOrder) -> scenario_pb2.Scenario:
    """Returns an order as its message."""
    message = scenario_pb2.Scenario(
        bank=bank, behaviour=scenario_pb2.Behaviour.ValueType(order.behaviour), instrument=order.instrument,
        operation_kinds=[operation_pb2.OperationKind.ValueType(kind) for kind in sorted(order.kinds)],
        operation_count=order.operation_count, amount_delta_minor=order.amount_delta,
        decline_code=conversion.code_number(order.code),
    )  # fmt: skip
    if order.delay_us:
        message.delay.CopyFrom(duration(order.delay_us))
    return message


def order_of(order: bytes, message: scenario_pb2.Scenario) -> SandboxOrder:
    """Returns the order in a message."""
    return SandboxOrder(
        order, message.behaviour, frozenset(int(kind) for kind in message.operation_kinds), message.instrument,
        message.operation_count, message.delay.ToMicroseconds() if message.HasField("delay") else 0,
        conversion.code_name(message.decline_code), message.amount_delta_minor,
    )  # fmt: skip
