"""Checkout over a socket: a link opens once, its session shows and pays one payment, and leaves a receipt."""

import asyncio
import secrets
from base64 import urlsafe_b64encode

import pytest

from keelpay import (
    BrowserSigner,
    Card,
    PaymentMethod,
    Reason,
)
from keelpay.enums import ConfirmationMethod, PayerTokenKind, PaymentState
from keelpay.request_id import new_request_id
from keelpay.testing import PasskeySigner, SoftPasskey
from keelpay_server.auth.standing import STALE_US_MAX
from keelpay_server.book.times import SECOND_US
from tests.e2e.checkout import number, opened, refused, stranger, waiting
from tests.e2e.installation import ORIGIN, cny

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_link_shows_its_payment_to_whoever_opens_it_first_and_to_nobody_after(installation):
    made = installation
    payment = await waiting(made, amount=1_250, description="two coffees")
    link = await made.acme.orders.create_checkout_link(payment)
    assert link.url.startswith(f"{ORIGIN}/pay#")
    assert (link.kind, link.payer, link.payment) == (PayerTokenKind.PAY, made.ann.name, payment.name)
    first = await stranger(made).sessions.open(link.token)
    shown = first.session.checkout
    assert (shown.merchant_display_name, shown.description) == ("Cafe", "two coffees")
    assert (shown.payment.name, shown.payment.amount, shown.payment.payer) == (
        payment.name, cny(1_250), made.ann.name,
    )  # fmt: skip
    assert (first.session.passkey_active, first.session.rp_id, first.session.locale) == (True, "localhost", "zh-CN")
    error = await refused(stranger(made).sessions.open(link.token), Reason.CHECKOUT_LINK_USED)
    assert not {"cafe", "ann", "1250", "12.50"} & set(str(error).lower().split())


async def test_the_same_opening_may_be_repeated_and_gives_a_token_of_the_same_session(installation):
    made = installation
    payment = await waiting(made)
    link = await made.acme.orders.create_checkout_link(payment)
    request_id = new_request_id()
    await stranger(made).sessions.open(link.token, request_id=request_id)
    again = await stranger(made).sessions.open(link.token, request_id=request_id)
    assert again.replayed
    assert (await made.as_holder_of(again.token).payments.get(payment)).name == payment.name
    await refused(stranger(made).sessions.open(link.token), Reason.CHECKOUT_LINK_USED)


async def test_of_two_exchanges_at_once_one_is_answered(installation):
    made = installation
    link = await made.acme.orders.create_checkout_link(await waiting(made))
    answers = await asyncio.gather(
        *(stranger(made).sessions.open(link.token) for _ in range(6)), return_exceptions=True
    )
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(errors) == 5
    assert {error.reason for error in errors} == {Reason.CHECKOUT_LINK_USED}


async def test_a_guessed_link_is_not_there(installation):
    guess = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    await refused(stranger(installation).sessions.open(guess), Reason.RESOURCE_NOT_FOUND)


async def test_a_repeated_request_makes_the_same_link_and_a_new_one_takes_its_place(installation):
    made = installation
    payment, request_id = await waiting(made), new_request_id()
    first = await made.acme.orders.create_checkout_link(payment, request_id=request_id)
    again = await made.acme.orders.create_checkout_link(payment, request_id=request_id)
    assert (again.url, again.replayed) == (first.url, True)
    holder = made.as_holder_of((await stranger(made).sessions.open(first.token)).token)
    assert (await holder.sessions.refresh()).value
    newer = await made.acme.orders.create_checkout_link(payment)
    assert newer.url != first.url
    await refused(holder.sessions.refresh(), Reason.CHECKOUT_LINK_REPLACED)
    await stranger(made).sessions.open(newer.token)


async def test_within_a_second_of_a_newer_link_the_token_of_the_older_ones_page_does_nothing_at_all(installation):
    made = installation
    payment = await waiting(made)
    _, _, holder = await opened(made, payment)
    by_partner = made.as_holder_of(await made.acme.tokens.pay(made.ann.name, payment))
    assert (await holder.payments.get(payment)).name == payment.name
    newer = await made.acme.orders.create_checkout_link(payment)
    await asyncio.sleep(STALE_US_MAX / SECOND_US)
    for attempt in (
        holder.payments.get(payment), holder.payments.confirm(payment, made.ann.signer),
        holder.payments.cancel(payment), holder.sessions.get(),
    ):  # fmt: skip
        await refused(attempt, Reason.CHECKOUT_LINK_REPLACED)
    assert (await by_partner.payments.get(payment)).name == payment.name, "no link opened this one"
    page = made.as_holder_of((await stranger(made).sessions.open(newer.token)).token)
    assert (await page.payments.confirm(payment, made.ann.signer)).state is PaymentState.CAPTURED


