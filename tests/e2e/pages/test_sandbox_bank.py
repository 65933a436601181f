"""From a link to "Paid" by way of the sandbox bank's page, as a person walks it: yes, no, twice, late, and unasked."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import Error

from keelpay import PaymentMethod
from keelpay.enums import PaymentState
from tests.e2e.installation import cny
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.screens_at_bank import EXPIRED
from tests.e2e.pages.town import MERCHANT, SHOP, enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
REDIRECTED = "4000000000000150"
BACK_AT_ONCE = "**/return"
ANSWERS = "**/keelpay.api.sandbox.v1.BankPageService/AnswerChallenge"


async def sent_to_bank(town, phone):
    """Somebody whose card's bank asks by itself, on the page that says so; returns the payment and the way there."""
    person = await town.person(card=REDIRECTED)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("bank")
    return payment, await phone.page.locator("a.primary").get_attribute("href")


async def at_bank(town, phone):
    """The same, one press later."""
    sent = await sent_to_bank(town, phone)
    await phone.page.locator("a.primary").click()
    await phone.shows("challenge")
    return sent


async def still_at_bank(town, payment):
    """Whether the bank has not decided."""
    return await town.is_in(payment, PaymentState.REQUIRES_ACTION)


@asynccontextmanager
async def answers_counted(phone):
    """Counts what is sent to the bank."""
    sent = []

    async def count(route):
        sent.append(route.request.post_data_json)
        await route.continue_()

    await phone.page.route(ANSWERS, count)
    yield sent
    await phone.page.unroute(ANSWERS)


async def test_approved_at_the_bank_is_paid_with_one_press(town, phone):
    payment, way = await at_bank(town, phone)
    text = await phone.text()
    assert "sandbox bank of a test installation" in text
    assert "12.50" in text
    assert "Blue Door".upper() in text.upper()
    assert await phone.page.evaluate("location.hash") == ""
    assert way.startswith(f"{town.pages}/sandbox-bank#")
    assert await still_at_bank(town, payment)
    await phone.press("Approve")
    await phone.shows("paid")
    assert await town.is_paid(payment)
    assert phone.page.url == f"{town.pages}/return"
    assert await phone.page.locator("a.primary").get_attribute("href") == SHOP


async def test_refused_at_the_bank_takes_nothing_and_says_so(town, phone):
    payment, _ = await at_bank(town, phone)
    await phone.press("Refuse")
    await phone.shows("look")
    assert "You said no. Nothing was taken." in await phone.alert()
    now = await town.partner.payments.get(payment)
    assert (now.state, now.last_failure.rail_code) == (PaymentState.REQUIRES_PAYMENT_METHOD, "REJECTED_BY_PAYER")


async def test_in_chinese_too(town, chromium):
    async with hold_phone(chromium, locale="zh-CN") as phone:
        payment, _ = await at_bank(town, phone)
        assert "沙盒银行" in await phone.text()
        await phone.press("批准")
        await phone.shows("paid")
        assert await town.is_paid(payment)


async def test_the_page_left_open_beside_the_bank_goes_on_by_itself(town, phone):
    payment, way = await sent_to_bank(town, phone)
    beside = await phone.context.new_page()
    phone.follow(beside)
    await beside.goto(way)
    await beside.get_by_role("button", name="Approve").click()
    await phone.shows("paid")
    await beside.wait_for_selector("main[data-state=returned]")
    assert await town.is_paid(payment)


async def test_a_double_press_is_one_answer(town, phone):
    payment, _ = await at_bank(town, phone)
    async with answers_counted(phone) as sent:
        await phone.page.get_by_role("button", name="Approve").dblclick()
        await phone.shows("paid")
    assert len(sent) == 1
    assert await town.is_paid(payment)


async def test_a_reload_in_the_middle_of_an_answer_repeats_it_and_no_other(town, phone):
    payment, _ = await at_bank(town, phone)
    sent, arrived, gone = [], asyncio.Event(), asyncio.Event()

    async def lose(route):
        sent.append(route.request.post_data_json)
        if len(sent) > 1:
            await route.continue_()
            return
        await route.fetch()  # it arrives, and its answer does not
        arrived.set()
        await gone.wait()
        with suppress(Error):  # the page that asked is no more
            await route.abort()

    await phone.page.route(ANSWERS, lose)
    await phone.press("Approve")
    await asyncio.wait_for(arrived.wait(), 10)
    await phone.page.reload()
    gone.set()
    await phone.shows("paid")
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert await town.is_paid(payment)


async def test_the_question_is_still_there_after_a_reload_before_any_answer(town, phone):
    payment, _ = await at_bank(town, phone)
    await phone.page.reload()
    await phone.shows("challenge")
    assert await still_at_bank(town, payment)


async def test_a_used_address_and_one_that_never_was_say_the_same(town, phone, chromium):
    _, way = await at_bank(town, phone)
    await phone.press("Approve")
    await phone.shows("paid")
    texts = set()
    async with hold_phone(chromium) as stranger:
        for address in (way, f"{town.pages}/sandbox-bank#{'A' * 43}", f"{town.pages}/sandbox-bank"):
            await stranger.open(address)
            await stranger.shows("over")
            texts.add(await stranger.text())
    assert len(texts) == 1


async def test_too_late_is_said_plainly_and_leads_back(town, phone):
    town = await town.elsewhere()
    payment, _ = await at_bank(town, phone)
    await town.made.ling.sandbox.advance_clock(EXPIRED)
    await phone.press("Approve")
    await phone.shows("expired")
    assert "Time ran out" in await phone.text()
    assert not await town.is_paid(payment)
    await phone.page.locator("a.primary").click()
    await phone.page.wait_for_url(BACK_AT_ONCE)
    await phone.shows("look")


async def test_with_nowhere_to_go_back_to_the_bank_says_what_was_decided(town, phone):
    person = await town.person(card=REDIRECTED)
    method = PaymentMethod.card(person.card)
    draft = town.partner.payments.draft(merchant=MERCHANT, amount=cny(1_250), method=method, confirm=True)
    payment = await town.partner.payments.create(draft)
    await phone.open(payment.next_action.redirect.url)
    await phone.press("Approve")
    await phone.shows("approved")
    assert await phone.page.locator("#screen a").count() == 0
    assert await town.is_paid(payment)


async def test_the_policy_is_as_strict_as_on_the_other_pages(town, phone):
    answers = {}
    phone.page.on("response", lambda answer: answers.setdefault(answer.url, answer))
    await at_bank(town, phone)
    ours, theirs = (answers[f"{town.pages}/{page}"] for page in ("pay", "sandbox-bank"))
    for header in ("content-security-policy", "permissions-policy", "x-frame-options", "referrer-policy"):
        assert await ours.header_value(header) == await theirs.header_value(header)
    assert all(url.startswith(town.pages) for url in answers)
