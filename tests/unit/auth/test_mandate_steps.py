"""The amounts that a person may choose a limit from are small and round in every currency."""

import pytest

from keelpay_server.auth.mandate_steps import STEPS, mandate_steps
from keelpay_server.auth.passkey_limits import limit_minor
from keelpay_server.ledger.currency import CURRENCIES

CODES = [row.code for row in CURRENCIES]


@pytest.mark.parametrize("code", CODES)
def test_they_are_coins_and_notes_that_grow(code):
    steps = mandate_steps(code)
    assert len(steps) == STEPS
    assert list(steps) == sorted(set(steps))
    assert all(str(step).rstrip("0") in {"1", "2", "5"} for step in steps)


@pytest.mark.parametrize("code", CODES)
def test_they_are_small_beside_what_a_new_passkey_may_confirm(code):
    limit, steps = limit_minor(code, {}), mandate_steps(code)
    assert limit // 300 < steps[0] <= max(1, limit // 100)
    assert steps[-1] <= limit // 10


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        ("CNY", (20_00, 50_00, 100_00, 200_00)),
        ("USD", (2_00, 5_00, 10_00, 20_00)),
        ("JPY", (200, 500, 1000, 2000)),
        ("KWD", (1_000, 2_000, 5_000, 10_000)),
        ("VND", (50_000, 100_000, 200_000, 500_000)),
    ],
)
def test_they_are_what_people_there_would_call_small(code, steps):
    assert mandate_steps(code) == steps
