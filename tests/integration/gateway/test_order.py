"""Orders through the real engine: made, paid once, closed and expired, whatever their payment's bank says."""

import pytest

from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.capture import CancelPayment
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.operation import OperationKind
from keelpay_server.gateway.order import Order, OrderState
from keelpay_server.gateway.order_commands import LIFE_US, LIFE_US_MAX, CloseOrder, CreateOrder
from keelpay_server.gateway.payment import Payment, PaymentState
from keelpay_server.gateway.refund import Refund, RefundState

from .shop import ACME, AMA, CAFE, SECOND, WALLET

_S = OrderState
_P = PaymentState


async def order_of(shop, number="o-1", **fields):
    asked = {"merchant": CAFE, "number": number, "payer": AMA, "currency": "CNY", "amount": 10_000, **fields}
    return await shop.run(CreateOrder(caller=ACME, **asked))


async def close(shop, order):
    return await shop.run(CloseOrder(caller=ACME, order=order.id, received_us=shop.engine.wall()))


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason
    return refusal.value


async def test_an_order_is_open_for_two_hours_unless_it_says_otherwise(shop):
    order = await order_of(shop)
    assert order.state == _S.OPEN
    assert 0 <= order.expire_time - order.create_time - LIFE_US <= SECOND
    now = (await shop.reader.book()).business_us
    await refused(order_of(shop, "o-2", expire_time=now + LIFE_US_MAX + 60 * SECOND), Reason.FIELD_INVALID)
    await refused(order_of(shop, "o-3", expire_time=1), Reason.FIELD_INVALID)


async def test_an_order_that_cannot_be_is_refused(shop):
    await order_of(shop, "taken")
    await refused(order_of(shop, "taken"), Reason.MERCHANT_NUMBER_TAKEN)
    await refused(order_of(shop, "o-2", currency="USD"), Reason.CURRENCY_MISMATCH)
    refusal = await refused(order_of(shop, "o-3", amount=10**16), Reason.AMOUNT_OUT_OF_RANGE)
    assert refusal.metadata == {"min_minor": "1", "max_minor": str(10**15)}
    assert refusal.message == "100000000000000.00 CNY is more than the largest order, 10000000000000.00 CNY"
    await refused(order_of(shop, "o-4", payer="acme/nobody"), Reason.RESOURCE_NOT_FOUND)
    await refused(order_of(shop, "o-5", merchant="nobody"), Reason.RESOURCE_NOT_FOUND)


async def test_an_order_of_one_payer_is_paid_by_that_payer(shop):
    order = await order_of(shop, payer="acme/ama")
    by_wallet = Method(WALLET, None, None, "sandbox-wallet", "")
    refusal = await refused(shop.pay(order=order.id, payer="", method=by_wallet), Reason.FIELD_INVALID)
    assert refusal.violations == (("payment.payer", "must be the payer that the order names"),)


async def test_a_payment_pays_the_whole_order(shop):
    order = await order_of(shop, amount=1_250)
    refusal = await refused(shop.pay(1_249, order=order.id), Reason.AMOUNT_OUT_OF_RANGE)
    assert refusal.metadata == {"min_minor": "1250", "max_minor": "1250"}
    assert refusal.message == "a payment pays the whole order, 12.50 CNY; 12.49 CNY was given"


async def test_an_order_is_paid_once(shop):
    order = await order_of(shop)
    payment = await shop.pay(order=order.id)
    order = await shop.get(Order, order.id)
    assert (order.state, order.payment) == (_S.PAID, payment.id)
    await refused(shop.pay(order=order.id), Reason.ORDER_PAID)
    await refused(close(shop, order), Reason.ORDER_PAID)


async def test_an_order_has_one_live_payment(shop):
    order = await order_of(shop)
    await shop.pay(order=order.id, instrument=await shop.instrument("tok-pending-for-ever"))
    await refused(shop.pay(order=order.id), Reason.ORDER_HAS_LIVE_PAYMENT)


async def test_an_open_order_expires_and_takes_no_payment(shop):
    order = await order_of(shop)
    await shop.advance(LIFE_US)
    order = await shop.get(Order, order.id)
    assert (order.state, await shop.work(order.id)) == (_S.EXPIRED, None)
    await refused(shop.pay(order=order.id), Reason.ORDER_CLOSED)
    await refused(close(shop, order), Reason.ILLEGAL_TRANSITION)


