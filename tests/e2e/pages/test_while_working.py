"""Between the press and its answer the screen is to look at: what is signed, and paid, is what it showed by then."""

import asyncio
from dataclasses import dataclass

import pytest

from keelpay.enums import Channel
from tests.e2e.pages.phone import PATIENCE_MS
from tests.e2e.pages.town import enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
CARD, REDIRECTED = "4242424242424242", "4000000000000150"
CHOSEN = "document.querySelector('label.row:has(:checked)').innerText"
DEAD = """[...document.querySelectorAll('#screen button, #screen input, #screen a')]
  .every((each) => each.getAttribute('aria-disabled') === 'true')"""


@dataclass(slots=True)
class Asked:
    """How often a method was called."""

    count: int
    once: asyncio.Event


async def held(phone, method):
    """From now on the answers to a method wait for the event; they are counted."""
    go, asked = asyncio.Event(), Asked(count=0, once=asyncio.Event())

    async def wait(route):
        asked.count += 1
        asked.once.set()
        await go.wait()
        await route.continue_()

    await phone.page.route(f"**/{method}", wait)
    return go, asked


async def pressed(phone, link, method):
    """Opens a payment and presses its button; returns when the method has been called."""
    go, asked = await held(phone, method)
    await phone.open(link)
    await phone.press()
    await asyncio.wait_for(asked.once.wait(), PATIENCE_MS / 1000)
    return go, asked


async def test_another_way_to_pay_cannot_be_chosen_any_more(town, phone):
    person = await town.person(card=CARD)
    await enrol(town, phone, person)
    payment = await town.payment(person)
    go, _ = await pressed(phone, await town.pay_link(payment), "StartConfirmation")
    before = await phone.page.evaluate(CHOSEN)
    await phone.page.locator("label.row", has_text="Visa").click(force=True)
    assert await phone.page.evaluate(CHOSEN) == before
    await phone.page.locator("input:checked").focus()
    for key in ("ArrowDown", "ArrowUp", "Space"):
        await phone.page.keyboard.press(key)
        assert await phone.page.evaluate(CHOSEN) == before
    go.set()
    await phone.shows("paid")
    assert (await town.partner.payments.get(payment)).channel is Channel.BALANCE


async def test_the_other_language_makes_no_button_live_again_and_the_work_goes_on(town, phone, ann):
    payment = await town.payment(ann)
    go, asked = await pressed(phone, await town.pay_link(payment), "StartConfirmation")
    await phone.page.locator("#language").click()
    busy = phone.page.locator("button.busy")
    await busy.get_by_text("请稍候").wait_for()
    assert await phone.page.evaluate(DEAD)
    await busy.click(force=True)
    await busy.click(force=True)
    go.set()
    await phone.shows("paid")
    assert asked.count == 1
    (key,) = await phone.keys()
    assert key["signCount"] == 2, "one finger for the enrolment, one for the payment"


async def test_a_look_that_began_before_the_press_does_not_draw_over_its_work(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    look, looking = await held(phone, "GetSession")
    work, working = await held(phone, "StartConfirmation")
    await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await asyncio.wait_for(looking.once.wait(), PATIENCE_MS / 1000)
    await phone.press()
    await asyncio.wait_for(working.once.wait(), PATIENCE_MS / 1000)
    async with phone.page.expect_response("**/GetSession"):
        look.set()
    await phone.page.evaluate("new Promise((drawn) => setTimeout(drawn, 200))")
    assert await phone.page.locator("button.busy").count() == 1
    work.set()
    await phone.shows("paid")


async def test_what_was_not_done_leaves_a_screen_that_is_live(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.finger(right=False)
    await phone.press()
    assert "Not confirmed" in await phone.alert()
    assert await phone.page.locator("#screen [aria-disabled]").count() == 0
    await phone.press("Cancel payment")
    await phone.press("Keep it")
    assert await phone.page.locator("#screen [aria-disabled]").count() == 0


async def test_a_question_is_taken_back_when_what_it_asks_about_is_over(town, phone):
    person = await town.person(card=REDIRECTED)
    await enrol(town, phone, person)
    payment = await town.card_payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("bank")
    await phone.press("Cancel payment")
    await phone.page.locator("dialog").wait_for()
    await town.partner.payments.cancel(payment)
    await phone.shows("cancelled")
    assert await phone.page.locator("dialog").count() == 0
