"""PayoutService on the wire: parse, ask, render.

In: validated requests of authenticated callers. Out: payouts as they are after their commit.
Invariant: a payout that a person asks for waits for a second one.
"""

from typing import Final

from keelpay.api.clearing.v1 import payout_service_pb2, payout_service_pb2_grpc
from keelpay_server.book.call import current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, text_of, time_of
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import identify

from . import names
from .payout import Payout, PayoutState
from .payout_commands import CancelPayout, CreatePayout
from .payout_render import render_payout

_FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", PayoutState), "merchant_payout_id": text_of("number"),
    "currency_code": text_of("currency"), "create_time": time_of("create_time"),
}  # fmt: skip


class PayoutService(payout_service_pb2_grpc.PayoutServiceServicer):
    """Payouts (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
    """

    def __init__(self, engine: Engine, pager: Pager) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager

    async def CreatePayout(
        self, request: payout_service_pb2.CreatePayoutRequest, context: object
    ) -> payout_service_pb2.CreatePayoutResponse:
        """See the contract."""
        call = current()
        merchant = await owned_merchant(self._reader, call.caller, names.merchant_of(request.parent, "parent"))
        command = CreatePayout(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=merchant.id, number=request.merchant_payout_id, currency=request.amount.currency_code,
            amount=request.amount.amount_minor, descriptor=request.statement_descriptor,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payout = await self._engine.answer(Payout, outcome)
        return payout_service_pb2.CreatePayoutResponse(payout=render_payout(payout), replayed=outcome.replayed)

    async def GetPayout(
        self, request: payout_service_pb2.GetPayoutRequest, context: object
    ) -> payout_service_pb2.GetPayoutResponse:
        """See the contract."""
        payout = await self._owned(request.name, current().caller)
        return payout_service_pb2.GetPayoutResponse(payout=render_payout(payout))

    async def ListPayouts(
        self, request: payout_service_pb2.ListPayoutsRequest, context: object
    ) -> payout_service_pb2.ListPayoutsResponse:
        """See the contract."""
        caller = current().caller
        wanted = parse_filter(request.filter, _FILTERS)
        if request.parent != "merchants/-":
            merchant = await owned_merchant(self._reader, caller, names.merchant_of(request.parent, "parent"))
            wanted["merchant"] = merchant.id
        elif caller.kind != CallerKind.OPERATOR:
            raise Refused(Reason.NOT_OWNER)
        scope = f"payouts {request.parent} {request.filter}"
        page = self._pager.page(scope, request.page_size, request.page_token)
        rows = await self._reader.find(Payout, wanted, page)
        return payout_service_pb2.ListPayoutsResponse(
            payouts=[render_payout(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def CancelPayout(
        self, request: payout_service_pb2.CancelPayoutRequest, context: object
    ) -> payout_service_pb2.CancelPayoutResponse:
        """See the contract."""
        call = current()
        stored = await self._owned(request.name, call.caller)
        command = CancelPayout(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            payout=stored.id, state_version=request.state_version,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payout = await self._engine.answer(Payout, outcome)
        return payout_service_pb2.CancelPayoutResponse(payout=render_payout(payout), replayed=outcome.replayed)

    async def _owned(self, name: str, caller: Caller) -> Payout:
        merchant, key = names.payout_of(name)
        payout = await self._reader.get(Payout, key)
        if payout is None or payout.merchant != merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payout")
        await owned_merchant(self._reader, caller, merchant)
        return payout
