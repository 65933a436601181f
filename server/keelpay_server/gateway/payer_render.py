"""How a payer, an instrument, a balance and a transfer look on the wire.

In: stored rows. Out: the contract's messages. Invariant: no number of an instrument, sealed or not, no WebAuthn handle.
"""

import json

from keelpay.api.gateway.v1 import instrument_pb2, payer_pb2
from keelpay_server.book.payer import Payer
from keelpay_server.book.wire_render import money, stamp

from . import names
from .decline import decline_of
from .instrument import Instrument
from .operation import Operation, OperationState
from .payer_reads import Holding
from .transfer import Transfer


def render_payer(payer: Payer) -> payer_pb2.Payer:
    """Returns the payer's message."""
    message = payer_pb2.Payer(
        name=names.payer_name(payer.id),
        locale=payer.locale,
        region=payer.region,
        metadata=json.loads(payer.metadata) if payer.metadata else {},
        state=payer.state,  # type: ignore[arg-type]
        create_time=stamp(payer.create_time),
        update_time=stamp(payer.update_time),
        state_version=payer.state_version,
    )
    if payer.withdraw_after:
        message.withdraw_after_time.CopyFrom(stamp(payer.withdraw_after))
    return message


def render_instrument(instrument: Instrument) -> instrument_pb2.Instrument:
    """Returns the instrument's message."""
    return instrument_pb2.Instrument(
        name=names.instrument_name(instrument.payer, instrument.id),
        channel=instrument.channel,  # type: ignore[arg-type]
        display=instrument.display,
        brand=instrument.brand,
        last_four=instrument.last_four,
        expire_month=instrument.expire_month,
        expire_year=instrument.expire_year,
        state=instrument.state,  # type: ignore[arg-type]
        create_time=stamp(instrument.create_time),
        update_time=stamp(instrument.update_time),
        state_version=instrument.state_version,
    )


def render_holding(holding: Holding) -> payer_pb2.Balance:
    """Returns what a payer holds in one currency."""
    return payer_pb2.Balance(
        available=money(holding.available, holding.currency),
        held=money(holding.held, holding.currency),
        frozen=money(holding.frozen, holding.currency),
    )


def render_transfer(transfer: Transfer, operation: Operation | None) -> payer_pb2.Transfer:
    """Returns the transfer's message; while the bank's answer is open, its operation knows best how it stands."""
    state = OperationState(transfer.state)
    if state is OperationState.SUBMITTED and operation is not None:
        state = OperationState(operation.state)
    message = payer_pb2.Transfer(
        name=names.transfer_name(transfer.payer, transfer.id),
        kind=transfer.kind,  # type: ignore[arg-type]
        amount=money(transfer.amount, transfer.currency),
        instrument=names.instrument_name(transfer.payer, transfer.instrument),
        state=int(state),  # type: ignore[arg-type]
        create_time=stamp(transfer.create_time),
        update_time=stamp(transfer.update_time),
        state_version=transfer.state_version,
    )
    if state is OperationState.DECLINED:
        message.decline_reason = int(decline_of(transfer.code))  # type: ignore[assignment]
    return message
