"""Real Chromium on real pages: one installation a module, one phone a test.

Tests here run on the session's event loop, where the browser lives.
"""

import pytest_asyncio

from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.town import enrol, open_town


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory):
    """An installation with an edge, without Secure Payment Confirmation."""
    folder = tmp_path_factory.mktemp("town")
    async with open_town(folder, edge=EdgeSettings(listen="127.0.0.1:0"), instrument_icon="") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def phone(chromium):
    """A phone without a passkey."""
    async with hold_phone(chromium) as held:
        yield held


@pytest_asyncio.fixture(loop_scope="session")
async def ann(town, phone):
    """Somebody whose phone is set up."""
    person = await town.person()
    await enrol(town, phone, person)
    return person
