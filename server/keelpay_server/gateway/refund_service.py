"""RefundService on the wire: parse, ask, render; the deciding is elsewhere in this room.

In: validated requests of authenticated callers. Out: refunds as they are after their commit.
Invariant: a refund is answered as soon as it is on disk; nobody waits here for a bank.
"""

import json
from typing import Any

from keelpay.api.gateway.v1 import refund_pb2, refund_service_pb2_grpc
from keelpay.api.gateway.v1 import refund_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import parse_filter
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.refusal import invalid
from keelpay_server.book.request import identify

from . import names
from .instrument import KIND as INSTRUMENT_KIND
from .payment import KIND as PAYMENT_KIND
from .payment_reads import ORDERS
from .refund import Refund, RefundPolicy
from .refund_commands import CancelRefund, CreateRefund, RerouteRefund
from .refund_reads import FILTERS, operations_of, owned_refund, refund_by_number
from .refund_render import render_refund


class RefundService(refund_service_pb2_grpc.RefundServiceServicer):
    """Refunds (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        policy: What the installation decides about refunds.
    """

    def __init__(self, engine: Engine, pager: Pager, policy: RefundPolicy) -> None:
        self._engine, self._reader, self._pager, self._policy = engine, engine.reader, pager, policy

    async def CreateRefund(self, request: pb.CreateRefundRequest, context: object) -> pb.CreateRefundResponse:
        """See the contract."""
        call, draft = current(), request.refund
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, call.caller, merchant)
        owner, payment = names.parse_child(draft.payment, "payments", PAYMENT_KIND, "refund.payment")
        if owner != merchant:
            invalid("refund.payment", "it is another merchant's")
        command = CreateRefund(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=merchant, number=draft.merchant_refund_id, payment=payment, amount=draft.amount.amount_minor,
            currency=draft.amount.currency_code, description=draft.description,
            metadata=json.dumps(dict(draft.metadata), sort_keys=True) if draft.metadata else "", policy=self._policy,
        )  # fmt: skip
        refund, replayed = await self._done(command)
        return pb.CreateRefundResponse(refund=refund, replayed=replayed)

    async def CancelRefund(self, request: pb.CancelRefundRequest, context: object) -> pb.CancelRefundResponse:
        """See the contract."""
        refund, replayed = await self._act(request, CancelRefund)
        return pb.CancelRefundResponse(refund=refund, replayed=replayed)

    async def RerouteRefund(self, request: pb.RerouteRefundRequest, context: object) -> pb.RerouteRefundResponse:
        """See the contract."""
        instrument = None
        if request.WhichOneof("destination") == "instrument":
            _, instrument = names.parse_of_payer(request.instrument, "instruments", INSTRUMENT_KIND, "instrument")
        elif not request.balance:
            invalid("destination", "set balance to true, or name an instrument")
        refund, replayed = await self._act(request, RerouteRefund, instrument=instrument)
        return pb.RerouteRefundResponse(refund=refund, replayed=replayed)

    async def GetRefund(self, request: pb.GetRefundRequest, context: object) -> pb.GetRefundResponse:
        """See the contract."""
        refund = await owned_refund(self._reader, current().caller, request.name)
        return pb.GetRefundResponse(refund=await self._whole(refund))

    async def LookupRefund(self, request: pb.LookupRefundRequest, context: object) -> pb.LookupRefundResponse:
        """See the contract."""
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, current().caller, merchant)
        refund = await refund_by_number(self._reader, merchant, request.merchant_refund_id)
        return pb.LookupRefundResponse(refund=await self._whole(refund))

    async def ListRefunds(self, request: pb.ListRefundsRequest, context: object) -> pb.ListRefundsResponse:
        """See the contract."""
        call = current()
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, call.caller, merchant)
        where = {"merchant": merchant, **parse_filter(request.filter, FILTERS)}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Refund, where, page)
        token = self._pager.next_token(scope, page, rows)
        return pb.ListRefundsResponse(refunds=[render_refund(row) for row in rows], next_page_token=token)

    async def _act(self, request: Any, command: type[Command], **fields: Any) -> tuple[refund_pb2.Refund, bool]:
        call = current()
        stored = await owned_refund(self._reader, call.caller, request.name)
        asked = command(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            **{"refund": stored.id, **fields},
        )  # fmt: skip
        return await self._done(asked)

    async def _done(self, command: Command) -> tuple[refund_pb2.Refund, bool]:
        outcome = await self._engine.execute(command)
        refund = await self._engine.answer(Refund, outcome)
        return await self._whole(refund), outcome.replayed

    async def _whole(self, refund: Refund) -> refund_pb2.Refund:
        return render_refund(refund, await operations_of(self._reader, refund))
