"""What a page must not do, and what comes of it when somebody tries: nothing is paid, and the person is told why."""

import asyncio
import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from keelpay.enums import ConfirmationState, PasskeyState, PaymentState
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.town import add_second, enrol, suspend

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIFE_S = 1.5
"""Of a payment and its link: long enough to make both, short enough to wait for."""
REQUEST = "0f2d3c4b-5a69-4788-8796-a5b4c3d2e1f"


async def altered(phone, method, alter):
    """From now on somebody between server and page alters the answers to a method."""

    async def tamper(route):
        answer = await route.fetch()
        body = await answer.json()
        alter(body)
        await route.fulfill(response=answer, json=body)

    await phone.page.route(f"**/{method}", tamper)


async def watched(phone, method):
    """The bodies of a method's requests, as they come."""
    bodies = []

    async def note(route):
        bodies.append(json.loads(route.request.post_data))
        await route.continue_()

    await phone.page.route(f"**/{method}", note)
    return bodies


async def uses(phone):
    """How often the authenticator signed."""
    (key,) = await phone.keys()
    return key["signCount"]


async def test_a_wrong_finger_pays_nothing_and_the_right_one_may_try_again(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.finger(right=False)
    await phone.press()
    assert "Not confirmed" in await phone.alert()
    assert await town.state(payment) is not PaymentState.CAPTURED
    await phone.finger(right=True)
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_an_amount_altered_on_the_way_to_the_screen_is_never_signed(town, phone, ann):
    payment = await town.payment(ann, 99_00)
    started = await watched(phone, "StartConfirmation")
    rejected = await watched(phone, "RejectConfirmation")

    def cheaper(body):
        body["session"]["checkout"]["payment"]["amount"]["amountMinor"] = "100"

    await altered(phone, "OpenSession", cheaper)
    await phone.open(await town.pay_link(payment))
    assert "¥1.00" in await phone.text()
    before = await uses(phone)
    await phone.press()
    assert "changed" in await phone.alert()
    assert "¥99.00" in await phone.text(), "the screen shows what the server says now"
    assert await uses(phone) == before
    assert len(started) == 1
    assert [each["rejection"] for each in rejected] == ["REJECTION_TERMS_DIFFER"]
    assert await town.state(payment) is not PaymentState.CAPTURED


@pytest.mark.parametrize("member", ["payeeName", "amountMinor", "instrumentDisplay", "currency", "paymentId", "rpId"])
async def test_terms_and_challenge_of_anything_else_are_never_signed(town, phone, ann, member):
    """Even a server that hashes what it sends cannot make a page sign what it does not show."""
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))

    def another(body):
        terms = body["confirmation"]["payment"] | {member: "1"}
        text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        challenge = hashlib.sha256(text.encode()).digest()
        options = json.loads(body["confirmation"]["optionsJson"])
        options["challenge"] = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        body["confirmation"] |= {
            "payment": terms, "challenge": base64.b64encode(challenge).decode(), "optionsJson": json.dumps(options),
        }  # fmt: skip

    await altered(phone, "StartConfirmation", another)
    before = await uses(phone)
    await phone.press()
    assert "changed" in await phone.alert()
    assert await uses(phone) == before
    assert await town.state(payment) is not PaymentState.CAPTURED


async def test_a_confirmation_is_not_spent_twice_nor_for_another_payment(town, phone, ann):
    first, second = await town.payment(ann), await town.payment(ann)
    spent = await watched(phone, "ConfirmPayment")
    await phone.open(await town.pay_link(first))
    await phone.press()
    await phone.shows("paid")
    (body,) = spent
    again = await phone.call("gateway.v1.PaymentService/ConfirmPayment", body | {"requestId": f"{REQUEST}1"})
    assert again["code"] in {"failed_precondition", "permission_denied"}
    await phone.open(await town.pay_link(second))
    foreign = {**body, "name": second.name, "requestId": f"{REQUEST}2"}
    other = await phone.call("gateway.v1.PaymentService/ConfirmPayment", foreign)
    assert other["code"] in {"failed_precondition", "permission_denied"}
    assert await town.state(second) is not PaymentState.CAPTURED


