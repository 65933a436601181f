"""Payments on the wire: the part of PaymentService that shows, lists and watches them.

In: validated requests of authenticated callers. Out: payments as they are stored. Invariant: a watch tells every caller
the latest version that it has not seen, and looks again whose payment it is each time.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from keelpay.api.gateway.v1 import payment_pb2, payment_service_pb2, payment_service_pb2_grpc
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import parse_filter
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import Pager

from . import names
from .payment import Payment
from .payment_reads import FILTERS, ORDERS, around, owned_payment, payment_by_number
from .payment_render import render_payment, render_whole

WATCH_TURN_S: Final = 15.0


class PaymentReadMethods(payment_service_pb2_grpc.PaymentServiceServicer):
    """What PaymentService tells of payments (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
    """

    def __init__(self, engine: Engine, pager: Pager) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager

    async def GetPayment(
        self, request: payment_service_pb2.GetPaymentRequest, context: object
    ) -> payment_service_pb2.GetPaymentResponse:
        """See the contract."""
        payment = await owned_payment(self._reader, current().caller, request.name)
        return payment_service_pb2.GetPaymentResponse(payment=await self._whole(payment))

    async def LookupPayment(
        self, request: payment_service_pb2.LookupPaymentRequest, context: object
    ) -> payment_service_pb2.LookupPaymentResponse:
        """See the contract."""
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, current().caller, merchant)
        payment = await payment_by_number(self._reader, merchant, request.merchant_payment_id)
        return payment_service_pb2.LookupPaymentResponse(payment=await self._whole(payment))

    async def ListPayments(
        self, request: payment_service_pb2.ListPaymentsRequest, context: object
    ) -> payment_service_pb2.ListPaymentsResponse:
        """See the contract."""
        call = current()
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, call.caller, merchant)
        where = {"merchant": merchant, **parse_filter(request.filter, FILTERS)}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Payment, where, page)
        return payment_service_pb2.ListPaymentsResponse(
            payments=[render_payment(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def WatchPayment(
        self, request: payment_service_pb2.WatchPaymentRequest, context: Any
    ) -> AsyncIterator[payment_service_pb2.WatchPaymentResponse]:
        """See the contract."""
        caller = current().caller
        seen = request.after_state_version
        payment = await owned_payment(self._reader, caller, request.name)
        with self._engine.hub.watch(payment.id) as watch:
            while True:
                payment = await owned_payment(self._reader, caller, request.name)
                if payment.state_version > seen:
                    seen = payment.state_version
                    yield payment_service_pb2.WatchPaymentResponse(payment=await self._whole(payment))
                await watch.wait(WATCH_TURN_S)

    async def _whole(self, payment: Payment, known: Iterable[object] = ()) -> payment_pb2.Payment:
        return render_whole(payment, *await around(self._reader, payment, known))
