import asyncio

import pytest

from keelpay import KeelpayError
from keelpay_clients.crowd import for_each
from keelpay_clients.patience import until
from keelpay_clients.run_error import ImpatientError


async def test_no_more_than_allowed_are_under_way_at_once():
    under_way = most = 0

    async def act(_):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    await for_each(range(20), act, at_once=3)
    assert most == 3


async def fail_on_two(item):
    if item == 2:
        raise KeelpayError("no", reason="CONFLICT")
    return item


async def test_one_that_fails_stops_no_other():
    failures = []
    assert sorted(await for_each(range(4), fail_on_two, failures=failures)) == [0, 1, 3]
    assert failures == ["CONFLICT: no"]


async def test_without_a_place_for_failures_the_first_one_is_raised():
    with pytest.raises(KeelpayError, match="CONFLICT"):
        await for_each(range(4), fail_on_two)


async def test_waiting_ends_with_the_answer():
    answers = iter([None, None, 7])

    async def ask():
        return next(answers)

    assert await until(ask, "seven") == 7


async def test_waiting_has_a_bound():
    async def ask():
        return None

    with pytest.raises(ImpatientError, match="godot"):
        await until(ask, "godot", patience_s=0.0)
