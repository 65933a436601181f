"""How scenarios of the sandbox look on the wire, and how they are read from it.

In: a stored row, or a message whose bounds were checked. Out: the other of the two. Invariant: what was read and is
shown again is what was asked for.
"""

from typing import Final

from keelpay.api.rail.v1 import operation_pb2
from keelpay.api.sandbox.v1 import scenario_pb2
from keelpay_server.book.ids import text
from keelpay_server.book.wire_render import duration, stamp

from .sandbox_scenario import KIND, Scenario

_CODE_PREFIX: Final = "RESULT_CODE_"


def read_scenario(draft: scenario_pb2.Scenario) -> Scenario:
    """Returns a scenario without id and time."""
    code = operation_pb2.ResultCode.Name(draft.decline_code).removeprefix(_CODE_PREFIX) if draft.decline_code else ""
    kinds = " ".join(str(int(kind)) for kind in sorted(set(draft.operation_kinds)))
    delay_us = draft.delay.ToMicroseconds() if draft.HasField("delay") else 0
    return Scenario(
        b"", draft.bank, draft.behaviour, kinds, draft.instrument, draft.operation_count, delay_us, code,
        draft.amount_delta_minor, 0,
    )  # fmt: skip


def render_scenario(row: Scenario, left: int) -> scenario_pb2.Scenario:
    """Returns a scenario, `left` operations of which it will still befall."""
    message = scenario_pb2.Scenario(
        name=f"scenarios/{text(KIND, row.id)}", bank=row.bank,
        behaviour=scenario_pb2.Behaviour.ValueType(row.behaviour), instrument=row.instrument,
        operation_kinds=[operation_pb2.OperationKind.ValueType(int(kind)) for kind in row.kinds.split()],
        operation_count=row.operation_count, amount_delta_minor=row.amount_delta, remaining_count=left,
        create_time=stamp(row.create_time),
    )  # fmt: skip
    if row.code:
        message.decline_code = operation_pb2.ResultCode.Value(f"{_CODE_PREFIX}{row.code}")
    if row.delay_us:
        message.delay.CopyFrom(duration(row.delay_us))
    return message
