"""OrderService on the wire: parse, ask, render; the deciding is elsewhere in this room.

In: validated requests of authenticated callers. Out: orders as they are after their commit.
Invariant: nothing is parsed after the command, and nothing decided here.
"""

import json

from keelpay.api.gateway.v1 import order_service_pb2 as pb
from keelpay.api.gateway.v1 import order_service_pb2_grpc
from keelpay_server.auth.device import session_link
from keelpay_server.auth.link_desk import LinkDesk
from keelpay_server.auth.payer_link import PayerLink
from keelpay_server.auth.payer_link_commands import CreateLink
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.token import PayerPurpose
from keelpay_server.auth.token_render import render_link
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import parse_filter
from keelpay_server.book.ownership import own_payer, owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.request import identify

from . import names
from .checkout_reads import active_passkeys, is_stranger, means_of, payer_of
from .checkout_render import render_options
from .order import Order
from .order_commands import CloseOrder, CreateOrder
from .order_reads import FILTERS, order_by_number, owned_order
from .order_render import render_order
from .payment import HUMAN, PaymentState, refuse_human
from .payment_option import payment_options
from .payment_reads import ORDERS, owned_payment
from .routes import Routes


class OrderService(order_service_pb2_grpc.OrderServiceServicer):
    """Orders (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        routes: Which rail serves what.
        settings: The relying party and limits of passkeys.
        links: Makes the links to our pages.
    """

    def __init__(self, engine: Engine, pager: Pager, routes: Routes, settings: AuthSettings, links: LinkDesk) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._routes, self._settings, self._links = routes, settings, links

    async def CreateOrder(self, request: pb.CreateOrderRequest, context: object) -> pb.CreateOrderResponse:
        """See the contract."""
        call, draft = current(), request.order
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, call.caller, merchant)
        payer = names.parse_payer(draft.payer, "order.payer")
        if payer:
            own_payer(call.caller, payer)
        command = CreateOrder(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=merchant, number=draft.merchant_order_id, payer=payer, currency=draft.amount.currency_code,
            amount=draft.amount.amount_minor, description=draft.description, descriptor=draft.statement_descriptor,
            metadata=json.dumps(dict(draft.metadata), sort_keys=True) if draft.metadata else "",
            expire_time=draft.expire_time.ToMicroseconds() if draft.HasField("expire_time") else 0,
            return_uri=draft.return_url,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        order = await self._engine.answer(Order, outcome)
        return pb.CreateOrderResponse(order=render_order(order), replayed=outcome.replayed)

    async def CloseOrder(self, request: pb.CloseOrderRequest, context: object) -> pb.CloseOrderResponse:
        """See the contract."""
        call = current()
        stored = await owned_order(self._reader, call.caller, request.name)
        command = CloseOrder(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            order=stored.id, received_us=self._engine.wall(),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        order = await self._engine.answer(Order, outcome)
        return pb.CloseOrderResponse(order=render_order(order), replayed=outcome.replayed)

    async def GetOrder(self, request: pb.GetOrderRequest, context: object) -> pb.GetOrderResponse:
        """See the contract."""
        order = await owned_order(self._reader, current().caller, request.name)
        return pb.GetOrderResponse(order=render_order(order))

    async def LookupOrder(self, request: pb.LookupOrderRequest, context: object) -> pb.LookupOrderResponse:
        """See the contract."""
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, current().caller, merchant)
        order = await order_by_number(self._reader, merchant, request.merchant_order_id)
        return pb.LookupOrderResponse(order=render_order(order))

    async def ListOrders(self, request: pb.ListOrdersRequest, context: object) -> pb.ListOrdersResponse:
        """See the contract."""
        call = current()
        merchant = names.parse_merchant(request.parent)
        await owned_merchant(self._reader, call.caller, merchant)
        where = {"merchant": merchant, **parse_filter(request.filter, FILTERS)}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Order, where, page)
        token = self._pager.next_token(scope, page, rows)
        return pb.ListOrdersResponse(orders=[render_order(row) for row in rows], next_page_token=token)

    async def CreateCheckoutLink(
        self, request: pb.CreateCheckoutLinkRequest, context: object
    ) -> pb.CreateCheckoutLinkResponse:
        """See the contract."""
        call = current()
        payment = await owned_payment(self._reader, call.caller, request.payment)
        await payer_of(self._reader, payment)
        identity = identify(call, request, request.payment)
        if payment.state not in HUMAN and await self._engine.repeated(identity) is None:
            refuse_human(PaymentState(payment.state), PaymentState.REQUIRES_CONFIRMATION)
        left_us = payment.expire_time - (await self._reader.book()).business_us
        made = self._links.seed()
        command = CreateLink(
            request=identity, caller=call.caller, deadline_us=call.deadline_us,
            payer=payment.payer, purpose=PayerPurpose.PAY, payment=request.payment, seed=made.seed,
            digest=made.digest, expire_time=self._links.expire_time(self._engine.wall(), max(left_us, 0)),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        link = await self._engine.answer(PayerLink, outcome)
        return pb.CreateCheckoutLinkResponse(link=render_link(link, self._links.url(link)), replayed=outcome.replayed)

    async def ListPaymentOptions(
        self, request: pb.ListPaymentOptionsRequest, context: object
    ) -> pb.ListPaymentOptionsResponse:
        """See the contract."""
        caller = current().caller
        payment = await owned_payment(self._reader, caller, request.payment)
        link = await session_link(self._reader, caller)
        stranger = is_stranger(link, await active_passkeys(self._reader, payment.payer)) if link else False
        means = await means_of(
            self._reader, self._routes, self._settings, payment, self._engine.wall(), stranger=stranger
        )
        return pb.ListPaymentOptionsResponse(options=render_options(payment, payment_options(payment, means)))