async def test_a_copied_key_is_refused_then_paused_and_the_person_is_told_what_to_do(town, phone, ann):
    await suspend(town, phone, ann)
    assert len(await town.passkeys(ann, PasskeyState.SUSPENDED)) == 1
    assert "Paused for your safety" in await phone.text()
    assert await phone.open(await town.manage_link(ann)) == "manage"
    shown = await phone.text()
    assert "Paused" in shown
    assert "ask your provider to recover your account" in shown
    assert await phone.page.get_by_role("button", name="Use again").count() == 0, "it does not speak for itself"
    assert await phone.page.locator("button.primary").count() == 0, "nor does it add another"


async def test_a_paused_key_is_used_again_once_another_device_of_the_person_says_so(town, phone, ann):
    second = await add_second(town, phone, ann)
    (original,) = await phone.keys()
    await suspend(town, phone, ann)
    await phone.open(await town.manage_link(ann))
    listed = []

    async def note(route):
        answer = await route.fetch()
        listed.append(json.loads((await answer.json())["confirmation"]["optionsJson"])["allowCredentials"])
        await route.fulfill(response=answer)

    await phone.page.route("**/StartConfirmation", note)
    await phone.plug_in(transport="usb")
    await phone.take_key(second)
    await phone.press("Use again")
    assert "It can pay again" in await phone.alert()
    assert [len(each) for each in listed] == [1], "the paused key itself is not asked"
    assert await town.passkeys(ann, PasskeyState.SUSPENDED) == []
    assert "New: up to ¥2,000.00" in await phone.text()

    await phone.plug_in()
    await phone.take_key({**original, "signCount": original["signCount"] + 10})
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_who_has_a_paused_key_and_no_other_way_to_pay_is_told_where_to_go(town, phone):
    person = await town.person(card="4242424242424242")
    await enrol(town, phone, person)
    await suspend(town, phone, person)
    payment = await town.dollar_payment(person)
    assert await phone.open(await town.pay_link(payment)) == "paused"
    assert "its settings say how to go on" in await phone.text()


async def test_a_synced_key_pays_and_is_known_as_one(town, phone):
    await phone.plug_in(defaultBackupEligibility=True, defaultBackupState=True)
    person = await town.person()
    await enrol(town, phone, person)
    (key,) = await town.passkeys(person)
    assert key.synced
    for _ in range(2):
        payment = await town.payment(person)
        await phone.open(await town.pay_link(payment))
        await phone.press()
        await phone.shows("paid")
    await phone.open(await town.manage_link(person))
    assert "Synced" in await phone.text()


async def test_an_authenticator_that_verifies_nobody_pays_nothing(town, phone, ann):
    (key,) = await phone.keys()
    await phone.plug_in(hasUserVerification=False, isUserVerified=False)
    await phone.take_key(key)
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    assert "Not confirmed" in await phone.alert()
    assert await town.state(payment) is not PaymentState.CAPTURED


async def test_an_authenticator_that_verifies_nobody_is_not_enrolled(town, phone):
    await phone.plug_in(hasUserVerification=False, isUserVerified=False)
    person = await town.person()
    await phone.open(await town.enrol_link(person))
    await phone.press()
    assert "Not set up" in await phone.alert()
    assert await town.passkeys(person) == []


async def test_a_device_is_not_set_up_twice(town, phone, ann):
    await phone.open(await town.manage_link(ann))
    await phone.press("Add this device")
    await phone.press("Set up now")
    assert "set up already" in await phone.alert()
    assert len(await town.passkeys(ann)) == 1


