"""What is long or large stays whole: amounts are never broken, large letters and low screens lose nothing."""

import pytest

from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.screens import WAYS
from tests.e2e.pages.test_sums import in_currency

pytestmark = pytest.mark.asyncio(loop_scope="session")
AMOUNTS = (("CNY", 999_999_999_99), ("CNY", 20_000_00), ("JPY", 1_234_567), ("KWD", 999_999_999), ("VND", 10**12))
LARGE = {"standard": 32, "fixed": 26}
"""Letters of twice the usual size, as a reader may set them in the browser."""
AMOUNT = """() => {
  const element = document.querySelector("#screen .amount");
  const range = document.createRange();
  range.selectNodeContents(element);
  const { left, right } = range.getBoundingClientRect();
  return {
    lines: Math.round(element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight)),
    inside: left >= 0 && right <= innerWidth,
    size: parseFloat(getComputedStyle(element).fontSize),
  };
}"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
HIDDEN = """() => [...document.querySelectorAll("#screen h1, #screen p, #screen .row, #screen button, #screen a")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth).map((each) => each.outerHTML)"""


@pytest.mark.parametrize(("code", "minor"), AMOUNTS)
async def test_an_amount_stands_on_one_line_however_long_it_is(town, phone, ann, code, minor):
    await phone.page.route("**/OpenSession", in_currency(code, minor))
    await phone.open(await town.pay_link(await town.payment(ann)))
    for width in (320, 360, 414, 640, 1280):
        await phone.page.set_viewport_size({"width": width, "height": 740})
        seen = await phone.page.evaluate(AMOUNT)
        assert seen["lines"] == 1, f"{code} at {width}"
        assert seen["inside"], f"{code} at {width}"
        assert seen["size"] >= 20
        assert not await phone.page.evaluate(WIDER)


async def test_letters_grow_as_the_reader_has_set_them_and_nothing_is_cut(town, phone):
    await WAYS["look"](town, phone)
    title = "parseFloat(getComputedStyle(document.getElementById('title')).fontSize)"
    before = await phone.page.evaluate(title)
    await phone.devtools.send("Page.setFontSizes", {"fontSizes": LARGE})
    assert await phone.page.evaluate(title) == pytest.approx(2 * before)
    for width in (320, 360, 1280):
        await phone.page.set_viewport_size({"width": width, "height": 740})
        assert not await phone.page.evaluate(WIDER)
        assert await phone.page.evaluate(HIDDEN) == []
        assert (await phone.page.evaluate(AMOUNT))["inside"]
    await phone.press()
    await phone.shows("paid")


async def test_on_a_phone_on_its_side_the_buttons_do_not_cover_what_they_are_about(town, chromium):
    async with hold_phone(chromium, viewport={"width": 568, "height": 320}) as low:
        await WAYS["look"](town, low)
        for row in await low.page.locator("label.row").all():
            await row.scroll_into_view_if_needed()
            seen, actions = await row.bounding_box(), await low.page.locator(".actions").bounding_box()
            assert seen["y"] + seen["height"] <= actions["y"] + 1
