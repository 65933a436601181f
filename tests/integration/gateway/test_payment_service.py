"""PaymentService as a caller meets it: what a payer's token reaches, who may call off until when, repeats, history."""

import uuid

import pytest

from keelpay.api.gateway.v1 import (
    order_service_pb2,
    payer_service_pb2,
    payment_pb2,
    payment_request_pb2,
    payment_service_pb2,
    refund_service_pb2,
)
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.book import ids
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.order_commands import CreateOrder
from keelpay_server.gateway.order_service import OrderService
from keelpay_server.gateway.payer_service import PayerService
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.payment_reads import took_part
from keelpay_server.gateway.payment_service import PaymentService
from keelpay_server.gateway.refund_service import RefundService
from keelpay_server.gateway.routes import Route, Routes

from .shop import ACME, AMA, POLICY, Put

MANAGE = Caller(CallerKind.PAYER, "acme", AMA, purpose="manage")
PAGER = Pager(b"a secret for page tokens")
PAYER = "partners/acme/payers/ama"
SETTINGS = AuthSettings(
    party=RelyingParty(rp_id="pay.example.com", origins=frozenset({"https://pay.example.com"})),
    issuer="https://pay.example.com", audience="test", pages_origin="https://pay.example.com",
)  # fmt: skip
ROUTES = Routes((Route("sandbox-card", 3),))


class CountingDispatcher:
    """Counts who is asked, and asks nobody."""

    def __init__(self):
        self.asked = []

    async def ask_now(self, operation):
        self.asked.append(operation.id)


class Door:
    """The services that a payer's token opens, called as somebody."""

    def __init__(self, shop):
        self.shop, self.dispatcher = shop, CountingDispatcher()
        self.payments = PaymentService(shop.engine, PAGER, ROUTES, SETTINGS, self.dispatcher)
        self.orders = OrderService(shop.engine, PAGER, ROUTES, None, None)
        self.refunds = RefundService(shop.engine, PAGER, POLICY)
        self.payers = PayerService(shop.engine, PAGER, None, None, None)

    async def call(self, service, name, request, caller=ACME):
        set_current(Call("test", caller, f"/keelpay.api.gateway.v1.{type(service).__name__}/{name}", 0))
        return await getattr(service, name)(request, None)

    async def order(self, number):
        return await self.shop.run(
            CreateOrder(
                caller=ACME, merchant="cafe", number=number, payer=AMA, currency="CNY", amount=10_000,
                description="tea", descriptor="", metadata="", expire_time=0,
            )
        )  # fmt: skip

    async def cancel(self, payment, caller, request_id=""):
        request = payment_request_pb2.CancelPaymentRequest(
            name=name_of(payment), request_id=request_id or str(uuid.uuid4())
        )
        return await self.call(self.payments, "CancelPayment", request, caller)


@pytest.fixture
def door(shop):
    return Door(shop)


def name_of(payment):
    return names.payment_name(payment.merchant, payment.id)


def link_of(payment):
    """Who holds a token for one payment."""
    return Caller(CallerKind.PAYER, "acme", AMA, purpose="pay", resource=name_of(payment))


async def reason_of(run):
    with pytest.raises(Refused) as refusal:
        await run
    return refusal.value.reason


async def test_a_payment_link_opens_its_payment_its_order_and_its_refunds_and_nothing_else(door):
    orders = [await door.order(f"o-{number}") for number in (1, 2)]
    payments = [await door.shop.pay(10_000, order=order.id) for order in orders]
    refunds = [await door.shop.refund(payment, 100) for payment in payments]

    def asks(at):
        return [
            (door.payments, "GetPayment", payment_service_pb2.GetPaymentRequest(name=name_of(payments[at]))),
            (door.orders, "GetOrder",
             order_service_pb2.GetOrderRequest(name=names.order_name("cafe", orders[at].id))),
            (door.refunds, "GetRefund",
             refund_service_pb2.GetRefundRequest(name=names.refund_name("cafe", refunds[at].id))),
        ]  # fmt: skip

    for ask in asks(0):
        await door.call(*ask, link_of(payments[0]))
    for ask in [*asks(0), *asks(1)]:
        await door.call(*ask, MANAGE)
    whole = [
        (door.payers, "GetPayer", payer_service_pb2.GetPayerRequest(name=PAYER)),
        (door.payers, "GetBalance", payer_service_pb2.GetBalanceRequest(name=PAYER)),
        (door.payers, "ListInstruments", payer_service_pb2.ListInstrumentsRequest(parent=PAYER)),
        (door.payers, "ListPayerPayments", payer_service_pb2.ListPayerPaymentsRequest(parent=PAYER)),
    ]
    for ask in [*asks(1), *whole]:
        assert await reason_of(door.call(*ask, link_of(payments[0]))) is Reason.NOT_OWNER, ask[1]
    assert await reason_of(door.cancel(payments[1], link_of(payments[0]))) is Reason.NOT_OWNER
    for ask in whole:
        await door.call(*ask, MANAGE)


