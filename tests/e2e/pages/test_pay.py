"""The way a payment is meant to go: set up once, open a link, one press, one finger, a receipt."""

import re

import pytest

from keelpay import PaymentMethod
from keelpay.enums import CaptureMethod, PaymentState
from tests.e2e.installation import until
from tests.e2e.pages.town import SHOP, enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
CARD, DECLINED, APPROVED_IN_APP = "4242424242424242", "4000000000000010", "4000000000000135"
SILENT, REDIRECTED = "4000000000000184", "4000000000000150"


async def test_a_person_enrols_in_two_steps_and_pays_with_one_press(town, phone):
    person = await town.person()
    await enrol(town, phone, person)  # one press, one finger
    (key,) = await town.passkeys(person)
    assert not key.synced
    told = await phone.text()
    assert "¥2,000.00" in told, "the limit of a new key is told"
    assert re.search(r"each until .*\d", told), "and until when"
    assert "Your provider will let you know" in told, "we write to nobody ourselves"

    payment = await town.payment(person)
    assert await phone.open(await town.pay_link(payment)) == "look"
    shown = await phone.text()
    assert "Pay Blue Door Café" in shown
    assert "¥12.50" in shown
    assert "2 flat whites" in shown
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_the_token_leaves_the_address_at_once(town, phone, ann):
    link = await town.pay_link(await town.payment(ann))
    await phone.open(link)
    assert phone.page.url == link.partition("#")[0]
    assert link.partition("#")[2] not in await phone.page.evaluate("JSON.stringify([sessionStorage, localStorage])")


async def test_the_receipt_has_an_address_of_its_own_and_the_back_button_leads_from_it(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    assert await phone.page.get_by_role("link", name="Back to Blue Door Café").get_attribute("href") == SHOP
    await phone.press("Receipt")
    await phone.shows("receipt")
    assert phone.page.url.endswith("/receipt")
    shown = await phone.text()
    for part in ("Blue Door Café", "¥12.50", "2 flat whites", "Balance"):
        assert part in shown
    await phone.page.reload()
    await phone.shows("receipt")
    await phone.page.go_back()
    await phone.shows("paid")


async def test_another_way_of_paying_is_chosen_and_signed_for(town, phone):
    person = await town.person(card=CARD)
    await enrol(town, phone, person)
    payment = await town.payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.page.get_by_label("4242").check()
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)
    assert (await town.partner.payments.get(payment)).instrument == person.card


async def test_a_declined_card_is_told_and_the_next_way_pays(town, phone):
    person = await town.person(card=DECLINED)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    assert "not enough money" in await phone.alert()
    await phone.page.get_by_label("Balance").check()
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_a_payment_that_is_approved_elsewhere_goes_on_by_itself(town, phone):
    person = await town.person(card=APPROVED_IN_APP)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("approve")
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_a_bank_that_does_not_decide_is_waited_for_over_a_reload(town, phone):
    person = await town.person(card=SILENT)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("working")
    await phone.page.reload()
    await phone.shows("working")
    assert await town.state(payment) is PaymentState.PROCESSING


async def test_the_banks_own_page_is_one_press_away(town, phone):
    person = await town.person(card=REDIRECTED)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("bank")
    address = await phone.page.locator("a.primary").get_attribute("href")
    assert address == (await town.partner.payments.get(payment)).next_action.redirect.url


async def test_a_wallet_asks_in_its_own_app(town, phone):
    person = await town.person()
    method = PaymentMethod.wallet(payer=person.name, instrument=person.wallet)
    payment = await town.payment(person, method=method)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await until(lambda: town.is_paid(payment), "the wallet")
    await phone.shows("paid")


async def test_reserved_money_is_not_called_paid(town, phone, ann):
    payment = await town.payment(ann, capture_method=CaptureMethod.MANUAL)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("reserved")
    assert await town.state(payment) is PaymentState.AUTHORIZED


async def test_cancelling_is_asked_first_and_then_final(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press("Cancel payment")
    await phone.press("Keep it")
    assert await phone.state() == "look"
    await phone.press("Cancel payment")
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")
    assert await town.state(payment) is PaymentState.CANCELLED


async def test_a_keyboard_is_enough(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    for _ in range(12):
        await phone.page.keyboard.press("Tab")
        if await phone.page.evaluate("document.activeElement.className === 'primary'"):
            break
    await phone.page.keyboard.press("Enter")
    await phone.shows("paid")
    assert await phone.page.evaluate("document.activeElement.id") == "title", "a screen reader is where the news is"


async def test_the_language_is_the_browsers_until_the_person_says_otherwise(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.press("中文")
    await phone.page.get_by_role("heading", name="向Blue Door Café付款").wait_for()
    assert await phone.page.locator("html").get_attribute("lang") == "zh-CN"
    await phone.page.reload()
    await phone.shows("look")
    await phone.press("用指纹或面容确认")
    await phone.shows("paid")
    assert "付款成功" in await phone.text()


async def test_whoever_has_no_passkey_is_told_where_to_set_one_up_and_a_payment_link_never_does_it(town, phone):
    person = await town.person(wallet=False, card="4242424242424242")
    payment = await town.dollar_payment(person)
    assert await phone.open(await town.pay_link(payment)) == "setUpFirst"
    body = {"parent": person.name, "requestId": "0f2d3c4b-5a69-4788-8796-a5b4c3d2e1f0", "displayName": "Mine"}
    answer = await phone.call("auth.v1.PasskeyService/StartRegistration", body)
    assert answer["code"] == "permission_denied"
    assert await town.passkeys(person) == []


async def test_the_page_does_not_propose_one_way_and_praise_another(town, phone, ann):
    wallet = PaymentMethod.wallet(payer=ann.name, instrument=ann.wallet)
    praised = 0
    for method in (PaymentMethod.balance(ann.name), wallet):
        await phone.open(await town.pay_link(await town.payment(ann, method=method)))
        marked = phone.page.locator("label.row:has(em)")
        assert await marked.locator("input:not(:checked)").count() == 0
        praised += await marked.count()
    assert praised, "where both are the same, it says so"


async def test_where_no_way_can_pay_each_says_what_stands_against_it(town, phone):
    person = await town.person(wallet=False)
    await enrol(town, phone, person)
    payment = await town.dollar_payment(person)
    assert await phone.open(await town.pay_link(payment)) == "noWay"
    shown = await phone.text()
    for words in ("None of your ways to pay can pay this", "$12.50", "Dollar Store", "Balance\nNot enough money"):
        assert words in shown
    await phone.press("Cancel payment")
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")


async def test_another_way_is_proposed_only_where_there_is_one(town, phone, ann):
    await phone.finger(right=False)
    await phone.open(await town.pay_link(await town.payment(ann)))
    await phone.press()
    assert "another way to pay" in await phone.alert()

    person = await town.person(wallet=False, card="4242424242424242")
    other = await town.enrol_link(person)
    await phone.finger(right=True)
    await phone.plug_in()
    await phone.open(other)
    await phone.press()
    await phone.shows("enrolled")
    await phone.finger(right=False)
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    assert await phone.page.locator("label.row input:enabled").count() == 1
    await phone.press()
    assert await phone.alert() == "Not confirmed. Nothing was taken. Please try again."


async def test_wallets_are_called_as_people_call_them_in_each_language(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    assert "Alipay" in await phone.text()
    await phone.press("中文")
    await phone.page.get_by_label("支付宝").check()
    await phone.press("前往支付宝")
    await phone.shows("paid")
    await phone.press("付款凭证")
    await phone.shows("receipt")
    assert "支付宝" in await phone.text()
