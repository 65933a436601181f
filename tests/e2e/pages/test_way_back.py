"""Who was sent here by an app or a site to set up or to look after a passkey gets back there with one press."""

import pytest

from tests.e2e.pages.screens import WAYS
from tests.e2e.pages.town import MERCHANT, SHOP, enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")
APP = "com.example.wallet://passkeys/done"
SITE = "https://shop.example/account"


@pytest.fixture(scope="module")
def origins():
    """What the shop registered: its site, and its app's scheme."""
    return ["https://shop.example", "com.example.wallet:"]


async def target(phone):
    """Where the button leads that is called so."""
    return await phone.page.get_by_role("link", name="Done").get_attribute("href")


async def test_back_to_the_app_after_setting_up(town, phone, origins):
    await town.partner.merchants.update(MERCHANT, return_origins=origins)
    person = await town.person()
    attested = town.partner.attest(person.name, amr=["pwd", "otp"])
    link = await town.partner.tokens.enrol_link(person.name, attested, merchant=MERCHANT, return_url=APP)
    assert await phone.open(link.url) == "enrol"
    await phone.press()
    await phone.shows("enrolled")
    assert await target(phone) == APP


async def test_back_from_the_list_of_devices_and_from_a_permission_that_was_given(town, phone, ann):
    link = await town.partner.tokens.manage_link(ann.name, merchant=MERCHANT, return_url=SITE)
    assert await phone.open(link.url) == "manage"
    assert await target(phone) == SITE
    link = await town.partner.tokens.manage_link(ann.name, merchant=MERCHANT, return_url=SITE)
    await phone.open(link.url.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.shows("mandate")
    await phone.press()
    await phone.shows("agree")
    await phone.press()
    await phone.shows("agreed")
    assert await target(phone) == SITE


async def test_nowhere_to_go_back_to_is_no_button(town, phone):
    await enrol(town, phone, await town.person())
    assert await phone.page.locator("a").count() == 0


async def test_who_comes_back_from_a_bank_in_another_tab_is_told_where_to_look(town, phone):
    await phone.page.goto(f"{town.pages}/return")
    await phone.shows("returned")
    assert "How it went is shown there" in await phone.text()


async def test_who_comes_back_from_a_bank_in_the_same_tab_sees_the_payment(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    await phone.page.goto(f"{town.pages}/return")
    await phone.shows("look")


@pytest.mark.parametrize("name", ["approve", "working", "review"])
async def test_who_waits_sees_whom_they_pay_and_can_go_back_to_the_shop(town, phone, name):
    await WAYS[name](town, phone)
    assert await phone.page.locator("p.about").inner_text() == "Blue Door Café"
    back = phone.page.get_by_role("link", name="Back to Blue Door Café")
    assert await back.get_attribute("href") == SHOP


async def test_what_waits_for_an_app_can_be_called_off(town, phone):
    await WAYS["approve"](town, phone)
    await phone.press("Cancel payment")
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")
