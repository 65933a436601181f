"""What every screen owes to everybody: readable by machines and in the dark, wide enough for fingers, small, strict."""

import pytest
import pytest_asyncio

from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.screens import WAYS
from tests.infrastructure.axe import axe_script

CONNECTIONS_MAX = 6
"""What browsers open to one origin over HTTP/1.1: a seventh request waits for one of the six to end."""
LATER = ("confirm.js", "outcome.js", "challenge.js", "passkey.js", "spc.js")
"""Fetched while the person reads."""
pytestmark = pytest.mark.asyncio(loop_scope="session")
TARGET_POINTS_MIN = 44
SMALL = """(least) => [...document.querySelectorAll("button, a, input:not([type=radio]), label.row")]
  .filter((each) => each.offsetParent && each.getBoundingClientRect().height < least).map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def axe():
    """axe-core, as npm's committed lock names it."""
    return axe_script()


@pytest_asyncio.fixture(loop_scope="session")
async def reader(chromium):
    """A phone whose policy lets the judging script in; nothing else is changed."""
    async with hold_phone(chromium, bypass_csp=True, reduced_motion="reduce") as held:
        yield held


async def objections(reader):
    """What axe has against the screen as it is."""
    found = await reader.page.evaluate("axe.run()")
    return [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]


async def other_language(reader):
    """Switches to Chinese, also behind a dialog."""
    await reader.page.locator("#language").dispatch_event("click")
    await reader.page.locator("html[lang=zh-CN]").wait_for(state="attached")


@pytest.mark.parametrize("name", WAYS)
async def test_a_screen_is_for_everybody(town, reader, axe, name):
    await WAYS[name](town, reader)
    await reader.page.evaluate(axe)
    for scheme in ("light", "dark"):
        await reader.page.emulate_media(color_scheme=scheme)
        assert await objections(reader) == []
    await other_language(reader)
    assert await objections(reader) == [], "in Chinese"
    assert await reader.page.evaluate(SMALL, TARGET_POINTS_MIN) == []
    for width in (320, 360, 1280):
        await reader.page.set_viewport_size({"width": width, "height": 740})
        assert await reader.page.evaluate("document.documentElement.scrollWidth") <= width
    assert await reader.page.locator("button.primary:visible, a.primary:visible").count() <= 1
    assert await reader.page.locator("h1").count() == 1
    assert await reader.page.title()


async def test_the_chosen_way_to_pay_is_not_under_the_button_on_a_low_screen(town, chromium):
    async with hold_phone(chromium, viewport={"width": 360, "height": 560}) as low:
        await WAYS["declined"](town, low)
        row = await low.page.locator("label.row:has(:checked)").bounding_box()
        actions = await low.page.locator(".actions").bounding_box()
        assert row["y"] + row["height"] <= actions["y"] + 1


async def test_the_policy_is_strict_and_the_page_keeps_it(town, phone, ann):
    answers = {}
    phone.page.on("response", lambda answer: answers.setdefault(answer.url, answer))
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    policy = await answers[f"{town.pages}/pay"].header_value("content-security-policy")
    for rule in ("default-src 'none'", "script-src 'self' 'sha256-", "connect-src 'self'", "style-src 'self' 'sha256-",
                 "frame-ancestors 'none'"):  # fmt: skip
        assert rule in policy
    assert "unsafe" not in policy
    assert all(url.startswith(town.pages) for url in answers), "the page asks nobody else for anything"
    assert phone.problems == []


async def test_what_a_first_button_waits_for_fits_the_connections_that_a_browser_opens(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    asked = await phone.page.evaluate(
        "performance.getEntriesByType('resource').filter((row) => row.initiatorType !== 'fetch').map((row) => row.name)"
    )
    needed = [url for url in asked if url.endswith((".js", ".css")) and not url.endswith(LATER)]
    assert len(needed) <= CONNECTIONS_MAX, needed