async def test_a_payment_link_reads_an_order_that_names_no_payer(door):
    payment = await door.shop.pay(10_000, order=(await door.order("o-1")).id)
    order = await door.shop.get(type(await door.order("o-2")), payment.order)
    await door.shop.run(Put(rows=(order._replace(payer=""),)))
    request = order_service_pb2.GetOrderRequest(name=names.order_name("cafe", order.id))
    assert (await door.call(door.orders, "GetOrder", request, link_of(payment))).order.payer == ""
    assert await reason_of(door.call(door.orders, "GetOrder", request, MANAGE)) is Reason.NOT_OWNER


@pytest.mark.parametrize("caller", ["link", "manage"])
async def test_a_payer_calls_a_payment_off_before_it_is_at_the_bank_and_never_after(door, caller):
    held = await door.shop.pay(capture_method=2)
    assert held.state == PaymentState.AUTHORIZED
    person = link_of(held) if caller == "link" else MANAGE
    assert await reason_of(door.cancel(held, person)) is Reason.ILLEGAL_TRANSITION
    assert await door.shop.payment(held.id) == held
    assert (await door.cancel(held, ACME)).payment.cancel_requested
    for state in PaymentState:
        stored = held._replace(state=state, operation=None, authorization=None, authorized=0)
        if state >= PaymentState.PROCESSING:
            continue
        await door.shop.settle()
        other = stored._replace(id=bytes([state]) * 16, number=f"early-{state}", operations=0)
        await door.shop.run(Put(rows=(other,)))
        request_id = str(uuid.uuid4())
        person = link_of(other) if caller == "link" else MANAGE
        first = await door.cancel(other, person, request_id)
        again = await door.cancel(other, person, request_id)
        assert (first.payment.state, first.replayed, again.replayed) == (PaymentState.CANCELLED, False, True), state


async def test_a_bank_is_asked_once_for_one_sync_request(door):
    slow = await door.shop.instrument("tok-pending-for-ever")
    payment = await door.shop.pay(500, instrument=slow)
    assert payment.operation is not None
    request = payment_request_pb2.SyncPaymentRequest(name=name_of(payment), request_id=str(uuid.uuid4()))
    first = await door.call(door.payments, "SyncPayment", request)
    again = await door.call(door.payments, "SyncPayment", request)
    assert (first.replayed, again.replayed, again.payment) == (False, True, first.payment)
    assert door.dispatcher.asked == [payment.operation]
    request.request_id = str(uuid.uuid4())
    assert not (await door.call(door.payments, "SyncPayment", request)).replayed
    assert len(door.dispatcher.asked) == 2


async def test_a_payment_shows_all_that_was_asked_of_its_bank_oldest_first(door, monkeypatch):
    monkeypatch.setattr("keelpay_server.gateway.payment_reads.OPERATIONS_A_PAGE", 2)
    payment = await door.shop.pay(5_000)
    (made,) = await door.shop.operations(payment.id)
    # Keys that do not grow with the numbers, as those of two processes in one millisecond.
    more = [made._replace(id=bytes([99 - number]) * 16, number=number, state=3) for number in range(2, 7)]
    await door.shop.run(Put(rows=tuple(more)))
    get = payment_service_pb2.GetPaymentRequest(name=name_of(payment))
    shown = (await door.call(door.payments, "GetPayment", get)).payment.operations
    assert [operation.number for operation in shown] == [1, 2, 3, 4, 5, 6]


