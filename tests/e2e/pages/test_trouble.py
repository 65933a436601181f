"""Real life in the middle of a payment: reloads, two tabs, no network. Nobody pays twice, nothing hangs."""

import asyncio
import json

import pytest

from tests.e2e.pages.phone import PATIENCE_MS, SCREEN, hold_phone
from tests.e2e.pages.town import enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
CONFIRM = "**/*ConfirmPayment"
PATIENCE_S = PATIENCE_MS / 1000


async def balance_minor(town, person):
    """What a person has left."""
    (balance,) = await town.partner.payers.balance(person.name)
    return balance.available.amount_minor


async def test_a_reload_before_the_finger_leaves_the_payment_as_it_was(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.presence(automatic=False)
    await phone.press()
    await phone.page.locator(".busy").wait_for()
    await phone.page.reload()
    await phone.shows("look")
    await phone.presence(automatic=True)
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_a_reload_while_the_payment_is_under_way_shows_what_came_of_it(town, phone, ann):
    payment = await town.payment(ann)
    done = asyncio.Event()

    async def keep_the_answer(route):
        await route.fetch()
        done.set()

    await phone.page.route(CONFIRM, keep_the_answer)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    await phone.page.reload()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_a_lost_answer_is_asked_for_again_under_the_same_id_and_money_moves_once(town, phone, ann):
    payment = await town.payment(ann, 1000)
    before = await balance_minor(town, ann)
    bodies = []

    async def lose_the_first(route):
        bodies.append(json.loads(route.request.post_data))
        if len(bodies) == 1:
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await phone.page.route(CONFIRM, lose_the_first)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert before - await balance_minor(town, ann) == 1000


async def test_a_reload_while_the_link_is_being_opened_opens_it(town, phone, ann):
    payment = await town.payment(ann)
    first = asyncio.Event()

    async def lose_the_first(route):
        if first.is_set():
            await route.continue_()
        else:
            await route.fetch()
            first.set()

    await phone.page.route("**/OpenSession", lose_the_first)
    await phone.page.goto(await town.pay_link(payment))
    await asyncio.wait_for(first.wait(), PATIENCE_S)
    await phone.page.reload()
    await phone.shows("look")


async def test_without_a_network_the_page_waits_and_goes_on_by_itself(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.context.set_offline(True)
    await phone.press()
    await phone.page.get_by_text("we go on by ourselves").wait_for()
    await phone.context.set_offline(False)
    await phone.shows("paid")
    assert await town.is_paid(payment)
    assert await phone.page.locator("#connection").inner_text() == ""


async def test_a_network_lost_after_paying_keeps_the_receipt_waiting(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    brought = phone.page.expect_event("requestfinished", lambda request: request.url.endswith("/receipt.js"))
    async with brought:  # with the result, not with the press
        await phone.press()
        await phone.shows("paid")
    await phone.context.set_offline(True)
    await phone.press("Receipt")
    await phone.page.get_by_text("we go on by ourselves").wait_for()
    await phone.context.set_offline(False)
    await phone.shows("receipt")


async def test_a_script_that_does_not_arrive_is_told_in_the_words_of_a_lost_connection(town, phone, ann):
    payment = await town.payment(ann)
    await phone.page.route("**/receipt.js", lambda route: route.abort())
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    await phone.press("Receipt")
    await phone.shows("UNREACHABLE")
    assert "We cannot be reached" in await phone.text()
    assert "import" not in await phone.text()
    await phone.page.unroute("**/receipt.js")
    await phone.press("Try again")
    await phone.shows("paid")
    await phone.press("Receipt")
    await phone.shows("receipt")


async def test_what_is_known_to_be_away_is_not_called_slow(town, phone, ann):
    payment = await town.payment(ann)
    calls, again, go = [], asyncio.Event(), asyncio.Event()

    async def lose_the_first_and_hold_the_second(route):
        calls.append(1)
        if len(calls) == 1:
            await route.abort("connectionreset")
            return
        again.set()
        await go.wait()
        await route.continue_()

    await phone.page.clock.install()
    await phone.page.route("**/StartConfirmation", lose_the_first_and_hold_the_second)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    connection = phone.page.locator("#connection")
    await phone.page.get_by_text("we go on by ourselves").wait_for()
    await phone.page.clock.fast_forward(4_500)
    await asyncio.wait_for(again.wait(), PATIENCE_S)
    assert "we go on by ourselves" in await connection.inner_text()
    go.set()
    await phone.shows("paid")


@pytest.mark.slow
async def test_on_a_slow_network_the_person_is_told_that_nothing_is_charged_twice(town, phone, ann):
    payment = await town.payment(ann)

    told = asyncio.Event()

    async def crawl(route):
        await told.wait()
        await route.continue_()

    await phone.page.route(CONFIRM, crawl)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.page.get_by_text("You will not be charged twice").wait_for()
    await phone.page.locator("button.primary").dispatch_event("click")  # impatience changes nothing
    told.set()
    await phone.shows("paid")
    assert await town.is_paid(payment)


async def test_two_tabs_pay_once(town, phone, ann):
    payment = await town.payment(ann, 1000)
    before = await balance_minor(town, ann)
    await phone.open(await town.pay_link(payment))
    async with phone.context.expect_page() as opened:
        await phone.page.evaluate("void window.open('/pay')")
    second = await opened.value
    await second.wait_for_selector(f'{SCREEN}[data-state="look"]')
    await phone.press()
    await phone.shows("paid")
    await second.locator("button.primary").click()
    await second.wait_for_selector(f'{SCREEN}[data-state="paid"]')
    assert before - await balance_minor(town, ann) == 1000


async def test_the_back_button_after_leaving_shows_the_payment_as_it_is_now(town, phone, ann):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    await phone.page.goto(f"{town.pages}/icon.svg")
    await town.partner.payments.cancel(payment)
    await phone.page.go_back()
    await phone.shows("cancelled")


async def test_a_second_link_in_the_same_tab_is_opened_although_the_page_stays(town, phone, ann):
    first, second = await town.payment(ann, 1100), await town.payment(ann, 2200)
    await phone.open(await town.pay_link(first))
    await phone.page.goto(await town.pay_link(second))
    await phone.page.get_by_text("¥22.00").wait_for()
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(second)
    assert not await town.is_paid(first)


async def test_a_page_that_came_in_part_says_so_and_a_reload_mends_it(town, phone, ann):
    payment = await town.payment(ann)
    await phone.page.route("**/words/*.json", lambda route: route.abort())
    await phone.page.goto(await town.pay_link(payment))
    await phone.page.get_by_text("We cannot be reached. Please reload.").wait_for()
    await phone.page.unroute_all()
    await phone.page.reload()
    await phone.shows("look")


async def test_a_server_that_is_away_for_a_moment_is_waited_for(town, phone, ann):
    calls = []

    async def away(route):
        calls.append(1)
        if len(calls) < 3:
            await route.fulfill(status=503, json={"code": "unavailable", "message": "away"})
        else:
            await route.continue_()

    await phone.page.route("**/OpenSession", away)
    assert await phone.open(await town.pay_link(await town.payment(ann))) == "look"
    assert len(calls) == 3


async def test_who_comes_back_after_setting_up_a_finger_finds_the_ways_that_need_one_open(town, phone, chromium):
    person = await town.person()
    await phone.open(await town.pay_link(await town.payment(person)))
    await phone.page.get_by_label("Alipay").check()
    assert await phone.page.get_by_label("Balance").is_disabled()
    async with hold_phone(chromium) as other:
        await enrol(town, other, person)
    await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await phone.page.get_by_label("Balance").and_(phone.page.locator(":enabled")).wait_for()
    assert await phone.page.get_by_label("Alipay").is_checked(), "what was chosen stays chosen"
