"""A person's own devices and permissions: add with an old one, remove, stop a stranger's recovery, small payments."""

import pytest

from keelpay import PaymentMethod
from keelpay.enums import MandateState, PasskeyState
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.town import MERCHANT

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def mandates(town, person):
    """Mandates a person gave."""
    return [each async for each in town.partner.mandates.list(merchant=MERCHANT, payer=person.name)]


async def test_a_second_device_is_added_only_with_the_first_ones_finger(town, phone, ann):
    await phone.open(await town.manage_link(ann))
    await phone.another(transport="usb")
    await phone.press("Add this device")
    await phone.page.get_by_label("Name of this device").fill("Ann's laptop")
    await phone.press("Set up now")
    await phone.shows("vouch")
    assert len(await town.passkeys(ann)) == 1
    assert "Ann's laptop" in await phone.text()
    await phone.press()
    await phone.shows("manage")
    assert {key.display_name for key in await town.passkeys(ann)} >= {"Ann's laptop"}


async def test_a_removed_device_is_asked_about_first_and_never_pays_again(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.manage_link(ann))
    await phone.press("Remove")
    await phone.press("Keep it")
    assert len(await town.passkeys(ann)) == 1
    await phone.press("Remove")
    await phone.page.locator("dialog .danger").click()
    assert await phone.alert() == "Removed."
    assert await town.passkeys(ann) == []
    await phone.open(await town.pay_link(payment))
    assert "Needs fingerprint or face set up" in await phone.text()


async def test_small_payments_are_allowed_within_signed_limits_and_ended_again(town, phone, ann):
    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.page.get_by_label("¥50.00").check()
    await phone.page.get_by_label("3 months").check()
    await phone.press("Continue")
    await phone.shows("agree")
    shown = await phone.text()
    assert "Let Blue Door Café take up to ¥50.00\xa0CNY without asking" in shown
    assert "¥150.00" in shown
    assert await mandates(town, ann) == []
    await phone.press()
    await phone.shows("agreed")
    (mandate,) = await mandates(town, ann)
    assert mandate.payment_max.amount_minor == 50_00
    assert mandate.day_max.amount_minor == 150_00

    before = await phone.signatures()
    for method in (None, PaymentMethod.mandate(mandate.name, payer=ann.name)):
        payment = await town.payment(ann, 40_00, method=method)
        await phone.open(await town.pay_link(payment))
        shown = await phone.text()
        assert "No confirmation needed" in shown
        assert "You allowed up to ¥50.00" in shown
        await phone.press("Pay ¥40.00")
        await phone.shows("paid")
        assert await town.is_paid(payment)
        paid = await town.partner.payments.get(payment)
        assert (paid.mandate, paid.confirmation) == (mandate.name, "")
    assert "Left today: ¥110.00" in shown
    assert await phone.signatures() == before, "nobody was asked for a finger"
    (mandate,) = await mandates(town, ann)
    assert mandate.spent_total.amount_minor == 80_00

    await phone.open(await town.manage_link(ann))
    assert "Up to ¥50.00\xa0CNY each, ¥150.00\xa0CNY a day" in await phone.text()
    await phone.press("End")
    await phone.page.locator("dialog .danger").click()
    assert await phone.alert() == "Ended."
    (mandate,) = await mandates(town, ann)
    assert mandate.state is MandateState.REVOKED


async def test_a_mandate_that_another_hand_altered_is_not_signed(town, phone, ann):
    async def dearer(route):
        answer = await route.fetch()
        body = await answer.json()
        body["confirmation"]["mandate"]["paymentMaxMinor"] = "500000"
        await route.fulfill(response=answer, json=body)

    await phone.page.route("**/StartMandate", dearer)
    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.press("Continue")
    await phone.shows("agree")
    assert "¥5,000.00" not in await phone.text(), "the screen shows what the person chose"
    await phone.press()
    await phone.shows("agreed")
    (mandate,) = await mandates(town, ann)
    assert mandate.payment_max.amount_minor == 50_00


