"""A keyboard and nothing else: set up, pay, look after what was allowed. The focus is always somewhere, and seen."""

import pytest

from tests.e2e.pages.town import MERCHANT

pytestmark = pytest.mark.asyncio(loop_scope="session")
TABS_MAX = 25
CARD = "4242424242424242"
FOCUSED = """() => {
  const element = document.activeElement;
  const shown = element.closest(".row") ?? element;
  return {
    words: (element.closest("label") ?? element).innerText, tag: element.tagName,
    outline: getComputedStyle(shown).outlineStyle, inside: Boolean(element.closest("dialog")),
  };
}"""


async def tab_to(phone, words):
    """Presses Tab until what is focused says something; each stop on the way is to be seen."""
    for _ in range(TABS_MAX):
        await phone.page.keyboard.press("Tab")
        stop = await phone.page.evaluate(FOCUSED)
        if stop["tag"] == "BODY":
            continue  # the browser's own controls
        assert stop["outline"] != "none", f"{stop['words']} has the focus, and nobody sees it"
        if words in stop["words"]:
            return
    pytest.fail(f"{TABS_MAX} times Tab, and never on {words!r}")


async def press(phone, words, key="Enter"):
    """Goes to a control and presses it."""
    await tab_to(phone, words)
    await phone.page.keyboard.press(key)


async def on_title(phone):
    """Whether a screen reader is where the news is."""
    return await phone.page.evaluate("document.activeElement.id") == "title"


async def test_setting_up(town, phone):
    person = await town.person()
    await phone.open(await town.enrol_link(person))
    await tab_to(phone, "Name of this device")
    await phone.page.keyboard.press("ControlOrMeta+A")
    await phone.page.keyboard.type("Ann's phone")
    await press(phone, "Set up now")
    await phone.shows("enrolled")
    assert await on_title(phone)
    assert [key.display_name for key in await town.passkeys(person)] == ["Ann's phone"]


async def test_choosing_a_way_and_paying_and_reading_the_receipt(town, phone):
    person = await town.person(card=CARD)
    await phone.open(await town.enrol_link(person))
    await press(phone, "Set up now", key="Space")
    await phone.shows("enrolled")
    payment = await town.payment(person)
    await phone.open(await town.pay_link(payment))
    assert await on_title(phone)
    await tab_to(phone, "Balance")
    await phone.page.keyboard.press("ArrowDown")
    stop = await phone.page.evaluate(FOCUSED)
    assert "4242" in stop["words"], "the choice keeps the focus although the screen is drawn anew"
    await press(phone, "Confirm with fingerprint or face")
    await phone.shows("paid")
    assert await on_title(phone)
    assert (await town.partner.payments.get(payment)).instrument == person.card
    await press(phone, "Receipt")
    await phone.shows("receipt")
    assert await on_title(phone)
    assert await town.is_paid(payment)


async def test_calling_a_payment_off_and_thinking_better_of_it(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    await press(phone, "Cancel payment")
    await phone.page.locator("dialog").wait_for()
    stop = await phone.page.evaluate(FOCUSED)
    assert stop["inside"], "the question has the focus"
    assert "Keep it" in stop["words"], "the harmless answer first"
    await phone.page.keyboard.press("Escape")
    await phone.page.locator("dialog").wait_for(state="detached")
    assert "Cancel payment" in (await phone.page.evaluate(FOCUSED))["words"], "the focus is back where it was"
    await phone.page.keyboard.press("Enter")
    await press(phone, "Cancel payment")
    await phone.shows("cancelled")


async def test_allowing_small_payments_and_removing_a_device(town, phone, ann):
    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await tab_to(phone, "¥50.00")
    await phone.page.keyboard.press("ArrowUp")
    await press(phone, "Continue")
    await phone.shows("agree")
    assert "¥20.00" in await phone.text()
    await press(phone, "Confirm")
    await phone.shows("agreed")
    await phone.open(await town.manage_link(ann))
    await press(phone, "Remove")
    await press(phone, "Remove")
    assert await phone.alert() == "Removed."
    assert await town.passkeys(ann) == []
