"""OrderService and RefundService as a caller meets them."""

import uuid

import pytest

from keelpay.api.gateway.v1 import order_pb2, order_service_pb2, refund_pb2, refund_service_pb2
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.order_service import OrderService
from keelpay_server.gateway.refund_service import RefundService

from .shop import ACME, AMA, POLICY

STRANGER = Caller(CallerKind.PARTNER, "other", "other")
PAYER = Caller(CallerKind.PAYER, "acme", AMA)
CAFE = "merchants/cafe"


class Door:
    """Both services, called as somebody."""

    def __init__(self, shop):
        pager = Pager(b"a secret for page tokens")
        self.shop = shop
        self.orders = OrderService(shop.engine, pager, None, None, None)
        self.refunds = RefundService(shop.engine, pager, POLICY)

    async def call(self, service, name, request, caller=ACME):
        set_current(Call("test", caller, f"/keelpay.api.gateway.v1.{type(service).__name__}/{name}", 0))
        return await getattr(service, name)(request, None)

    async def order(self, number, caller=ACME, **fields):
        draft = order_pb2.Order(
            merchant_order_id=number, amount=Money(currency_code="CNY", amount_minor=990), description="tea",
            payer="partners/acme/payers/ama", metadata={"table": "4"}, **fields,
        )  # fmt: skip
        request = order_service_pb2.CreateOrderRequest(parent=CAFE, request_id=str(uuid.uuid4()), order=draft)
        return await self.call(self.orders, "CreateOrder", request, caller)


@pytest.fixture
def door(shop):
    return Door(shop)


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason


async def test_an_order_is_made_found_and_closed_by_its_own(door):
    made = (await door.order("o-1")).order
    assert (made.amount.amount_minor, made.metadata["table"], made.state) == (990, "4", 1)
    get = order_service_pb2.GetOrderRequest(name=made.name)
    for caller in (ACME, PAYER):
        assert (await door.call(door.orders, "GetOrder", get, caller)).order == made
    await refused(door.call(door.orders, "GetOrder", get, STRANGER), Reason.NOT_OWNER)
    lookup = order_service_pb2.LookupOrderRequest(parent=CAFE, merchant_order_id="o-1")
    assert (await door.call(door.orders, "LookupOrder", lookup)).order.name == made.name
    await refused(door.call(door.orders, "LookupOrder", lookup, STRANGER), Reason.NOT_OWNER)
    close = order_service_pb2.CloseOrderRequest(name=made.name, request_id=str(uuid.uuid4()))
    closed = await door.call(door.orders, "CloseOrder", close)
    assert (closed.order.state, closed.replayed) == (4, False)
    again = await door.call(door.orders, "CloseOrder", close)
    assert (again.order, again.replayed) == (closed.order, True)


async def test_orders_are_made_for_the_callers_own_merchants_and_payers_alone(door):
    await refused(door.order("o-1", STRANGER), Reason.NOT_OWNER)
    lookup = order_service_pb2.LookupOrderRequest(parent="merchants/nobody", merchant_order_id="o-1")
    await refused(door.call(door.orders, "LookupOrder", lookup), Reason.RESOURCE_NOT_FOUND)


async def test_orders_are_listed_newest_first_by_state(door):
    names_ = [(await door.order(f"o-{number}")).order.name for number in range(3)]
    close = order_service_pb2.CloseOrderRequest(name=names_[1], request_id=str(uuid.uuid4()))
    await door.call(door.orders, "CloseOrder", close)
    request = order_service_pb2.ListOrdersRequest(parent=CAFE, filter="state = OPEN", page_size=1)
    first = await door.call(door.orders, "ListOrders", request)
    request.page_token = first.next_page_token
    second = await door.call(door.orders, "ListOrders", request)
    assert [row.name for page in (first, second) for row in page.orders] == [names_[2], names_[0]]
    bad = order_service_pb2.ListOrdersRequest(parent=CAFE, filter="amount = 1")
    await refused(door.call(door.orders, "ListOrders", bad), Reason.FILTER_INVALID)


async def test_a_refund_is_asked_for_read_and_listed_by_its_own(door):
    payment = await door.shop.pay(10_000)
    name = names.payment_name("cafe", payment.id)
    draft = refund_pb2.Refund(
        payment=name, merchant_refund_id="r-1", amount=Money(currency_code="CNY", amount_minor=2_500),
        description="cold tea",
    )  # fmt: skip
    request = refund_service_pb2.CreateRefundRequest(parent=CAFE, request_id=str(uuid.uuid4()), refund=draft)
    made = (await door.call(door.refunds, "CreateRefund", request)).refund
    assert (made.state, made.fee_returned_minor, made.payment, made.channel) == (3, 25, name, 3)
    await door.shop.settle()
    get = refund_service_pb2.GetRefundRequest(name=made.name)
    for caller in (ACME, PAYER):
        done = (await door.call(door.refunds, "GetRefund", get, caller)).refund
        assert (done.state, done.HasField("success_time"), len(done.operations)) == (4, True, 1)
    await refused(door.call(door.refunds, "GetRefund", get, STRANGER), Reason.NOT_OWNER)
    lookup = refund_service_pb2.LookupRefundRequest(parent=CAFE, merchant_refund_id="r-1")
    assert (await door.call(door.refunds, "LookupRefund", lookup)).refund.name == made.name
    listed = refund_service_pb2.ListRefundsRequest(parent=CAFE, filter=f'payment = "{name}" AND lagging = false')
    answer = await door.call(door.refunds, "ListRefunds", listed)
    assert [(row.name, len(row.operations)) for row in answer.refunds] == [(made.name, 0)]
    cancel = refund_service_pb2.CancelRefundRequest(name=made.name, request_id=str(uuid.uuid4()))
    await refused(door.call(door.refunds, "CancelRefund", cancel), Reason.ILLEGAL_TRANSITION)


async def test_a_refund_of_another_merchants_payment_is_refused(door):
    payment = await door.shop.pay(100)
    name = names.payment_name("other", payment.id)
    draft = refund_pb2.Refund(payment=name, merchant_refund_id="r-1")
    request = refund_service_pb2.CreateRefundRequest(parent=CAFE, request_id=str(uuid.uuid4()), refund=draft)
    await refused(door.call(door.refunds, "CreateRefund", request), Reason.FIELD_INVALID)
    await refused(door.call(door.refunds, "CreateRefund", request, STRANGER), Reason.NOT_OWNER)


async def test_an_abnormal_refund_tells_why_and_is_rerouted_by_its_merchant(door):
    payment = await door.shop.pay(500, instrument=await door.shop.instrument("tok-refund-account-closed"))
    refund = await door.shop.refund(payment)
    name = names.refund_name("cafe", refund.id)
    told = (await door.call(door.refunds, "GetRefund", refund_service_pb2.GetRefundRequest(name=name))).refund
    assert (told.state, told.decline_reason) == (5, 3)
    nowhere = refund_service_pb2.RerouteRefundRequest(name=name, request_id=str(uuid.uuid4()))
    await refused(door.call(door.refunds, "RerouteRefund", nowhere), Reason.FIELD_INVALID)
    reroute = refund_service_pb2.RerouteRefundRequest(name=name, request_id=str(uuid.uuid4()), balance=True)
    done = await door.call(door.refunds, "RerouteRefund", reroute)
    assert (done.refund.state, done.refund.channel, done.replayed) == (4, 2, False)
    assert (await door.call(door.refunds, "RerouteRefund", reroute)).replayed
