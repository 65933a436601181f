"""A whole installation, once a module where its tests only look, refuse or bring merchants of their own."""

import pytest
import pytest_asyncio

from tests.e2e.installation import open_installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    """An installation on SQLite that the tests of one module share (on one event loop, which they name)."""
    async with open_installation(tmp_path_factory.mktemp("installation"), webhooks_to_loopback=True) as opened:
        yield opened


@pytest.fixture
async def own_installation(database_url, tmp_path):
    """An installation of this test alone with banks behind sockets, once on SQLite and once on PostgreSQL."""
    async with open_installation(tmp_path, database_url, own_banks=True) as opened:
        yield opened
