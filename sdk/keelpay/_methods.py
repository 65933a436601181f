"""What the contract says about each RPC: its path and the deadline that clients use by default.

In: the descriptors, with the option `policy` that every method carries. Out: facts by request type, since each RPC has
a request message of its own. Invariant: no figure is typed here; an RPC without a policy does not exist.
"""

from functools import cache
from typing import Final, NamedTuple

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message

from .api.auth.v1 import (
    approval_service_pb2,
    confirmation_service_pb2,
    partner_service_pb2,
    passkey_service_pb2,
)
from .api.clearing.v1 import (
    ledger_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
    settlement_service_pb2,
)
from .api.event.v1 import event_service_pb2
from .api.gateway.v1 import (
    checkout_service_pb2,
    order_service_pb2,
    payer_service_pb2,
    payment_service_pb2,
    refund_service_pb2,
)
from .api.rail.v1 import notification_pb2, rail_service_pb2
from .api.risk.v1 import review_service_pb2, risk_service_pb2, rule_service_pb2
from .api.sandbox.v1 import bank_control_pb2, bank_page_service_pb2, sandbox_service_pb2
from .api.type.v1 import policy_pb2

SERVICE_FILES: Final[tuple[FileDescriptor, ...]] = (
    approval_service_pb2.DESCRIPTOR,
    bank_control_pb2.DESCRIPTOR,
    bank_page_service_pb2.DESCRIPTOR,
    checkout_service_pb2.DESCRIPTOR,
    confirmation_service_pb2.DESCRIPTOR,
    event_service_pb2.DESCRIPTOR,
    ledger_service_pb2.DESCRIPTOR,
    notification_pb2.DESCRIPTOR,
    order_service_pb2.DESCRIPTOR,
    partner_service_pb2.DESCRIPTOR,
    passkey_service_pb2.DESCRIPTOR,
    payer_service_pb2.DESCRIPTOR,
    payment_service_pb2.DESCRIPTOR,
    payout_service_pb2.DESCRIPTOR,
    rail_service_pb2.DESCRIPTOR,
    reconciliation_service_pb2.DESCRIPTOR,
    refund_service_pb2.DESCRIPTOR,
    review_service_pb2.DESCRIPTOR,
    risk_service_pb2.DESCRIPTOR,
    rule_service_pb2.DESCRIPTOR,
    sandbox_service_pb2.DESCRIPTOR,
    settlement_service_pb2.DESCRIPTOR,
)
MS_PER_S: Final = 1000


class MethodFacts(NamedTuple):
    """One RPC.

    Attributes:
        path: As gRPC writes it: `/keelpay.api.gateway.v1.PaymentService/GetPayment`.
        deadline_s: Seconds that a call may take unless the caller says otherwise; of a stream, its whole life.
        read_only: It changes nothing.
        has_request_id: Its request carries the caller's id, so that it may be repeated.
    """

    path: str
    deadline_s: float
    read_only: bool
    has_request_id: bool


@cache
def methods() -> dict[str, MethodFacts]:
    """Every RPC of the contract, by the full name of its request message."""
    return {
        method.input_type.full_name: MethodFacts(
            f"/{service.full_name}/{method.name}",
            method.GetOptions().Extensions[policy_pb2.policy].deadline_ms / MS_PER_S,
            method.GetOptions().Extensions[policy_pb2.policy].read_only,
            "request_id" in method.input_type.fields_by_name,
        )
        for file in SERVICE_FILES
        for service in file.services_by_name.values()
        for method in service.methods
    }


def facts_of(request: type[Message]) -> MethodFacts:
    """What is known about the RPC that takes this request message."""
    return methods()[request.DESCRIPTOR.full_name]
