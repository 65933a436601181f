"""What the ledger's unit tests share."""

from random import Random

import pytest

from tests.property.ledger.walk import Walk


@pytest.fixture
def walk():
    """A sound book in the middle of everything."""
    walk = Walk(Random(1))
    for _ in range(300):
        walk.step()
    return walk
