"""Laws of a payment on both databases: what is taken, held, given back, and what a bank's silence may not do."""

import pytest

from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.capture import CancelPayment, CapturePayment, ReleasePayment
from keelpay_server.gateway.confirm import ConfirmPayment
from keelpay_server.gateway.create import CreatePayment
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.operation import OperationKind, OperationState
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.refund import Refund
from tests.integration.gateway.shop import ACME, AMA, BALANCE, CAFE, DAY, Shop

MANUAL = 2


async def refused(shop: Shop, command, reason: Reason) -> Refused:
    with pytest.raises(Refused) as caught:
        await shop.run(command)
    assert caught.value.reason is reason
    return caught.value


def draft(shop: Shop, **fields):
    method = fields.pop("method", None) or Method(3, shop.card.id, None, shop.card.bank, shop.card.token)
    values = {
        "merchant": CAFE, "number": "n-1", "order": None, "payer": AMA, "method": method, "region": "CN",
        "region_source": 1, "currency": "CNY", "amount": 500, "capture_method": 1, "description": "",
        "descriptor": "", "metadata": "", "device": "", "expire_time": 0, "go": False,
        "received_us": shop.engine.wall(),
    }  # fmt: skip
    return CreatePayment(caller=ACME, **{**values, **fields})


async def test_a_captured_card_payment_has_its_fee_and_cost_in_the_books(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    assert payment.state == PaymentState.CAPTURED
    assert (payment.authorized, payment.captured, payment.fee) == (10_000, 10_000, 100)
    (operation,) = await shop.operations(payment.id)
    assert operation.state == OperationState.SUCCEEDED
    assert operation.cost > 0
    merchant = await shop.merchant()
    assert await shop.balance(merchant.unsettled(merchant.window_opened)) == (9_900, 0)


async def test_a_balance_payment_under_a_mandate_is_captured_in_one_commit(shop: Shop) -> None:
    await shop.fill(50_000)
    before = (await shop.reader.book()).sequence
    payment = await shop.pay_from_balance(20_000)
    assert payment.state == PaymentState.CAPTURED
    assert payment.operations == 0
    assert len(await shop.reader.journal(before)) == 1
    assert await shop.held() == (30_000, 0)


async def test_a_balance_is_never_debited_without_its_payer(shop: Shop) -> None:
    await shop.fill(50_000)
    payment = await shop.pay(1_000, method=Method(BALANCE, None, None, "", ""))
    assert payment.state == PaymentState.REQUIRES_ACTION
    again = await shop.run(ConfirmPayment(caller=ACME, payment=payment.id, received_us=shop.engine.wall()))
    assert again.state == PaymentState.REQUIRES_ACTION
    assert await shop.held() == (50_000, 0)


async def test_want_of_funds_is_a_decline_not_an_error_and_gives_the_mandate_back(shop: Shop) -> None:
    await shop.fill(1_000)
    payment = await shop.pay_from_balance(20_000)
    assert payment.state == PaymentState.REQUIRES_PAYMENT_METHOD
    assert '"reason": 1' in payment.failure
    assert (await shop.get_mandate(payment)).spent_total == 0


@pytest.mark.parametrize("channel,bank", [(1, "sandbox-wallet"), (3, "sandbox-card")])
async def test_a_mandate_over_the_balance_is_spent_for_the_balance_alone(shop: Shop, channel: int, bank: str) -> None:
    await shop.fill(50_000)
    agreed = (await shop.pay_from_balance(1_000)).mandate
    elsewhere = draft(shop, method=Method(channel, None, agreed, bank, ""), go=True)
    await refused(shop, elsewhere, Reason.MANDATE_PAYEE_MISMATCH)
    assert await shop.held() == (49_000, 0)


async def test_a_decline_releases_the_hold_and_keeps_the_payment_payable(shop: Shop) -> None:
    card = await shop.instrument("tok-insufficient-funds")
    payment = await shop.pay(5_000, instrument=card)
    assert payment.state == PaymentState.REQUIRES_PAYMENT_METHOD
    assert payment.operation is None
    other = Method(3, shop.card.id, None, shop.card.bank, shop.card.token)
    await shop.run(ConfirmPayment(caller=ACME, payment=payment.id, method=other, received_us=shop.engine.wall()))
    await shop.settle()
    assert (await shop.payment(payment.id)).state == PaymentState.CAPTURED


async def test_several_captures_cost_what_one_would_and_the_last_releases_the_rest(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    assert payment.state == PaymentState.AUTHORIZED
    for amount, final in ((3_333, False), (3_333, False), (1_000, True)):
        await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=amount, currency="CNY", final=final))
        await shop.settle()
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.CAPTURED
    assert (payment.captured, payment.released, payment.fee) == (7_666, 2_334, 77)


