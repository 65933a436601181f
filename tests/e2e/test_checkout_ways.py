"""The ways to pay: what each needs, which comes first, how one is chosen, and what a receipt says of it."""

import secrets
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from keelpay import Device, PaymentMethod, Reason
from keelpay.api.gateway.v1 import payment_request_pb2
from keelpay.enums import Authentication, Channel, PaymentState
from keelpay.request_id import new_request_id
from tests.e2e.checkout import number, opened, refused, waiting
from tests.e2e.installation import BALANCE_MINOR, cny

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_payer_chooses_another_way_and_what_was_started_for_the_old_way_cannot_be_spent(installation):
    made = installation
    payment = await waiting(made, amount=2_000)
    _, _, holder = await opened(made, payment)
    started = await holder.confirmations.start(made.ann.name, payment=payment)
    old = made.ann.passkey.get(started.options_json)
    chosen = await holder.payments.choose(payment, PaymentMethod.card(made.ann.card))
    assert (chosen.state, chosen.instrument, chosen.channel) == (
        PaymentState.REQUIRES_CONFIRMATION, made.ann.card, Channel.CARD,
    )  # fmt: skip
    assert (await holder.confirmations.get(started.name)).state.name == "SUPERSEDED"
    request = payment_request_pb2.ConfirmPaymentRequest(
        name=payment.name, request_id=new_request_id(), confirmation=started.name, assertion_json=old
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await holder.stubs.payments.ConfirmPayment(request, metadata=await holder.metadata())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    paid = await holder.payments.confirm(chosen, made.ann.signer)
    assert (paid.state, paid.instrument) == (PaymentState.CAPTURED, made.ann.card)


async def test_choosing_the_same_way_again_changes_nothing(installation):
    made = installation
    payment = await waiting(made)
    _, _, holder = await opened(made, payment)
    same = await holder.payments.choose(payment, PaymentMethod.balance(made.ann.name))
    assert same.state_version == payment.state_version


async def test_a_payment_under_way_or_over_takes_no_other_way(installation):
    made = installation
    payment = await waiting(made)
    _, _, holder = await opened(made, payment)
    await holder.payments.confirm(payment, made.ann.signer)
    error = await refused(holder.payments.choose(payment, PaymentMethod.card(made.ann.card)), Reason.PAYMENT_PAID)
    assert error.metadata["state"] == "CAPTURED"


async def test_a_stranger_with_the_link_cannot_spend_the_stored_card_behind_it(installation):
    made = installation
    payment = await waiting(made, method=PaymentMethod.card(made.ann.card))
    _, _, holder = await opened(made, payment)
    asked = await holder.payments.confirm(payment)
    assert asked.state is PaymentState.REQUIRES_ACTION
    assert asked.next_action.biometric is not None
    assert asked.operations == ()
    paid = await holder.payments.confirm(asked, made.ann.signer)
    assert paid.state is PaymentState.CAPTURED


async def test_options_say_what_each_way_needs_and_what_stands_against_it(installation):
    made = installation
    payment = await waiting(made, amount=BALANCE_MINOR + 1)
    options = {option.display: option for option in await made.acme.payments.options(payment)}
    card = options["Visa •••• 4242"]
    assert (card.available, card.authentication, card.method.instrument) == (
        False,
        Authentication.PASSKEY,
        made.ann.card,
    )
    assert card.obstacle is Reason.PASSKEY_LIMIT_EXCEEDED
    balance = options["Balance"]
    assert (balance.available, balance.obstacle, balance.selected) == (False, Reason.INSUFFICIENT_FUNDS, True)
    wallet = next(option for option in options.values() if option.method.channel is Channel.WALLET)
    assert (wallet.available, wallet.authentication, wallet.recommended) == (True, Authentication.WALLET, True)
    small = await waiting(made, amount=100)
    ranked = await made.acme.payments.options(small)
    assert all(option.available for option in ranked)
    assert [option.recommended for option in ranked] == [True, *[False] * (len(ranked) - 1)]


async def test_the_way_used_last_comes_first(installation):
    made = installation
    for method in (PaymentMethod.card(made.ann.card), PaymentMethod.balance(made.ann.name)):
        done = await made.acme.payments.confirm(await waiting(made, method=method), made.ann.signer)
        assert done.state is PaymentState.CAPTURED
        ranked = await made.acme.payments.options(await waiting(made, amount=100))
        assert (ranked[0].method.channel, ranked[0].method.instrument) == (method.channel, method.instrument)


async def test_under_a_mandate_a_payment_needs_no_finger_on_a_device_that_its_payer_confirmed_on(installation):
    made = installation
    phone = secrets.token_hex(32)
    _, shown, holder = await opened(made, first := await waiting(made, made.ben, amount=100), phone)
    assert [option.balance for option in shown.session.checkout.options] == [None] * len(shown.session.checkout.options)
    assert (await holder.payments.confirm(first, made.ben.signer)).state is PaymentState.CAPTURED
    mandate = await made.acme.mandates.create(
        made.ben.signer, merchant=made.cafe, payer=made.ben.name, payment_max=cny(1_000), day_max=cny(1_500),
        expire_time=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip
    payment = await waiting(made, made.ben, amount=900)
    (option,) = [each for each in await made.acme.payments.options(payment) if each.display == "Balance"]
    assert (option.authentication, option.method.under_mandate) == (Authentication.MANDATE, mandate.name)
    assert not option.selected, "it has to be chosen: the payment is one without a mandate"
    assert (option.allowance.payment_max, option.allowance.left) == (cny(1_000), cny(1_500))
    for elsewhere in ("", "phone", secrets.token_hex(32)):
        _, shown, holder = await opened(made, payment, elsewhere)
        (balance,) = [each for each in shown.session.checkout.options if each.display == "Balance"]
        assert (balance.authentication, balance.balance, balance.allowance) == (Authentication.PASSKEY, None, None)
        chosen = await holder.payments.choose(payment, option.method)
        asked = await holder.payments.confirm(chosen)
        assert asked.next_action.biometric is not None
    _, shown, holder = await opened(made, payment, phone)
    (balance,) = [each for each in shown.session.checkout.options if each.display == "Balance"]
    assert (balance.authentication, balance.selected) == (Authentication.MANDATE, True)
    assert balance.balance is not None
    assert (await holder.payments.confirm(payment)).state is PaymentState.CAPTURED
    more = await waiting(made, made.ben, amount=900)
    (option,) = [each for each in await made.acme.payments.options(more) if each.display == "Balance"]
    assert (option.authentication, option.method.under_mandate) == (Authentication.PASSKEY, "")


async def test_an_app_with_a_token_of_its_own_spends_a_mandate_on_a_device_that_its_payer_confirmed_on(installation):
    made = installation
    mandate = await made.acme.mandates.create(
        made.ann.signer, merchant=made.cafe, payer=made.ann.name, payment_max=cny(1_000), day_max=cny(5_000),
        expire_time=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip
    phone, tablet = (Device(device_id=secrets.token_hex(32)) for _ in range(2))
    under = PaymentMethod.mandate(mandate.name, payer=made.ann.name)

    async def asked(device, signer=None):
        payment = await waiting(made, amount=700, method=under)
        holder = made.as_holder_of(await made.acme.tokens.pay(made.ann.name, payment))
        paid = await holder.payments.confirm(payment, signer, device=device)
        return paid.next_action is not None and paid.next_action.biometric is not None

    assert await asked(phone)
    assert not await asked(phone, made.ann.signer)
    assert not await asked(phone), "it is known now"
    assert await asked(tablet)
    assert await asked(None)
    payment = await waiting(made, amount=700, method=under)
    assert (await made.acme.payments.confirm(payment)).state is PaymentState.CAPTURED, "a partner's own call needs none"
    assert (await made.acme.mandates.revoke(mandate)).spent_total == cny(1_400)


async def test_a_receipt_tells_whom_what_from_what_and_what_came_back(installation):
    made = installation
    order = await made.acme.orders.create(
        amount=cny(3_000), merchant_order_id=number(), merchant=made.cafe, description="a cake", payer=made.ann.name
    )
    payment = await waiting(made, amount=3_000, order=order)
    _, _, holder = await opened(made, payment)
    await refused(holder.payments.receipt(payment), Reason.PAYMENT_NOT_PAID)
    paid = await holder.payments.confirm(payment, made.ann.signer)
    receipt = await holder.payments.receipt(payment)
    assert (receipt.merchant_display_name, receipt.description, receipt.merchant_number) == (
        "Cafe", "a cake", order.merchant_order_id,
    )  # fmt: skip
    assert (receipt.amount, receipt.captured, receipt.refunded) == (cny(3_000), cny(3_000), cny(0))
    assert (receipt.source_display, receipt.authentication) == ("Balance", Authentication.PASSKEY)
    assert receipt.pay_time == paid.transitions[-1].time
    await made.acme.refunds.create(paid, amount=cny(400))
    back = await holder.payments.receipt(payment)
    assert back.refunded == cny(400)
    by_card = await made.acme.payments.confirm(
        await waiting(made, method=PaymentMethod.card(made.ann.card)), made.ann.signer
    )
    receipt = await made.acme.payments.receipt(by_card)
    assert (receipt.source_display, receipt.rail_reference) == (
        "Visa •••• 4242", by_card.operations[0].rail_reference,
    )  # fmt: skip
