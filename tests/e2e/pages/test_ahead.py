"""A page that a browser draws ahead of a visit leaves its link alone: the link is for the person, not for a guess.

Browsers that are driven from outside do not draw ahead, so here the document says that it is being drawn ahead, and
then that it is visited, as the specification has it (Prerendering Revamped, 3.1).
"""

import pytest

from tests.e2e.pages.phone import PATIENCE_MS, SCREEN

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPENING = "**/*CheckoutService/OpenSession"
DRAWN_AHEAD = """(() => {
  let ahead = true;
  Object.defineProperty(document, "prerendering", { get: () => ahead });
  globalThis.visit = () => { ahead = false; document.dispatchEvent(new Event("prerenderingchange")); };
})()"""


async def test_a_page_drawn_ahead_opens_its_link_only_when_it_is_visited(town, phone, ann):
    openings = []

    async def count(route):
        openings.append(route.request.url)
        await route.continue_()

    await phone.page.route(OPENING, count)
    payment = await town.payment(ann)
    await phone.page.add_init_script(DRAWN_AHEAD)
    await phone.page.goto(await town.pay_link(payment), wait_until="networkidle")
    assert openings == []
    assert await phone.page.locator(SCREEN).count() == 0
    await phone.page.evaluate("visit()")
    await phone.page.wait_for_selector(SCREEN, timeout=PATIENCE_MS)
    await phone.press()
    await phone.shows("paid")
    assert len(openings) == 1