async def test_who_opens_a_link_after_its_owner_gets_nothing_and_the_owner_goes_on(town, phone, ann, chromium):
    payment = await town.payment(ann)
    link = await town.pay_link(payment)
    assert await phone.open(link) == "look"
    async with hold_phone(chromium) as thief:
        assert await thief.open(link) == "CHECKOUT_LINK_USED"
        assert "¥" not in await thief.text()
        assert await thief.page.evaluate("sessionStorage.getItem('session')") is None
    assert await phone.open(link) == "look", "the same link in the same tab resumes"
    await phone.press()
    await phone.shows("paid")


async def test_who_steals_a_link_before_it_is_opened_cannot_pay_with_it(town, phone, ann, chromium):
    payment = await town.payment(ann)
    link = await town.pay_link(payment)
    async with hold_phone(chromium) as thief:
        assert await thief.open(link) == "look"
        await thief.press()
        assert "Not confirmed" in await thief.alert()
        assert await town.state(payment) is not PaymentState.CAPTURED
    assert await phone.open(link) == "CHECKOUT_LINK_USED"
    assert "nobody can pay without your fingerprint" in await phone.text()
    assert await phone.open(await town.pay_link(payment)) == "look", "a new link is the owner's again"
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_an_older_link_says_that_there_is_a_newer_one(town, phone, ann):
    payment = await town.payment(ann)
    older = await town.pay_link(payment)
    await town.pay_link(payment)
    assert await phone.open(older) == "CHECKOUT_LINK_REPLACED"


async def test_a_page_whose_link_was_replaced_says_so_at_the_next_press_and_signs_nothing(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    newer = await town.pay_link(payment)
    await phone.page.wait_for_timeout(1_100)  # for how long a token may be believed
    before = await uses(phone)
    await phone.press()
    await phone.shows("CHECKOUT_LINK_REPLACED")
    assert await uses(phone) == before
    await phone.open(newer)
    await phone.press()
    await phone.shows("paid")


async def test_a_page_that_waits_for_the_bank_hears_of_a_newer_link_by_itself(town, phone):
    person = await town.person(card="4000000000000150")
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("bank")
    await town.pay_link(payment)
    await phone.shows("CHECKOUT_LINK_REPLACED")


@pytest.mark.parametrize(("fragment", "state"), [("", "NO_LINK"), ("#" + "x" * 43, "RESOURCE_NOT_FOUND")])
async def test_no_link_and_a_wrong_one_tell_nothing(town, phone, fragment, state):
    assert await phone.open(f"{town.pages}/pay{fragment}") == state


async def test_a_link_that_was_cut_off_says_so(town, phone, ann):
    link = await town.pay_link(await town.payment(ann))
    assert await phone.open(link[:-4]) == "RESOURCE_NOT_FOUND"


async def test_a_link_that_has_expired_shows_nothing_but_that(town, phone, ann):
    payment = await town.payment(ann, expire_time=datetime.now(UTC) + timedelta(seconds=LIFE_S))
    link = await town.pay_link(payment)
    await asyncio.sleep(LIFE_S)
    assert await phone.open(link) == "CHECKOUT_LINK_EXPIRED"
    assert "12.50" not in await phone.page.inner_text("body")
    assert not await town.is_paid(payment)


async def test_a_session_that_is_over_says_so(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    await phone.page.evaluate(
        "sessionStorage.setItem('session', JSON.stringify({value: 'e30.e30.e30', refresh: 1e15}))"
    )
    await phone.page.reload()
    await phone.shows("ended")


async def test_the_server_knows_of_no_confirmation_that_a_person_refused(town, phone, ann):
    started = []
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    phone.page.on("response", lambda answer: started.append(answer) if "StartConfirmation" in answer.url else None)
    await phone.finger(right=False)
    await phone.press()
    await phone.alert()
    name = (await started[0].json())["confirmation"]["name"]
    found = await town.partner.confirmations.get(name)
    assert found.state is ConfirmationState.REJECTED
