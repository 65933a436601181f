"""Laws of a payment's history: bounded by the number of states, and no microsecond is lost or counted twice."""

import json

from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.gateway.history import EMPTY, reach, states_reached
from keelpay_server.gateway.payment import PaymentState

times = st.integers(0, 1 << 60)
steps = st.lists(st.tuples(st.sampled_from(PaymentState), times, times, times, times), max_size=60)
NUMBERS_A_ROW, DIGITS_MAX = 7, 21
ROW_MAX = NUMBERS_A_ROW * DIGITS_MAX + len("[],")


def walk(taken):
    history = EMPTY
    for step in taken:
        history = reach(history, *step)
    return history


@given(steps)
def test_a_history_has_one_row_a_state_however_long_the_life_is(taken):
    history = walk(taken)
    order = list(dict.fromkeys(int(step[0]) for step in taken))
    assert [row.state for row in states_reached(history)] == order
    assert len(history) <= len(EMPTY) + len(PaymentState) * ROW_MAX


@given(steps)
def test_the_rows_add_up_to_every_step_that_was_taken(taken):
    for row in states_reached(walk(taken)):
        same = [step for step in taken if step[0] == row.state]
        assert (row.system_us, row.bank_us, row.human_us) == tuple(sum(step[at] for step in same) for at in (2, 3, 4))
        assert row.times == len(same)
        assert row.time_us == same[0][1]
        assert row.last_time_us == (same[-1][1] if len(same) > 1 else 0)


@given(steps)
def test_a_row_is_as_long_as_it_must_be(taken):
    for row, told in zip(json.loads(walk(taken)), states_reached(walk(taken)), strict=True):
        assert len(row) == (5 if told.times == 1 else NUMBERS_A_ROW)