async def test_a_payment_that_is_captured_in_many_parts_shows_each_state_once(door):
    await door.shop.fill()
    payment = await door.shop.pay_from_balance_manually(1_000)
    lengths = []
    for _ in range(20):
        request = payment_request_pb2.CapturePaymentRequest(
            name=name_of(payment), request_id=str(uuid.uuid4()), amount=Money(currency_code="CNY", amount_minor=50)
        )
        shown = (await door.call(door.payments, "CapturePayment", request)).payment
        lengths.append(len((await door.shop.payment(payment.id)).history))
    states = [step.state for step in shown.transitions]
    assert len(states) == len(set(states))
    counts = {step.state: step.count for step in shown.transitions}
    assert counts[PaymentState.PARTIALLY_CAPTURED] == 19
    assert counts[PaymentState.CAPTURED] == 1
    parts = next(step for step in shown.transitions if step.state == PaymentState.PARTIALLY_CAPTURED)
    assert parts.time.ToMicroseconds() <= parts.last_time.ToMicroseconds() <= shown.update_time.ToMicroseconds()
    assert max(lengths[2:-1]) - min(lengths[2:-1]) < 20  # digits of the sums, and no row a capture


async def test_the_way_back_goes_to_the_bank_from_creation_or_from_confirmation(door, monkeypatch):
    shop, asked = door.shop, []
    rail, card = shop.rails["sandbox-card"], shop.card
    authorize_many = rail.authorize_many

    def watched(requests):
        asked.extend(request.return_uri for request in requests)
        return authorize_many(requests)

    monkeypatch.setattr(rail, "authorize_many", watched)

    async def made(number, **fields):
        request = payment_request_pb2.CreatePaymentRequest(
            parent="merchants/cafe", request_id=str(uuid.uuid4()), payment=payment_pb2.Payment(
                merchant_payment_id=number, payer=PAYER, amount=Money(currency_code="CNY", amount_minor=500), channel=3,
                instrument=names.instrument_name(AMA, card.id), region="CN", region_source=1,
            ), **fields,
        )  # fmt: skip
        return (await door.call(door.payments, "CreatePayment", request)).payment

    async def confirmed(payment, **fields):
        request = payment_request_pb2.ConfirmPaymentRequest(name=payment.name, request_id=str(uuid.uuid4()), **fields)
        await door.call(door.payments, "ConfirmPayment", request)

    await made("at-once", confirm=True, return_url="https://shop.example/1")
    await confirmed(await made("kept", return_url="https://shop.example/2"))
    await confirmed(await made("later", return_url="https://shop.example/no"), return_url="com.example.app://3")
    await confirmed(await made("nowhere"))
    assert asked == ["https://shop.example/1", "https://shop.example/2", "com.example.app://3", ""]


async def test_who_came_from_our_page_comes_back_to_it_and_goes_on_to_the_merchant_from_there(door, monkeypatch):
    asked = []
    rail = door.shop.rails["sandbox-card"]
    authorize_many = rail.authorize_many

    def watched(requests):
        asked.extend(request.return_uri for request in requests)
        return authorize_many(requests)

    monkeypatch.setattr(rail, "authorize_many", watched)
    create = payment_request_pb2.CreatePaymentRequest(
        parent="merchants/cafe", request_id=str(uuid.uuid4()), return_url="https://shop.example/thanks",
        payment=payment_pb2.Payment(
            merchant_payment_id="page-1", payer=PAYER, amount=Money(currency_code="CNY", amount_minor=500), channel=3,
            region="CN", region_source=1,
        ),
    )  # fmt: skip
    payment = (await door.call(door.payments, "CreatePayment", create)).payment
    session = ids.text("lnk", bytes(16))
    page = Caller(CallerKind.PAYER, "acme", AMA, purpose="pay", resource=payment.name, session=session)
    confirm = payment_request_pb2.ConfirmPaymentRequest(name=payment.name, request_id=str(uuid.uuid4()))
    paid = (await door.call(door.payments, "ConfirmPayment", confirm, page)).payment
    assert asked == ["https://pay.example.com/return"]
    assert paid.return_url == "https://shop.example/thanks"


async def test_a_bank_took_part_in_what_it_was_asked_for_alone(door):
    payment = await door.shop.pay(500)
    assert await took_part(door.shop.reader, payment.id, "sandbox-card")
    assert not await took_part(door.shop.reader, payment.id, "sandbox-wallet")
    assert not await took_part(door.shop.reader, payment.id, "")
    assert not await took_part(door.shop.reader, bytes(16), "sandbox-card")
