"""How long faults are tried, and with which seed: KEELPAY_FAULT_SECONDS (a few by default), KEELPAY_FAULT_SEED."""

import os
import secrets
import sys

import pytest

SECONDS = 4.0


@pytest.fixture
def fault_seconds() -> float:
    """How long one test goes on breaking things."""
    return float(os.environ.get("KEELPAY_FAULT_SECONDS", SECONDS))


@pytest.fixture
def fault_seed() -> int:
    """Printed with the test, so that a failure can be tried again."""
    seed = int(os.environ.get("KEELPAY_FAULT_SEED") or secrets.randbelow(1 << 30))
    sys.stdout.write(f"KEELPAY_FAULT_SEED={seed}\n")
    return seed


@pytest.fixture
def publish(request):
    """Prints the figures of a test; `pytest -s` shows them."""

    def write(**figures: object) -> None:
        told = ", ".join(f"{name} {value}" for name, value in figures.items())
        sys.stdout.write(f"{request.node.name}: {told}\n")

    return write
