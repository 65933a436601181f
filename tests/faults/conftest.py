"""How long whole processes are killed, and in which order: KEELPAY_FAULT_SECONDS, KEELPAY_FAULT_SEED."""

import os
import sys
from random import Random

import pytest

SECONDS = 6.0
SEED = 20_260_501


@pytest.fixture
def crash_seconds() -> float:
    """How long one test goes on killing."""
    return float(os.environ.get("KEELPAY_FAULT_SECONDS", SECONDS))


@pytest.fixture
def crash_dice() -> Random:
    """When and whom; printed with the test, so that it can be tried again."""
    seed = int(os.environ.get("KEELPAY_FAULT_SEED", SEED))
    sys.stdout.write(f"KEELPAY_FAULT_SEED={seed}\n")
    return Random(seed)
