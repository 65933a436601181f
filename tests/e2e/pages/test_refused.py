"""What a page must not do, and what comes of it when somebody tries: nothing is paid, and the person is told why."""

import base64
import hashlib
import json

import pytest

from keelpay.enums import ConfirmationState, PasskeyState, PaymentState
from tests.e2e.pages.town import add_second, enrol, suspend

pytestmark = pytest.mark.asyncio(loop_scope="session")
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
    before = await phone.signatures()
    await phone.press()
    assert "changed" in await phone.alert()
    assert "¥99.00" in await phone.text(), "the screen shows what the server says now"
    assert await phone.signatures() == before
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
    before = await phone.signatures()
    await phone.press()
    assert "changed" in await phone.alert()
    assert await phone.signatures() == before
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
