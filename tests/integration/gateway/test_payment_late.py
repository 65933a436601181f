"""Laws of what a bank says too late: it counts on its own operation, whatever the payment has become meanwhile."""

import random

import pytest

from keelpay_server.book.rail import OperationOutcome
from keelpay_server.gateway.capture import CancelPayment, CapturePayment
from keelpay_server.gateway.confirm import ConfirmPayment
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.operation import OperationKind, OperationState
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.refund import Refund, RefundState
from tests.integration.gateway.shop import ACME, BALANCE, WALLET, Shop

MANUAL = 2
SUCCEEDED, FAILED, UNKNOWN = OperationOutcome.SUCCEEDED, OperationOutcome.FAILED, OperationOutcome.UNKNOWN


async def given_up(shop: Shop, capture_method: int = 1):
    """A payment whose first authorization is given up, and that authorization."""
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card, capture_method=capture_method)
    (operation,) = await shop.operations(payment.id)
    await shop.answer(operation, FAILED, "PROCESSING_ERROR")
    return payment, operation


async def pay_again(shop: Shop, payment, used):
    """Pays with another instrument."""
    method = used if isinstance(used, Method) else Method(used.channel, used.id, None, used.bank, used.token)
    await shop.run(ConfirmPayment(caller=ACME, payment=payment.id, method=method, received_us=shop.engine.wall()))
    await shop.settle()
    return await shop.payment(payment.id)


async def resolved(shop: Shop, payment) -> bool:
    return all(each.state not in (1, 5) for each in await shop.operations(payment.id))


async def owed(shop: Shop, bank="sandbox-card") -> int:
    return (await shop.balance((await shop.bank(bank)).clearing("CNY")))[0]


async def test_a_late_reservation_of_an_ended_payment_is_voided_and_resolved(shop: Shop) -> None:
    payment, operation = await given_up(shop, MANUAL)
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.answer(operation, SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.operation) == (PaymentState.CANCELLED, None)
    assert [row.kind for row in await shop.operations(payment.id)] == [OperationKind.AUTHORIZE, OperationKind.VOID]
    assert await resolved(shop, payment)


async def test_a_late_reservation_leaves_the_hold_of_the_next_try_alone(shop: Shop) -> None:
    payment, operation = await given_up(shop, MANUAL)
    payment = await pay_again(shop, payment, shop.card)
    await shop.answer(operation, SUCCEEDED)
    assert (await shop.payment(payment.id)).state == PaymentState.AUTHORIZED
    first, second, void = await shop.operations(payment.id)
    assert (void.kind, void.original, void.state) == (OperationKind.VOID, first.id, OperationState.SUCCEEDED)
    assert second.hold.rest == 5_000
    await shop.run(CapturePayment(caller=ACME, payment=payment.id))
    await shop.settle()
    assert (await shop.payment(payment.id)).captured == 5_000


async def test_a_late_reservation_leaves_a_try_in_flight_its_place(shop: Shop) -> None:
    payment, operation = await given_up(shop, MANUAL)
    payment = await pay_again(shop, payment, await shop.instrument("tok-pending-for-ever"))
    await shop.answer(operation, SUCCEEDED)
    second = (await shop.operations(payment.id))[1]
    assert (await shop.payment(payment.id)).operation == second.id
    await shop.answer(second, SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.operation) == (PaymentState.AUTHORIZED, None)


@pytest.mark.parametrize("way", ["balance", "wallet"])
async def test_a_late_charge_is_booked_and_refunded_at_the_bank_that_took_it(shop: Shop, way: str) -> None:
    await shop.fill(50_000)
    before = await owed(shop)
    payment, operation = await given_up(shop)
    mandate = (await shop.pay_from_balance(100)).mandate
    wallet = await shop.instrument("tok-ok", "sandbox-wallet", WALLET)
    other = Method(BALANCE, None, mandate, "", "") if way == "balance" else wallet
    payment = await pay_again(shop, payment, other)
    assert payment.state == PaymentState.CAPTURED
    elsewhere = await owed(shop, "sandbox-wallet")
    await shop.answer(operation, SUCCEEDED)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    card = await shop.bank()
    assert (refund.amount, refund.bank, refund.transit, refund.suspense) == (5_000, card.id, card.number, card.number)
    assert refund.due_time - shop.engine.wall() > 3_600_000_000
    assert await owed(shop) == before - 5_000
    assert await owed(shop, "sandbox-wallet") == elsewhere
    assert (await shop.payment(payment.id)).captured == 5_000


async def test_a_capture_heard_late_is_the_merchants_where_the_hold_allows_it(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    shop.answers("capture", FAILED, "PROCESSING_ERROR")
    await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=4_000))
    await shop.settle()
    capture = (await shop.operations(payment.id))[1]
    assert capture.state == OperationState.FAILED
    await shop.answer(capture, SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.captured) == (PaymentState.PARTIALLY_CAPTURED, 4_000)


async def test_a_capture_heard_after_the_end_goes_back_to_the_payer(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    shop.answers("capture", FAILED, "PROCESSING_ERROR")
    await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=4_000))
    await shop.settle()
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.settle()
    authorization, capture, _ = await shop.operations(payment.id)
    await shop.answer(capture, SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.captured) == (PaymentState.CANCELLED, 0)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert (refund.amount, refund.original) == (4_000, authorization.id)


async def test_a_void_heard_late_ends_the_payment(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    shop.answers("void", FAILED, "PROCESSING_ERROR")
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.settle()
    void = (await shop.operations(payment.id))[1]
    await shop.answer(void, SUCCEEDED)
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_late_the_payment_keeps_what_it_has(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    capture_method = chance.choice([1, MANUAL])
    payment, operation = await given_up(shop, capture_method)
    tries = [operation]
    for _ in range(chance.randrange(3)):
        payment = await pay_again(shop, payment, await shop.instrument("tok-pending-for-ever"))
        tries.append((await shop.operations(payment.id))[-1])
        await shop.answer(tries[-1], FAILED, "PROCESSING_ERROR")
    chance.shuffle(tries)
    final = chance.choice(["card", "wallet", "cancel", "in flight"])
    early, late = tries[: len(tries) // 2], tries[len(tries) // 2 :]
    for each in early:
        await shop.answer(each, SUCCEEDED)
    if final == "cancel":
        await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    else:
        used = {"wallet": ("tok-ok", "sandbox-wallet", WALLET), "in flight": ("tok-pending-for-ever",)}.get(final, ())
        payment = await pay_again(shop, payment, await shop.instrument(*used))
    before = await shop.payment(payment.id)
    for each in late:
        await shop.answer(each, SUCCEEDED)
        await shop.answer(each, SUCCEEDED)
    after = await shop.payment(payment.id)
    kept = ("state", "operation", "authorization", "authorized", "captured", "released")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    unresolved = [row.id for row in await shop.operations(payment.id) if row.state in (1, 5)]
    assert unresolved == ([after.operation] if after.operation else [])
    refunds = await shop.reader.find(Refund, {"payment": payment.id})
    taken = 5_000 * len(tries) if capture_method == 1 else 0
    assert sum(each.amount for each in refunds) == taken
    assert {each.state for each in refunds} <= {RefundState.SUBMITTED, RefundState.SUCCEEDED, RefundState.FAILED}