async def test_an_unopened_link_ends_with_its_successor(installation):
    made = installation
    payment = await waiting(made)
    old = await made.acme.orders.create_checkout_link(payment)
    await made.acme.orders.create_checkout_link(payment)
    await refused(stranger(made).sessions.open(old.token), Reason.CHECKOUT_LINK_REPLACED)


async def test_only_the_partner_of_a_payment_links_to_it_and_only_while_it_waits(installation):
    made = installation
    payment, request_id = await waiting(made), new_request_id()
    await refused(made.rival.orders.create_checkout_link(payment), Reason.RESOURCE_NOT_FOUND)
    link = await made.acme.orders.create_checkout_link(payment, request_id=request_id)
    await made.acme.payments.cancel(payment)
    again = await made.acme.orders.create_checkout_link(payment, request_id=request_id)
    assert (again.url, again.replayed) == (link.url, True)
    error = await refused(made.acme.orders.create_checkout_link(payment), Reason.ILLEGAL_TRANSITION)
    assert error.metadata["from"] == "CANCELLED"
    nobodys = await made.acme.payments.create(
        made.acme.payments.draft(
            merchant=made.cafe, amount=cny(100), method=PaymentMethod.wallet("sandbox-wallet"),
            merchant_payment_id=number(),
        )
    )  # fmt: skip
    await refused(made.acme.orders.create_checkout_link(nobodys), Reason.FIELD_INVALID)


async def test_a_session_goes_on_by_its_own_token_and_not_by_one_that_a_partner_asked_for(installation):
    made = installation
    payment = await waiting(made)
    _, session, holder = await opened(made, payment)
    fresh = await holder.sessions.refresh()
    assert fresh.value != session.token.value
    assert (await made.as_holder_of(fresh).sessions.get()).checkout.payment.name == payment.name
    issued = await made.acme.tokens.pay(made.ann.name, payment)
    other = made.as_holder_of(issued)
    assert (await other.sessions.get()).session_end_time is None
    await refused(other.sessions.refresh(), Reason.RESOURCE_NOT_FOUND)


async def test_a_payments_link_never_enrols_and_reaches_no_other_payment(installation):
    made = installation
    _, _, holder = await opened(made, await waiting(made))
    other = await waiting(made)
    await refused(
        holder.passkeys.register(made.ann.name, SoftPasskey(origin=ORIGIN).create, display_name="Thief"),
        Reason.SCOPE_MISSING,
    )
    balance = PaymentMethod.balance(made.ann.name)
    for attempt in (
        holder.payments.get(other), holder.payments.options(other), holder.payments.receipt(other),
        holder.payments.choose(other, balance),
    ):  # fmt: skip
        await refused(attempt, Reason.RESOURCE_NOT_FOUND)


async def test_a_return_url_lies_below_what_the_merchant_registered(installation):
    made = installation
    await made.acme.merchants.update(made.bakery, return_origins=["https://shop.example", "com.example.shop:"])

    async def order(url, merchant=made.bakery):
        return await made.acme.orders.create(
            amount=cny(100), merchant_order_id=number(), merchant=merchant, return_url=url, payer=made.ann.name
        )

    for url in ("https://shop.example/done?a=1", "com.example.shop://back"):
        assert (await order(url)).return_url == url
    for url in (
        "https://shop.example.evil.com/", "https://shop.example@evil.com/", "https://evil.com/shop.example",
        "https://shop.example:8443/", "com.example.shop.evil://back", "https://SHOP.example\\@evil.com/",
    ):  # fmt: skip
        await refused(order(url), Reason.RETURN_URL_NOT_ALLOWED)
    await refused(order("https://shop.example/", made.cafe), Reason.RETURN_URL_NOT_ALLOWED)
    kept = await order("https://shop.example/kept")
    draft = made.acme.payments.draft(
        merchant=made.bakery, amount=cny(100), method=PaymentMethod.balance(made.ann.name), order=kept,
        merchant_payment_id=number(),
    )  # fmt: skip
    payment = await made.acme.payments.create(draft)
    assert payment.return_url == "https://shop.example/kept"
    _, session, holder = await opened(made, payment)
    assert session.session.checkout.return_url == "https://shop.example/kept"
    await holder.payments.confirm(payment, made.ann.signer)
    assert (await holder.payments.receipt(payment)).return_url == "https://shop.example/kept"


