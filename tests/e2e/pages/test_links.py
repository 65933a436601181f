"""Links in the wrong hands, cut off, replaced or too old: they tell nothing, and nobody pays by them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from keelpay.enums import PaymentState
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.town import enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIFE_S = 4.0
"""Of a payment and its link: long enough to make both, short enough to wait for."""


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
    before = await phone.signatures()
    await phone.press()
    await phone.shows("CHECKOUT_LINK_REPLACED")
    assert await phone.signatures() == before
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
    expire_time = datetime.now(UTC) + timedelta(seconds=LIFE_S)
    link = await town.pay_link(payment := await town.payment(ann, expire_time=expire_time))
    await asyncio.sleep((expire_time - datetime.now(UTC)).total_seconds())
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
