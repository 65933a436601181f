"""The limits a person may choose from are of the shop's own currency, and small in it; the address decides nothing."""

import pytest

from tests.e2e.pages.town import MERCHANT

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def limits(town, phone, person, query):
    """Opens the page of a permission; returns its screen and its words."""
    link = await town.manage_link(person)
    state = await phone.open(link.replace("/manage#", f"/manage?{query}#"))
    return state, (await phone.text()).replace("\xa0", " ")


async def test_they_are_of_the_shops_currency_and_the_shop_is_named(town, phone, ann):
    state, shown = await limits(town, phone, ann, "mandate=merchants/dollars")
    assert state == "mandate"
    assert "Dollar Store" in shown
    for amount in ("$2.00 USD", "$5.00 USD", "$10.00 USD", "$20.00 USD"):
        assert amount in shown


@pytest.mark.parametrize("currency", ["KWD", "xx", ""])
async def test_the_address_does_not_change_the_currency(town, phone, ann, currency):
    state, shown = await limits(town, phone, ann, f"mandate={MERCHANT}&currency={currency}")
    assert state == "mandate"
    assert "¥50.00 CNY" in shown
    assert "KWD" not in shown


@pytest.mark.parametrize("shop", ["merchants/nobody", "nobody", "merchants/Nobody!", "merchants/-"])
async def test_a_shop_that_is_none_is_told_in_words(town, phone, ann, shop):
    state, shown = await limits(town, phone, ann, f"mandate={shop}")
    assert (state, shown.splitlines()[0]) == ("RESOURCE_NOT_FOUND", "This link is not right")


async def test_what_is_signed_is_called_by_its_currency(town, phone, ann):
    await limits(town, phone, ann, f"mandate={MERCHANT}")
    await phone.press()
    await phone.shows("agree")
    shown = (await phone.text()).replace("\xa0", " ")
    for words in ("take up to ¥50.00 CNY without asking", "The most for one payment\n¥50.00 CNY",
                  "The most a day\n¥150.00 CNY (Asia/Shanghai)", "To\nBlue Door Café", "From\nBalance"):  # fmt: skip
        assert words in shown


async def test_a_list_of_many_pages_is_shown_whole_and_asked_for_nothing_else(town, phone, ann):
    for _ in range(2):
        await limits(town, phone, ann, f"mandate={MERCHANT}")
        await phone.press()
        await phone.shows("agree")
        await phone.press()
        await phone.shows("agreed")
    asked = []

    async def one_a_page(route):
        body = {**route.request.post_data_json, "pageSize": 1}
        asked.append(route.request.url.rpartition("/")[2])
        await route.continue_(post_data=body)

    await phone.page.route("**/keelpay.api.auth.v1.*/*", one_a_page)
    await phone.open(await town.manage_link(ann))
    assert (await phone.text()).count("Blue Door Café") == 2
    assert set(asked) == {"ListPasskeys", "ListMandates"}
    assert asked.count("ListMandates") > 1