async def test_a_link_enrols_a_first_passkey_and_a_link_manages_what_is_there(installation):
    made = installation
    payer = await made.acme.payers.create(f"p{secrets.token_hex(4)}", locale="en", region="CN")
    link = await made.acme.tokens.enrol_link(payer, made.acme.attest(payer, amr=["otp"]))
    assert link.url.startswith(f"{ORIGIN}/enrol#")
    first = await stranger(made).sessions.open(link.token)
    assert (first.session.kind, first.session.passkey_active, first.session.checkout) == (
        PayerTokenKind.ENROL, False, None,
    )  # fmt: skip
    phone = SoftPasskey(origin=ORIGIN)
    holder = made.as_holder_of(await made.as_holder_of(first.token).sessions.refresh())
    await holder.passkeys.register(payer, phone.create, display_name="Phone", spc=True)
    manage = await made.acme.tokens.manage_link(payer)
    managed = await stranger(made).sessions.open(manage.token)
    assert (managed.session.kind, managed.session.passkey_active, managed.session.spc_offered) == (
        PayerTokenKind.MANAGE, True, True,
    )  # fmt: skip
    keeper = made.as_holder_of(managed.token)
    assert [key.display_name async for key in keeper.passkeys.list(payer)] == ["Phone"]
    await refused(stranger(made).sessions.open(link.token), Reason.CHECKOUT_LINK_USED)


async def test_secure_payment_confirmation_pays_by_a_session(installation):
    made = installation
    payer = await made.acme.payers.create(f"p{secrets.token_hex(4)}", locale="en", region="CN")
    phone = SoftPasskey(origin=ORIGIN)
    link = await made.acme.tokens.enrol_link(payer, made.acme.attest(payer, amr=["otp"]))
    holder = made.as_holder_of((await stranger(made).sessions.open(link.token)).token)
    await holder.passkeys.register(payer, phone.create, display_name="Phone", spc=True)
    stored = await made.acme.payers.tokenize(payer, Card(number="4242424242424242", expire_month=12, expire_year=2035))
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(700), method=PaymentMethod.card(stored.name), merchant_payment_id=number()
    )
    payment = await made.acme.payments.create(draft)
    _, session, page = await opened(made, payment)
    assert session.session.spc_offered
    paid = await page.payments.confirm(payment, PasskeySigner(phone), signing=ConfirmationMethod.SPC)
    assert paid.state is PaymentState.CAPTURED


async def test_the_browser_signer_hands_over_and_returns_when_the_payer_is_done(installation):
    made = installation
    opened_links = []

    async def page(link):
        opened_links.append(link)
        session = await stranger(made).sessions.open(link.token)
        holder = made.as_holder_of(session.token)
        shown = session.session.checkout
        await holder.payments.confirm(shown.payment, made.ann.signer)

    payment = await waiting(made)
    paid = await made.acme.payments.confirm(payment, BrowserSigner(opener=page))
    assert (paid.state, paid.name) == (PaymentState.CAPTURED, payment.name)
    assert [link.payment for link in opened_links] == [payment.name]

    async def says_no(link):
        session = await stranger(made).sessions.open(link.token)
        await made.as_holder_of(session.token).payments.cancel(session.session.checkout.payment)

    declined = await made.acme.payments.confirm(await waiting(made), BrowserSigner(opener=says_no))
    assert declined.state is PaymentState.CANCELLED


async def test_a_link_is_a_qr_code_without_script(installation):
    made = installation
    link = await made.acme.orders.create_checkout_link(await waiting(made))
    svg = link.qr_svg()
    assert svg.startswith("<svg ")
    assert svg.count("<path") == 1
    assert not any(word in svg for word in ("<script", "style=", "href", "class="))
    assert link.qr_svg() == svg