async def test_capture_beyond_the_hold_changes_nothing(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    capture = CapturePayment(caller=ACME, payment=payment.id, amount=10_001)
    refusal = await refused(shop, capture, Reason.HOLD_EXCEEDED)
    assert refusal.metadata == {"capturable_minor": "10000"}
    assert refusal.message == "100.01 CNY was asked for, 100.00 CNY can be captured"
    await refused(
        shop, CapturePayment(caller=ACME, payment=payment.id, amount=1, currency="USD"), Reason.CURRENCY_MISMATCH
    )
    assert await shop.payment(payment.id) == payment


async def test_a_held_balance_is_captured_in_parts_and_released(shop: Shop) -> None:
    await shop.fill(50_000)
    payment = await shop.pay_from_balance_manually(20_000)
    assert payment.state == PaymentState.AUTHORIZED
    assert await shop.held() == (50_000, 20_000)
    await shop.run(CapturePayment(caller=ACME, payment=payment.id, amount=5_000))
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.PARTIALLY_CAPTURED
    await shop.run(ReleasePayment(caller=ACME, payment=payment.id))
    payment = await shop.payment(payment.id)
    assert (payment.state, payment.captured, payment.released) == (PaymentState.CAPTURED, 5_000, 15_000)
    assert await shop.held() == (45_000, 0)


async def test_cancel_voids_an_authorization_at_its_bank(shop: Shop) -> None:
    payment = await shop.pay(10_000, capture_method=MANUAL)
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.settle()
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.CANCELLED
    kinds = [operation.kind for operation in await shop.operations(payment.id)]
    assert kinds == [OperationKind.AUTHORIZE, OperationKind.VOID]


async def test_a_captured_payment_cannot_be_cancelled(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    error = await refused(shop, CancelPayment(caller=ACME, payment=payment.id), Reason.ILLEGAL_TRANSITION)
    assert error.metadata == {"from": "CAPTURED", "to": "CANCELLED"}


@pytest.mark.parametrize("token", ["tok-timeout", "tok-request-lost", "tok-pending-success", "tok-contradiction"])
async def test_a_bank_that_is_silent_late_or_contradicts_itself_charges_once(shop: Shop, token: str) -> None:
    card = await shop.instrument(token)
    payment = await shop.pay(5_000, instrument=card)
    for _ in range(12):
        operations = await shop.operations(payment.id)
        for operation in operations:
            await shop.dispatcher.ask_now(operation)
        await shop.settle()
        shop.pass_bank_time(3)
    payment = await shop.payment(payment.id)
    charged = [
        operation for operation in await shop.operations(payment.id)
        if operation.state == OperationState.SUCCEEDED and operation.kind == OperationKind.AUTHORIZE
    ]  # fmt: skip
    assert len(charged) <= 1
    if payment.state == PaymentState.CAPTURED:
        assert payment.captured == 5_000
    else:
        refunds = await shop.reader.find(Refund, {"payment": payment.id})
        assert sum(refund.amount for refund in refunds) == 5_000


async def test_while_the_outcome_is_unknown_nothing_else_is_done_and_it_never_expires(shop: Shop) -> None:
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card)
    await shop.advance(DAY)
    payment = await shop.payment(payment.id)
    assert payment.operation is not None
    assert payment.state in (PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION)
    await refused(shop, ConfirmPayment(caller=ACME, payment=payment.id), Reason.OPERATION_UNRESOLVED)


async def test_cancel_asked_while_unknown_refunds_a_success(shop: Shop) -> None:
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card)
    (operation,) = await shop.operations(payment.id)
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.answer(operation, OperationOutcome.SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.CAPTURED
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert refund.amount == 5_000


async def test_cancel_asked_while_unknown_ends_cancelled_on_a_decline(shop: Shop) -> None:
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card)
    (operation,) = await shop.operations(payment.id)
    shop.answers("void", OperationOutcome.UNKNOWN, "TIMEOUT")
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.answer(operation, OperationOutcome.DECLINED, "DO_NOT_HONOR")
    assert (await shop.payment(payment.id)).state == PaymentState.CANCELLED


