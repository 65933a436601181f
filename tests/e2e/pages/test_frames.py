"""The page inside somebody else's: not at all for strangers; for embedders of the settings it works, and is checked."""

import pytest
import pytest_asyncio

from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.pages.phone import PATIENCE_MS
from tests.e2e.pages.town import enrol, open_town
from tests.infrastructure.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
POLICY = {"content-security-policy", "x-frame-options"}
SHOP, STRANGER = "https://shop.example", "https://stranger.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory):
    """An installation that lets one shop show the page in a frame."""
    edge = EdgeSettings(listen="127.0.0.1:0", frame_ancestors=(SHOP,))
    async with open_town(tmp_path_factory.mktemp("town"), edge=edge, instrument_icon="") as opened:
        yield opened


async def framed(phone, origin, link):
    """Opens another site's page with the link in a frame; returns what is in the frame."""
    # A made-up site is no part of this machine's network; without this the browser itself would refuse the frame.
    await phone.context.grant_permissions(["local-network-access"], origin=origin)
    allow = "publickey-credentials-get *; payment *"
    body = f'<!doctype html><title>Shop</title><iframe src="{link}" allow="{allow}" width="400" height="700"></iframe>'
    await phone.page.route(f"{origin}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    await phone.page.goto(f"{origin}/cart")
    return phone.page.frame_locator("iframe")


async def test_a_strangers_frame_shows_nothing(town, phone, ann):
    payment = await town.payment(ann)
    link = await town.pay_link(payment)
    frame = await framed(phone, STRANGER, link)
    await until(lambda: any("frame-ancestors" in problem for problem in phone.problems))
    assert await frame.locator("main").count() == 0
    phone.problems.clear()
    assert await phone.open(link) == "look", "the link is still its owner's to open"


async def test_the_shops_frame_pays(town, phone, ann):
    payment = await town.payment(ann)
    frame = await framed(phone, SHOP, await town.pay_link(payment))
    await frame.locator("button.primary").click(timeout=PATIENCE_MS)
    await frame.locator('main[data-state="paid"]').wait_for(timeout=PATIENCE_MS)
    assert await town.is_paid(payment)


async def test_a_stranger_who_strips_the_policy_still_gets_no_signature_that_counts(town, phone):
    """A frame that should not be there: what is signed names the outermost site, and the server reads it."""
    person = await town.person()
    await enrol(town, phone, person)
    payment = await town.payment(person)

    async def strip(route):
        answer = await route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name not in POLICY}
        await route.fulfill(response=answer, headers=headers)

    await phone.page.route(f"{town.pages}/pay", strip)
    frame = await framed(phone, STRANGER, await town.pay_link(payment))
    await frame.locator("button.primary").click(timeout=PATIENCE_MS)
    await frame.locator(".alert").wait_for(timeout=PATIENCE_MS)
    assert not await town.is_paid(payment)
