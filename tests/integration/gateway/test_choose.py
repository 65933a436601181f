"""Another way to pay, chosen before anything is confirmed: from every state that waits for the payer, and no other."""

import secrets

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.choose import ChoosePaymentMethod
from keelpay_server.gateway.confirm import ConfirmPayment
from keelpay_server.gateway.create import CreatePayment
from keelpay_server.gateway.history import states_reached
from keelpay_server.gateway.instrument import InstrumentState
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.order_commands import CloseOrder, CreateOrder
from keelpay_server.gateway.payment import PaymentState

from .shop import ACME, AMA, BALANCE, CAFE

FROM_BALANCE = Method(BALANCE, None, None, "", "")


def with_card(card):
    return Method(card.channel, card.id, None, card.bank, card.token)


async def waiting(shop, method, *, go=False, order=None):
    row = await shop.run(
        CreatePayment(
            caller=ACME, merchant=CAFE, number=secrets.token_hex(6), order=order, payer=AMA, method=method, region="CN",
            region_source=1, currency="CNY", amount=1_000, capture_method=1, description="", descriptor="", metadata="",
            device="", expire_time=0, go=go, received_us=shop.engine.wall(),
        )
    )  # fmt: skip
    await shop.settle()
    return await shop.payment(row.id)


async def choose(shop, payment, method):
    return await shop.run(
        ChoosePaymentMethod(
            caller=ACME, payment=payment.id, name=names.payment_name(CAFE, payment.id), method=method,
            received_us=shop.engine.wall(),
        )
    )  # fmt: skip


async def refused(shop, payment, method, reason):
    with pytest.raises(Refused) as caught:
        await choose(shop, payment, method)
    assert caught.value.reason is reason
    assert await shop.payment(payment.id) == payment
    return caught.value


async def confirmed(shop, payment):
    await shop.run(ConfirmPayment(caller=ACME, payment=payment.id, received_us=shop.engine.wall()))
    await shop.settle()
    return await shop.payment(payment.id)


async def test_before_the_first_confirmation_the_way_is_just_another(shop):
    payment = await waiting(shop, FROM_BALANCE)
    chosen = await choose(shop, payment, with_card(shop.card))
    assert (chosen.state, chosen.instrument, chosen.bank) == (
        PaymentState.REQUIRES_CONFIRMATION, shop.card.id, "sandbox-card",
    )  # fmt: skip
    assert chosen.state_version == payment.state_version + 1
    assert (await confirmed(shop, chosen)).state == PaymentState.CAPTURED


async def test_a_payment_that_asked_for_a_finger_waits_for_its_confirmation_anew(shop):
    asked = await waiting(shop, FROM_BALANCE, go=True)
    assert asked.state == PaymentState.REQUIRES_ACTION
    chosen = await choose(shop, asked, with_card(shop.card))
    assert chosen.state == PaymentState.REQUIRES_CONFIRMATION
    passed = {PaymentState(row.state).name: row for row in states_reached(chosen.history)}
    assert set(passed) == {"REQUIRES_ACTION", "REQUIRES_PAYMENT_METHOD", "REQUIRES_CONFIRMATION"}
    assert passed["REQUIRES_CONFIRMATION"].times == 2
    spent = sum(row.system_us + row.bank_us + row.human_us for row in passed.values())
    assert spent == chosen.system_us + chosen.bank_us + chosen.human_us
    paid = await confirmed(shop, chosen)
    assert paid.state == PaymentState.CAPTURED
    assert paid.decision != asked.decision  # risk decided anew


async def test_after_a_decline_another_way_pays(shop):
    poor = await shop.instrument(token="tok-insufficient-funds")
    declined = await waiting(shop, with_card(poor), go=True)
    assert declined.state == PaymentState.REQUIRES_PAYMENT_METHOD
    chosen = await choose(shop, declined, with_card(shop.card))
    assert chosen.state == PaymentState.REQUIRES_CONFIRMATION
    assert (await confirmed(shop, chosen)).state == PaymentState.CAPTURED


async def test_after_a_decline_the_same_way_may_be_tried_again(shop):
    poor = await shop.instrument(token="tok-insufficient-funds")
    declined = await waiting(shop, with_card(poor), go=True)
    assert (await choose(shop, declined, with_card(poor))).state == PaymentState.REQUIRES_CONFIRMATION


async def test_what_is_over_takes_no_other_way(shop):
    paid = await shop.pay()
    error = await refused(shop, paid, FROM_BALANCE, Reason.PAYMENT_PAID)
    assert (error.metadata, error.message) == ({"state": "CAPTURED"}, "the payment is paid: it is CAPTURED")


async def test_what_is_at_a_bank_takes_no_other_way(shop):
    silent = await shop.instrument(token="tok-pending-for-ever")
    at_bank = await waiting(shop, with_card(silent), go=True)
    assert at_bank.operation is not None
    await refused(shop, at_bank, FROM_BALANCE, Reason.OPERATION_UNRESOLVED)


async def test_an_instrument_that_was_removed_is_no_way(shop):
    gone = await shop.instrument(state=InstrumentState.REMOVED)
    await refused(shop, await waiting(shop, FROM_BALANCE), with_card(gone), Reason.INSTRUMENT_NOT_USABLE)


async def test_anothers_instrument_is_not_there(shop):
    anothers = await shop.instrument(payer="acme/ben")
    await refused(shop, await waiting(shop, FROM_BALANCE), with_card(anothers), Reason.RESOURCE_NOT_FOUND)


async def test_a_closed_orders_payment_takes_no_other_way(shop):
    order = await shop.run(
        CreateOrder(
            caller=ACME, merchant=CAFE, number="o-1", payer=AMA, currency="CNY", amount=1_000, description="tea",
        )
    )  # fmt: skip
    payment = await waiting(shop, FROM_BALANCE, order=order.id)
    await shop.run(CloseOrder(caller=ACME, order=order.id, received_us=shop.engine.wall()))
    ended = await shop.payment(payment.id)
    error = await refused(shop, ended, with_card(shop.card), Reason.ILLEGAL_TRANSITION)
    assert error.metadata["from"] == "CANCELLED"


async def test_a_payment_whose_time_is_over_takes_no_other_way(shop):
    payment = await waiting(shop, FROM_BALANCE)
    await shop.engine.store.advance(31 * 60 * 1_000_000)
    error = await refused(shop, payment, with_card(shop.card), Reason.ILLEGAL_TRANSITION)
    assert error.metadata["from"] == "EXPIRED"