async def test_a_late_success_revives_nothing_and_refunds_itself(shop: Shop) -> None:
    card = await shop.instrument("tok-pending-for-ever")
    payment = await shop.pay(5_000, instrument=card)
    (operation,) = await shop.operations(payment.id)
    await shop.answer(operation, OperationOutcome.FAILED, "PROCESSING_ERROR")
    await shop.run(CancelPayment(caller=ACME, payment=payment.id))
    await shop.answer(operation, OperationOutcome.SUCCEEDED)
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.CANCELLED
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert refund.amount == 5_000
    await shop.answer(operation, OperationOutcome.SUCCEEDED)
    assert len(await shop.reader.find(Refund, {"payment": payment.id})) == 1


async def test_a_result_heard_twice_changes_nothing_twice(shop: Shop) -> None:
    payment = await shop.pay(5_000)
    (operation,) = await shop.operations(payment.id)
    before = (await shop.reader.book()).sequence
    for outcome in (OperationOutcome.SUCCEEDED, OperationOutcome.DECLINED, OperationOutcome.UNKNOWN):
        await shop.answer(operation, outcome)
    assert (await shop.reader.book()).sequence == before
    assert await shop.payment(payment.id) == payment


async def test_a_paid_payment_that_is_confirmed_again_is_told_to_be_paid(shop: Shop) -> None:
    paid = await shop.pay()
    error = await refused(shop, ConfirmPayment(caller=ACME, payment=paid.id), Reason.PAYMENT_PAID)
    assert (error.metadata, error.reason.en) == ({"state": "CAPTURED"}, "This payment is already paid.")
    assert await shop.payment(paid.id) == paid


async def test_confirm_after_expiry_changes_nothing(shop: Shop) -> None:
    payment = await shop.run(draft(shop))
    await shop.engine.store.advance(DAY)
    await refused(shop, ConfirmPayment(caller=ACME, payment=payment.id), Reason.ILLEGAL_TRANSITION)
    await shop.do_due()
    payment = await shop.payment(payment.id)
    assert payment.state == PaymentState.EXPIRED
    assert payment.authorized == 0


async def test_a_payment_declined_at_its_bank_still_expires(shop: Shop) -> None:
    card = await shop.instrument("tok-insufficient-funds")
    payment = await shop.pay(5_000, instrument=card)
    assert payment.state == PaymentState.REQUIRES_PAYMENT_METHOD
    await shop.advance(DAY)
    assert (await shop.payment(payment.id)).state == PaymentState.EXPIRED


async def test_a_hold_that_nobody_captures_goes_back(shop: Shop) -> None:
    await shop.fill(50_000)
    balance = await shop.pay_from_balance_manually(20_000)
    card = await shop.pay(10_000, capture_method=MANUAL)
    await shop.advance(8 * DAY)
    assert (await shop.payment(balance.id)).state == PaymentState.EXPIRED
    assert (await shop.payment(card.id)).state == PaymentState.CANCELLED
    assert await shop.held() == (50_000, 0)


async def test_a_merchants_number_is_taken_once(shop: Shop) -> None:
    await shop.run(draft(shop, number="same"))
    await refused(shop, draft(shop, number="same", amount=7), Reason.MERCHANT_NUMBER_TAKEN)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"currency": "USD"}, Reason.CURRENCY_MISMATCH),
        ({"merchant": "nobody"}, Reason.RESOURCE_NOT_FOUND),
        ({"payer": "acme/nobody"}, Reason.RESOURCE_NOT_FOUND),
        ({"payer": "", "method": Method(BALANCE, None, None, "", "")}, Reason.BALANCE_NEEDS_PAYER),
        ({"method": Method(5, None, None, "", "")}, Reason.UNSUPPORTED_BY_RAIL),
        ({"order": bytes(16)}, Reason.RESOURCE_NOT_FOUND),
        ({"expire_time": 1}, Reason.FIELD_INVALID),
    ],
)
async def test_a_bad_draft_is_refused_with_its_reason_and_takes_no_number(shop: Shop, fields, reason: Reason) -> None:
    await refused(shop, draft(shop, number="n-bad", **fields), reason)
    assert (await shop.run(draft(shop, number="n-bad"))).state == PaymentState.REQUIRES_CONFIRMATION


async def test_every_microsecond_belongs_to_the_system_the_bank_or_a_person(shop: Shop) -> None:
    payment = await shop.pay(5_000)
    assert payment.system_us + payment.bank_us + payment.human_us == pytest.approx(
        payment.update_time - payment.create_time, abs=20_000
    )
    assert payment.human_us == 0
