"""Laws of how payments end: holds, cancels at the bank, mandates and reviews that do not outlive them."""

import secrets

import pytest

from keelpay_server.auth.mandate import Mandate, MandateState
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import confirm
from keelpay_server.gateway.capture import CancelPayment, CapturePayment, ReleasePayment
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.order import Order, OrderState
from keelpay_server.gateway.order_commands import CloseOrder, CreateOrder
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.refund import Refund
from keelpay_server.risk.decision import Outcome
from keelpay_server.risk.review import DecideReview, Review, ReviewState, Verdict
from tests.integration.gateway.shop import ACME, AMA, BALANCE, CAFE, CARD, DAY, Put, Shop

MANUAL = 2
HOUR = 3_600_000_000
SUCCEEDED, FAILED, UNKNOWN = OperationOutcome.SUCCEEDED, OperationOutcome.FAILED, OperationOutcome.UNKNOWN


async def cancel(shop: Shop, payment) -> None:
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.settle()


async def order_of(shop: Shop, amount: int = 5_000):
    return await shop.run(
        CreateOrder(
            caller=ACME, merchant=CAFE, number=secrets.token_hex(4), payer="", currency="CNY", amount=amount,
            expire_time=0, description="", descriptor="", metadata="",
        )
    )  # fmt: skip


async def states(shop: Shop, payment, order):
    """Where a payment and its order stand."""
    return (await shop.payment(payment.id)).state, (await shop.get(Order, order.id)).state


# ---- holds


async def test_a_hold_is_voided_again_until_its_bank_has_done_it(shop: Shop) -> None:
    payment = await shop.pay(5_000, capture_method=MANUAL)
    shop.answers("void", FAILED, "PROCESSING_ERROR")
    await shop.advance(8 * DAY)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.cancel_requested) == (PaymentState.AUTHORIZED, False)
    for _ in range(3):
        await shop.advance(DAY)
    assert len(await shop.operations(payment.id)) == 5
    shop.answers_again("void")
    await shop.advance(2 * DAY)
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED
    assert await shop.work(payment.authorization) is None


@pytest.mark.parametrize("taken", [0, 100])
async def test_a_hold_whose_bank_denies_every_void_ends_when_it_has_lapsed(shop: Shop, taken: int) -> None:
    payment = await shop.pay(5_000, capture_method=MANUAL)
    if taken:
        await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=taken))
        await shop.settle()
    shop.answers("void", FAILED, "ALREADY_VOIDED")
    await shop.advance(13 * DAY)
    await shop.advance(DAY - HOUR)
    assert (await shop.payment(payment.id)).state not in (PaymentState.EXPIRED, PaymentState.CAPTURED)
    await shop.advance(3 * DAY)
    payment = await shop.payment(payment.id)
    assert payment.state == (PaymentState.CAPTURED if taken else PaymentState.EXPIRED)
    assert (payment.captured, payment.released) == (taken, 5_000 - taken)
    assert await shop.work(payment.authorization) is None


async def test_a_hold_ends_although_a_capture_was_in_flight_at_its_time(shop: Shop) -> None:
    payment = await shop.pay(5_000, capture_method=MANUAL)
    shop.answers("capture", UNKNOWN, "TIMEOUT")
    await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=100))
    await shop.settle()
    await shop.advance(8 * DAY)
    capture = (await shop.operations(payment.id))[1]
    await shop.answer(capture, FAILED, "PROCESSING_ERROR")
    assert (await shop.payment(payment.id)).state == PaymentState.AUTHORIZED
    await shop.advance(2 * HOUR)
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED


async def test_a_cancel_that_its_bank_did_not_carry_out_is_asked_for_again(shop: Shop) -> None:
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card, capture_method=MANUAL)
    (operation,) = await shop.operations(payment.id)
    shop.answers("void", FAILED, "PROCESSING_ERROR")
    await cancel(shop, payment)
    await shop.answer(operation, SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.cancel_requested) == (PaymentState.AUTHORIZED, False)
    shop.answers_again("void")
    await shop.advance(2 * HOUR)
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED


@pytest.mark.parametrize("captured", [True, False])
async def test_an_order_that_closes_ends_with_its_payment(shop: Shop, captured: bool) -> None:
    order = await order_of(shop)
    payment = await shop.pay(5_000, order=order.id, capture_method=MANUAL)
    shop.answers("void", FAILED, "PROCESSING_ERROR")
    await shop.run(CloseOrder(caller=ACME, order=order.id))
    await shop.settle()
    assert await states(shop, payment, order) == (PaymentState.AUTHORIZED, OrderState.CLOSING)
    if captured:
        await shop.run(CapturePayment(caller=ACME, payment=payment.id))
        await shop.settle()
        assert await states(shop, payment, order) == (PaymentState.CAPTURED, OrderState.CLOSED)
    else:
        shop.answers_again("void")
        await shop.advance(2 * HOUR)
        assert await states(shop, payment, order) == (PaymentState.CANCELLED, OrderState.CLOSED)


# ---- cancel at the bank


@pytest.mark.parametrize("capture_method", [1, MANUAL])
@pytest.mark.parametrize("token", ["tok-pending-for-ever", "tok-redirect", "tok-late-success"])
async def test_a_cancel_at_the_bank_is_a_void_by_key(shop: Shop, token: str, capture_method: int) -> None:
    order = await order_of(shop)
    card = await shop.instrument(token)
    payment = await shop.pay(5_000, instrument=card, order=order.id, capture_method=capture_method)
    assert payment.operation is not None
    await cancel(shop, payment)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.operation) == (PaymentState.CANCELLED, None)
    (operation,) = await shop.operations(payment.id)
    assert (operation.state, operation.code, operation.hold.rest) == (OperationState.FAILED, "VOIDED", 0)
    order = await shop.get(Order, order.id)
    assert (order.state, order.payment) == (OrderState.OPEN, None)
    shop.pass_bank_time(90 * 60)
    await shop.dispatcher.ask_now(operation)
    await shop.settle()
    assert await shop.payment(payment.id) == payment


async def test_a_void_by_key_is_asked_for_until_the_bank_answers(shop: Shop) -> None:
    payment = await shop.pay(5_000, instrument=await shop.instrument("tok-pending-for-ever"))
    shop.answers("void", UNKNOWN, "TIMEOUT")
    await cancel(shop, payment)
    assert (await shop.payment(payment.id)).state == PaymentState.REQUIRES_ACTION
    shop.answers_again("void")
    (operation,) = await shop.operations(payment.id)
    await shop.dispatcher.ask_now(operation)
    await shop.settle()
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED


async def test_a_cancel_that_comes_after_the_charge_gives_it_back(shop: Shop) -> None:
    payment = await shop.pay(5_000, instrument=await shop.instrument("tok-pending-success"))
    shop.pass_bank_time(3)
    await shop.rails["sandbox-card"].query_many([payment.operation])
    await cancel(shop, payment)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.captured) == (PaymentState.CAPTURED, 5_000)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert refund.amount == 5_000


# ---- mandates


async def spent(shop: Shop, payment) -> int:
    return (await shop.get_mandate(payment)).spent_total


async def test_a_mandate_gets_back_what_was_not_taken(shop: Shop) -> None:
    await shop.fill(100_000)
    cancelled = await shop.pay_from_balance_manually(20_000)
    assert await spent(shop, cancelled) == 20_000
    await cancel(shop, cancelled)
    assert await spent(shop, cancelled) == 0
    released = await shop.pay_from_balance_manually(20_000)
    await shop.run(CapturePayment(caller=ACME, payment=released.id, amount=5_000))
    assert await spent(shop, released) == 20_000
    await shop.run(ReleasePayment(caller=ACME, payment=released.id))
    assert await spent(shop, released) == 5_000
    final = await shop.pay_from_balance_manually(20_000)
    await shop.run(CapturePayment(caller=ACME, payment=final.id, amount=7_000, final=True))
    assert await spent(shop, final) == 7_000
    expired = await shop.pay_from_balance_manually(20_000)
    await shop.advance(8 * DAY)
    assert await spent(shop, expired) == 0


async def test_a_day_gets_back_only_what_was_spent_on_it(shop: Shop) -> None:
    await shop.fill(100_000)
    held = await shop.pay_from_balance_manually(20_000)
    again = Method(BALANCE, None, held.mandate, "", "")
    await cancel(shop, held)
    assert (await shop.get_mandate(held)).spent_day == 0
    held = await shop.pay(20_000, method=again, capture_method=MANUAL)
    await shop.advance(DAY)
    await shop.pay(30_000, method=again)
    await cancel(shop, held)
    mandate = await shop.get_mandate(held)
    assert (mandate.spent_day, mandate.spent_total) == (30_000, 30_000)