async def test_an_order_whose_payment_is_at_the_bank_waits_for_it_before_it_expires(shop):
    order = await order_of(shop)
    payment = await shop.pay(order=order.id, instrument=await shop.instrument("tok-pending-for-ever"))
    await shop.advance(LIFE_US)
    assert (await shop.get(Order, order.id)).state == _S.OPEN
    await shop.answer((await shop.operations(payment.id))[0], OperationOutcome.SUCCEEDED)
    assert (await shop.get(Order, order.id)).state == _S.PAID


async def test_closing_an_order_that_nobody_pays_ends_it(shop):
    order = await close(shop, await order_of(shop))
    assert (order.state, await shop.work(order.id)) == (_S.CLOSED, None)
    await refused(close(shop, order), Reason.ILLEGAL_TRANSITION)
    await refused(shop.pay(order=order.id), Reason.ORDER_CLOSED)


async def test_closing_cancels_a_payment_that_no_bank_has_heard_of(shop):
    order = await order_of(shop)
    await shop.fill(20_000)
    payment = await unconfirmed(shop, order)
    order = await close(shop, order)
    assert (order.state, order.payment) == (_S.CLOSED, None)
    assert (await shop.payment(payment.id)).state == _P.CANCELLED


async def test_closing_waits_for_the_bank_and_refunds_a_capture_that_came_too_late(shop):
    order = await order_of(shop)
    payment = await shop.pay(order=order.id, instrument=await shop.instrument("tok-pending-for-ever"))
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    order = await close(shop, order)
    assert order.state == _S.CLOSING
    await refused(shop.pay(order=order.id), Reason.ORDER_CLOSED)
    await shop.answer((await shop.operations(payment.id))[0], OperationOutcome.SUCCEEDED, cost=45)
    payment, order = await shop.payment(payment.id), await shop.get(Order, order.id)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert (payment.state, payment.captured, order.state) == (_P.CAPTURED, 10_000, _S.CLOSED)
    assert (refund.amount, refund.from_fee, refund.from_unsettled) == (10_000, 100, 9_900)
    assert "order.paid" not in await shop.events()
    refunds = await shop.operations(refund.id)
    assert [row.kind for row in refunds] == [OperationKind.REFUND]


async def test_closing_voids_what_was_only_authorized(shop):
    order = await order_of(shop)
    pending = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(order=order.id, instrument=pending, capture_method=2)
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    await close(shop, order)
    shop.answers_again("void")
    await shop.answer((await shop.operations(payment.id))[0], OperationOutcome.SUCCEEDED)
    payment, order = await shop.payment(payment.id), await shop.get(Order, order.id)
    assert (payment.state, payment.captured, order.state) == (_P.CANCELLED, 0, _S.CLOSED)
    assert [row.kind for row in await shop.operations(payment.id)] == [OperationKind.AUTHORIZE, OperationKind.VOID]


async def test_closing_ends_when_the_bank_declines(shop):
    order = await order_of(shop)
    payment = await shop.pay(order=order.id, instrument=await shop.instrument("tok-pending-for-ever"))
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    await close(shop, order)
    await shop.answer((await shop.operations(payment.id))[0], OperationOutcome.DECLINED, "DO_NOT_HONOR")
    assert (await shop.get(Order, order.id)).state == _S.CLOSED
    assert (await shop.payment(payment.id)).state == _P.CANCELLED


async def test_a_payment_cancelled_at_the_bank_leaves_its_order_open_for_another(shop):
    order = await order_of(shop)
    payment = await shop.pay(order=order.id, instrument=await shop.instrument("tok-pending-for-ever"))
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    await shop.run(CancelPayment(payment=payment.id, received_us=shop.engine.wall()))
    await shop.answer((await shop.operations(payment.id))[0], OperationOutcome.SUCCEEDED)
    order = await shop.get(Order, order.id)
    assert (order.state, order.payment) == (_S.OPEN, None)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert refund.state in (RefundState.SUBMITTED, RefundState.SUCCEEDED, RefundState.FAILED)
    assert (await shop.pay(order=order.id)).state == _P.CAPTURED
    assert (await shop.get(Order, order.id)).state == _S.PAID


async def unconfirmed(shop, order) -> Payment:
    """A payment of the order that waits for its payer."""
    payment = await shop.pay(order=order.id, method=Method(2, None, None, "", ""))
    assert payment.state == _P.REQUIRES_ACTION
    return payment
