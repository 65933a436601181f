"""The scene of the room's tests: on either database, before and after the payer has a passkey."""

import pytest

from tests.infrastructure.books import open_engine

from .scene import Clock, Scene


@pytest.fixture
async def scene(database_url):
    clock = Clock()
    async with open_engine(database_url, wall=clock) as engine:
        yield await Scene(engine, clock).begin()


@pytest.fixture
async def enrolled(scene):
    """Ama has a passkey, and it is no longer new."""
    scene.passkey = await scene.enrol()
    scene.clock.advance(25 * 3600 * 1_000_000)
    return scene