async def test_who_lost_every_device_recovers_on_a_new_one_that_has_to_wait(town, phone, ann, chromium):
    async with hold_phone(chromium) as new:
        await new.open(await town.recovery_link(ann))
        await new.press()
        await new.shows("cooling")
        assert "Until then your old devices can stop it" in await new.text()
    assert [key.display_name for key in await town.passkeys(ann, PasskeyState.COOLING)] == ["New phone"]
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")


async def test_an_old_device_stops_a_recovery_that_is_not_its_owners(town, phone, ann):
    registration = await town.partner.passkeys.start_recovery(
        ann.name, town.partner.attest(ann.name, amr=["otp"], purpose="recover"), display_name="A stranger's phone"
    )
    token = await town.partner.tokens.enrol(ann.name, town.partner.attest(ann.name, amr=["otp"]))
    async with town.partner.with_token(token) as stranger:
        credential = ann.passkey.create(registration.options_json)
        await stranger.passkeys.finish_registration(registration, credential)
    assert len(await town.passkeys(ann, PasskeyState.COOLING)) == 1
    await phone.open(await town.manage_link(ann))
    shown = await phone.text()
    assert "A stranger's phone" in shown
    assert "Somebody recovers your account" in shown
    await phone.press("That is not me: stop it")
    assert "Stopped" in await phone.alert()
    assert await town.passkeys(ann, PasskeyState.COOLING) == []
    assert len(await town.passkeys(ann)) == 1


async def test_the_back_button_leads_from_every_step_to_the_one_before(town, phone, ann):
    link = await town.manage_link(ann)
    await phone.open(link)
    await phone.press()
    await phone.shows("add")
    await phone.page.go_back()
    await phone.shows("manage")
    await phone.press()
    await phone.shows("add")
    await phone.press("Back")
    await phone.shows("manage")

    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.page.get_by_label("¥20.00").check()
    await phone.press("Continue")
    await phone.shows("agree")
    await phone.page.go_back()
    await phone.shows("mandate")
    assert await phone.page.get_by_label("¥20.00").is_checked(), "what was chosen is still chosen"
    await phone.press("Continue")
    await phone.shows("agree")
    await phone.press()
    await phone.shows("agreed")
    assert [each.payment_max.amount_minor for each in await mandates(town, ann)] == [20_00]


async def test_who_removes_the_last_device_is_told_before_and_led_to_a_recovery_after(town, phone, ann):
    await phone.open(await town.manage_link(ann))
    await phone.press("Remove")
    dialog = phone.page.locator("dialog")
    assert "only your provider can recover your account" in await dialog.inner_text()
    await dialog.get_by_role("button", name="Remove").click()
    await phone.page.get_by_text("or recovers your account").wait_for()
    assert await phone.page.locator("button.primary").count() == 0, "nothing is offered that cannot work"
    await phone.open(await town.enrol_link(ann))
    await phone.press("Set up now")
    assert "ask your provider to recover your account" in await phone.alert()


@pytest.mark.parametrize("where", ["enrol", "add"])
async def test_a_name_that_was_typed_outlives_the_other_language_and_a_wrong_finger(town, phone, ann, where):
    if where == "add":
        await phone.open(await town.manage_link(ann))
        await phone.press("Add this device")
        await phone.another(transport="usb")
    else:
        ann = await town.person()
        await phone.open(await town.enrol_link(ann))
    await phone.page.locator("input").fill("Ann's own")
    await phone.press("中文")
    await phone.page.get_by_text("设备名称").wait_for()
    assert await phone.page.locator("input").input_value() == "Ann's own"
    if where == "enrol":
        await phone.finger(right=False)
        await phone.press("立即设置")
        await phone.alert()
        await phone.finger(right=True)
        assert await phone.page.locator("input").input_value() == "Ann's own"
    await phone.press("立即设置")
    await phone.shows("vouch" if where == "add" else "enrolled")


async def test_of_a_wrong_finger_for_a_device_or_a_permission_nothing_is_said_of_payments(town, phone, ann):
    await phone.open((await town.manage_link(ann)).replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.press()
    await phone.shows("agree")
    await phone.finger(right=False)
    await phone.press()
    assert await phone.alert() == "Not confirmed. Please try again."
