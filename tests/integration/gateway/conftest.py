"""The shop of the room's tests, on either database; after each test the invariant checker finds nothing."""

import pytest

from keelpay_server.book.engine import Engine
from keelpay_server.storage.opening import open_store
from tests.infrastructure.books import wall_us

from .shop import REACTIONS, Shop


@pytest.fixture
async def shop(database_url):
    async with open_store(database_url, book=1, mode="test", wall=wall_us) as store:
        engine = Engine(1, store, wall=wall_us, process="test-process", reactions=REACTIONS)
        shop = Shop(engine)
        try:
            yield await shop.open()
            await shop.settle()
            assert await shop.audit() == []
        finally:
            await shop.close()
            await engine.close()
