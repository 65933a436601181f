# Generated from sdk/keelpay/_async/orders.py by sdk/generate_sync.py: do not edit.
"""Orders: create, find, close."""

from collections.abc import Mapping
from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay._times import to_timestamp
from keelpay.api.gateway.v1 import order_pb2, order_service_pb2
from keelpay.api.gateway.v1.order_service_pb2_grpc import OrderServiceStub
from keelpay.enums import OrderState
from keelpay.models.checkout import PayerLink
from keelpay.models.order import Order
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager


class Orders:
    """What merchants want to be paid: `client.orders`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = OrderServiceStub(connection.channel)

    def create(
        self,
        *,
        amount: Money,
        merchant_order_id: str,
        merchant: str | Named | None = None,
        description: str = "",
        statement_descriptor: str = "",
        payer: str | Named = "",
        expire_time: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        return_url: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Order:
        """Creates an order. Its amount cannot change afterwards.

        Args:
            amount: What is to be paid, at least one minor unit.
            merchant_order_id: The merchant's own order number, 1 to 64 characters, never used again.
            merchant: Who is paid; the client's default if not given.
            description: What is bought, at most 256 characters.
            statement_descriptor: What the payer's bank statement shows, at most 22 characters.
            payer: Who pays, if that is known.
            expire_time: When it expires unpaid; None means two hours after creation.
            metadata: The merchant's own notes, at most 20; never personal data.
            return_url: Where the payer goes back to after paying, below one of the merchant's `return_origins`.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            AlreadyExistsError: MERCHANT_NUMBER_TAKEN.
        """
        order = order_pb2.Order(
            merchant_order_id=merchant_order_id,
            amount=to_raw_money(amount),
            description=description,
            statement_descriptor=statement_descriptor,
            payer=name_of(payer),
            expire_time=to_timestamp(expire_time),
            metadata=metadata,
            return_url=return_url,
        )
        request = order_service_pb2.CreateOrderRequest(
            parent=self._defaults.merchant_or(merchant), request_id=request_id or new_request_id(), order=order
        )
        answer = self._connection.unary(self._stub.CreateOrder, request, timeout_s=timeout_s)
        return Order.of(answer.order, replayed=answer.replayed)

    def get(self, order: str | Named, *, timeout_s: float | None = None) -> Order:
        """Returns one order as it is now."""
        request = order_service_pb2.GetOrderRequest(name=name_of(order))
        answer = self._connection.unary(self._stub.GetOrder, request, timeout_s=timeout_s)
        return Order.of(answer.order)

    def lookup(
        self, merchant_order_id: str, *, merchant: str | Named | None = None, timeout_s: float | None = None
    ) -> Order:
        """Finds an order by the merchant's own number."""
        request = order_service_pb2.LookupOrderRequest(
            parent=self._defaults.merchant_or(merchant), merchant_order_id=merchant_order_id
        )
        answer = self._connection.unary(self._stub.LookupOrder, request, timeout_s=timeout_s)
        return Order.of(answer.order)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        state: OrderState | str | None = None,
        payer: str | Named = "",
        since: datetime | None = None,
        until: datetime | None = None,
        filter: str = "",  # noqa: A002  (the contract's word)
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Order]:
        """Lists orders of a merchant, the newest first.

        Args:
            merchant: Whose; the client's default if not given.
            state: Only those in this state.
            payer: Only those of this payer.
            since: Only those created at this time or later.
            until: Only those created before this time.
            filter: Further conditions in the contract's own words.
            order_by: `create_time desc` (the default) or `create_time`.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = order_service_pb2.ListOrdersRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(filter, since=since, until=until, state=member(OrderState, state), payer=name_of(payer)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListOrders,
            request,
            lambda answer: map(Order.of, answer.orders),
            timeout_s=timeout_s,
        )

    def close(self, order: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Order:
        """Closes an order so that it can no longer be paid; safe against a late success.

        Raises:
            FailedPreconditionError: ORDER_PAID.
        """
        request = order_service_pb2.CloseOrderRequest(name=name_of(order), request_id=request_id or new_request_id())
        answer = self._connection.unary(self._stub.CloseOrder, request, timeout_s=timeout_s)
        return Order.of(answer.order, replayed=answer.replayed)

    def create_checkout_link(
        self, payment: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> PayerLink:
        """Makes a link to the page on which the payer of a payment sees it and pays: `link.url`, `link.qr_svg()`.

        Args:
            payment: Which; it names its payer. An earlier link of the same payment ends with this one.
            request_id: To repeat an earlier request, which gives the same link; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: PAYMENT_PAID or ILLEGAL_TRANSITION: the payment waits for no payer any more.
        """
        request = order_service_pb2.CreateCheckoutLinkRequest(
            payment=name_of(payment), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.CreateCheckoutLink, request, timeout_s=timeout_s)
        return PayerLink.of(answer.link, replayed=answer.replayed)
