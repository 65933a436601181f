"""A world without a database, whose counters are the real ones."""

import pytest

from tests.unit.risk.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
