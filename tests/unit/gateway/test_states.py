"""The numbers of this room's states and kinds are the contract's."""

import pytest

from keelpay.api.gateway.v1 import instrument_pb2, operation_pb2, order_pb2, payer_pb2, refund_pb2
from keelpay_server.book.payer import PayerState
from keelpay_server.gateway.instrument import InstrumentState
from keelpay_server.gateway.operation import OperationKind, OperationState
from keelpay_server.gateway.order import TRANSITIONS, OrderState
from keelpay_server.gateway.refund import LagCause, RefundState
from keelpay_server.gateway.transfer import TransferKind


@pytest.mark.parametrize(
    ("ours", "contract", "prefix"),
    [
        (OrderState, order_pb2.Order.State, "STATE_"),
        (InstrumentState, instrument_pb2.Instrument.State, "STATE_"),
        (PayerState, payer_pb2.Payer.State, "STATE_"),
        (TransferKind, payer_pb2.Transfer.Kind, "KIND_"),
        (RefundState, refund_pb2.Refund.State, "STATE_"),
        (LagCause, refund_pb2.Refund.LagCause, "LAG_CAUSE_"),
        (OperationState, operation_pb2.OperationState, "OPERATION_STATE_"),
        (OperationKind, operation_pb2.OperationKind, "OPERATION_KIND_"),
    ],
)
def test_numbers_and_names_are_the_contracts(ours, contract, prefix):
    told = {name.removeprefix(prefix): number for name, number in contract.items() if number}
    assert {member.name: member.value for member in ours} == told


def test_an_order_that_was_opened_can_always_end():
    assert {state for state in OrderState if not TRANSITIONS[state]} == {
        OrderState.PAID, OrderState.CLOSED, OrderState.EXPIRED,
    }  # fmt: skip
    assert TRANSITIONS[OrderState.CLOSING] == {OrderState.CLOSED}