async def test_a_mandate_used_up_by_a_payment_that_its_bank_declines_is_active_again(shop: Shop) -> None:
    card = await shop.instrument("tok-insufficient-funds")
    mandate = Mandate(
        id=secrets.token_bytes(16), merchant=CAFE, payer=AMA, instrument=card.id, currency="CNY", payment_max=10**9,
        day_max=10**9, total_max=5_000, day_zone="Asia/Shanghai", state=MandateState.ACTIVE, state_version=1, day=0,
        spent_day=0, spent_total=0, confirmation=bytes(16), expire_time=1 << 60, create_time=1, update_time=1,
    )  # fmt: skip
    await shop.run(Put(rows=(mandate,)))
    payment = await shop.pay(5_000, method=Method(CARD, card.id, mandate.id, card.bank, card.token))
    assert payment.state == PaymentState.REQUIRES_PAYMENT_METHOD
    mandate = await shop.get(Mandate, mandate.id)
    assert (mandate.state, mandate.spent_total) == (MandateState.ACTIVE, 0)


# ---- reviews


@pytest.fixture
def reviewing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop where risk wants a person to look at everything."""
    assess = confirm.assess

    def review(world, signals):
        return assess(world, signals)._replace(outcome=int(Outcome.REVIEW), review=world.new_id())

    monkeypatch.setattr(confirm, "assess", review)
    return shop


async def review_of(shop: Shop, payment) -> Review:
    (review,) = await shop.reader.find(Review, {"payment": payment.id})
    return review


async def judge(shop: Shop, payment, verdict: Verdict):
    review = await review_of(shop, payment)
    await shop.run(DecideReview(caller=ACME, review=review.id, verdict=verdict, comment="looked at"))
    await shop.settle()
    return await shop.payment(payment.id)


async def test_a_rejected_review_gives_balance_and_mandate_back(reviewing: Shop) -> None:
    await reviewing.fill(50_000)
    payment = await reviewing.pay_from_balance(20_000)
    assert (payment.state, await reviewing.held()) == (PaymentState.IN_REVIEW, (50_000, 20_000))
    payment = await judge(reviewing, payment, Verdict.REJECT)
    assert (payment.state, await reviewing.held()) == (PaymentState.REJECTED, (50_000, 0))
    assert await spent(reviewing, payment) == 0
    assert (await review_of(reviewing, payment)).state == ReviewState.REJECTED


@pytest.mark.parametrize("how", ["expires", "is cancelled"])
@pytest.mark.parametrize("source", ["balance", "card"])
async def test_a_review_closes_with_its_payment(reviewing: Shop, how: str, source: str) -> None:
    await reviewing.fill(50_000)
    payment = await (reviewing.pay_from_balance(20_000) if source == "balance" else reviewing.pay(20_000))
    assert payment.state == PaymentState.IN_REVIEW
    if how == "expires":
        await reviewing.advance(DAY)
    else:
        await cancel(reviewing, payment)
    payment = await reviewing.payment(payment.id)
    assert payment.state == (PaymentState.EXPIRED if how == "expires" else PaymentState.CANCELLED)
    assert (await review_of(reviewing, payment)).state == ReviewState.CLOSED
    assert payment.mandate is None or await spent(reviewing, payment) == 0


async def test_what_may_not_be_charged_now_cannot_be_approved(reviewing: Shop) -> None:
    late = await reviewing.pay(5_000)
    await reviewing.engine.store.advance(DAY)
    with pytest.raises(Refused) as caught:
        await judge(reviewing, late, Verdict.APPROVE)
    assert caught.value.reason is Reason.ILLEGAL_TRANSITION
    frozen = await reviewing.pay(5_000)
    payer = await reviewing.payer()
    await reviewing.run(Put(rows=(payer._replace(state=2),)))
    with pytest.raises(Refused) as caught:
        await judge(reviewing, frozen, Verdict.APPROVE)
    assert caught.value.reason is Reason.PAYER_FROZEN
    assert (await review_of(reviewing, frozen)).state == ReviewState.OPEN
    await reviewing.run(Put(rows=(payer,)))
    assert (await judge(reviewing, frozen, Verdict.APPROVE)).state == PaymentState.CAPTURED
    await reviewing.do_due()
    assert (await reviewing.payment(late.id)).state == PaymentState.EXPIRED
