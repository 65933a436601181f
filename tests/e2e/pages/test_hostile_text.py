"""Text of strangers on the page: markup stays text, and nothing turns the amount round or pushes it off the screen."""

import pytest

from keelpay import PaymentMethod
from tests.e2e.installation import CALENDAR, FEES, cny
from tests.e2e.pages.town import enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
TURN = "\u202e"
NAMES = {
    "markup": "<img src=x onerror=document.title=1><script>x()</script>",
    "long": "W" * 64,
    "pictures": "👩‍👩‍👧‍👦" * 9,
    "quoted": "\"'><svg/onload=x()>{amount}{payee}$&",
}
FIRST_RUN = """() => [...document.querySelectorAll("#screen img, #screen script, #screen iframe")].length"""
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def shop_of(town, kind):
    """A shop with a hostile name, that hostile goods are bought at."""
    name = f"merchants/hostile-{kind}"
    await town.partner.merchants.create(
        f"hostile-{kind}", display_name=NAMES[kind], settlement_currency="CNY", calendar=CALENDAR, fees=FEES,
    )  # fmt: skip
    return name


@pytest.mark.parametrize("kind", NAMES)
async def test_a_shops_name_and_words_are_text_and_leave_the_amount_alone(town, phone, kind):
    shop, person = await shop_of(town, kind), await town.person(card="4242424242424242")
    await enrol(town, phone, person)
    drafted = town.partner.payments.draft(
        merchant=shop, amount=cny(1250), method=PaymentMethod.balance(person.name), description=NAMES[kind] * 3
    )
    payment = await town.partner.payments.create(drafted)
    assert await phone.open(await town.pay_link(payment)) == "look"
    assert await phone.page.evaluate(FIRST_RUN) == 0
    assert not await phone.page.evaluate(WIDER), "nothing is pushed off the screen"
    shown = await phone.text()
    assert "¥12.50" in shown
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment), "what was signed has the shop's name as it is"
    await phone.press("Receipt")
    await phone.shows("receipt")
    assert await phone.page.evaluate(FIRST_RUN) == 0
    assert not await phone.page.evaluate(WIDER)

    link = await town.manage_link(person)
    await phone.open(link.replace("/manage#", f"/manage?mandate={shop}#"))
    await phone.press()
    await phone.shows("agree")
    assert await phone.page.evaluate(FIRST_RUN) == 0
    assert not await phone.page.evaluate(WIDER)


async def test_marks_piled_upon_a_letter_draw_nothing_over_the_amount(town, phone, ann):
    amounts = []
    for name, pile in (("bare", ""), ("piled", "\u0323" * 50)):
        await town.partner.merchants.create(
            name, display_name=f"Cafe A{pile}", settlement_currency="CNY", calendar=CALENDAR, fees=FEES,
            return_origins=["https://shop.example"],
        )  # fmt: skip
        payment = await town.payment(ann, merchant=f"merchants/{name}")
        assert await phone.open(await town.pay_link(payment)) == "look"
        amounts.append(await phone.page.locator(".amount").screenshot(animations="disabled"))
    assert amounts[0] == amounts[1]


async def test_what_turns_text_round_is_not_shown_even_where_it_came_past_the_server(town, phone, ann):
    async def turn(route):
        answer = await route.fetch()
        await route.fulfill(response=answer, body=(await answer.text()).replace("Blue Door", f"Blue {TURN} Door"))

    await phone.page.route("**/*CheckoutService/OpenSession", turn)
    await phone.open(await town.pay_link(await town.payment(ann)))
    shown = await phone.text()
    assert "Blue" in shown
    assert TURN not in shown
    assert "12.50" in shown


async def test_a_devices_name_is_text(town, phone, ann):
    name = NAMES["markup"][:40]
    link = await town.manage_link(ann)
    await phone.open(link)
    await phone.press("Add this device")
    await phone.page.locator("input").fill(name)
    await phone.another(transport="usb")
    await phone.press("Set up now")
    await phone.shows("vouch")
    assert name in await phone.text()
    assert await phone.page.evaluate(FIRST_RUN) == 0
