"""Payments under one mandate on any days, taken or given back whenever: no limit is ever passed, and none shrinks."""

import secrets
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from keelpay_server.auth.mandate import Mandate, MandateState, day_of, give_back, spend_mandate
from keelpay_server.book.refusal import Refused
from tests.property.gateway.open_world import OpenWorld

PAYMENT_MAX, DAY_MAX, TOTAL_MAX, ZONE = 60, 100, 250, "Asia/Shanghai"
HOUR_US = 3_600_000_000
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.sampled_from((1, 20, 40, PAYMENT_MAX, PAYMENT_MAX + 1))),
        st.tuples(st.just("give back"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from((1, 13, 24))),
    ),
    min_size=6, max_size=30,
)  # fmt: skip


def agreed() -> Mandate:
    return Mandate(
        id=secrets.token_bytes(16), merchant="cafe", payer="acme/ama", instrument=None, currency="CNY",
        payment_max=PAYMENT_MAX, day_max=DAY_MAX, total_max=TOTAL_MAX, day_zone=ZONE, state=MandateState.ACTIVE,
        state_version=1, day=0, spent_day=0, spent_total=0, confirmation=bytes(16), expire_time=1 << 60, create_time=1,
        update_time=1,
    )  # fmt: skip


@settings(max_examples=400)
@given(steps=STEPS)
def test_a_payment_is_refused_exactly_where_it_would_pass_a_limit(steps):
    mandate = agreed()
    world = OpenWorld((mandate,), {})
    spent: list[tuple[int, int]] = []
    for what, size in steps:
        if what == "wait":
            world.wait(size * HOUR_US)
        elif what == "give back" and spent:
            day, amount = spent.pop(size % len(spent))
            mandate = give_back(mandate, amount, day, world.wall_us)
        elif what == "pay":
            today = day_of(world.business_us, ZONE)
            days = Counter[int]()
            for day, amount in spent:
                days[day] += amount
            fits = size <= min(PAYMENT_MAX, DAY_MAX - days[today], TOTAL_MAX - days.total())
            try:
                mandate = spend_mandate(
                    world, mandate.id, payer="acme/ama", merchant="cafe", amount=size, currency="CNY", instrument=None
                )
            except Refused:
                assert not fits
            else:
                assert fits
                spent.append((mandate.day, size))
        world.rows[Mandate][mandate.id] = mandate
        assert mandate.spent_total == sum(amount for _, amount in spent)
