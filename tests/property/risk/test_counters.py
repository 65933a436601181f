"""Counters: the order of events, the way of merging, the size of batches and restarts change nothing."""

from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.changes import Event
from keelpay_server.risk import counter as counters
from keelpay_server.risk.counter import EMPTY, Counter
from keelpay_server.risk.counters import LISTS, Counters
from keelpay_server.risk.facts import Facts, to_data
from keelpay_server.risk.policy import RiskPolicy

START_US = 1_800_000_000_000_000
times = st.integers(START_US, START_US + 90 * counters.DAY_US)
payments = st.tuples(st.just("count"), times, st.integers(1, 10**12), st.booleans(), st.booleans())
labels = st.tuples(st.just("mark"), times, st.sampled_from([1.0, 0.5, 0.3]), st.booleans())
steps = st.lists(payments | labels, max_size=12)


def fold(found, start=EMPTY) -> Counter:
    after = start
    for kind, time, *rest in found:
        if kind == "count":
            amount, attempt, proven = rest
            after = counters.count(after, time, amount, attempt=attempt, proven=proven)
        else:
            weight, explained = rest
            after = counters.mark(after, time, weight, explained=explained)
    return after


def alike(one: Counter, other: Counter) -> bool:
    return one[:3] == other[:3] and all(
        isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(one[3:], other[3:], strict=True)
    )


@given(steps, st.randoms(use_true_random=False))
def test_the_order_of_events_changes_nothing(found, chance):
    shuffled = chance.sample(found, len(found))
    assert alike(fold(found), fold(shuffled))


@given(steps, steps)
def test_merging_is_counting_both(one, other):
    merged = counters.merge(fold(one), fold(other))
    assert alike(merged, fold(one + other))
    assert alike(merged, counters.merge(fold(other), fold(one)))


@given(steps)
def test_merging_with_nothing_changes_nothing(found):
    assert alike(counters.merge(fold(found), EMPTY), fold(found))


@given(steps, times)
def test_every_value_is_the_decayed_sum_of_its_events(found, later):
    """The formula of the design, computed event by event at one later time."""
    now = max([later, *(step[1] for step in found)])
    total = fold(found)
    shares = counters.decay(now - total.time)
    for days, share, count, fraud in zip((1, 7, 30), shares, total[4::5], total[7::5], strict=True):

        def left(time, half_life=days):
            return 0.5 ** ((now - time) / counters.DAY_US / half_life)

        proven = sum(left(step[1]) for step in found if step[0] == "count" and step[4])
        frauds = sum(left(step[1]) * step[2] for step in found if step[0] == "mark")
        assert isclose(count * share, proven, rel_tol=1e-9, abs_tol=1e-9)
        assert isclose(fraud * share, frauds, rel_tol=1e-9, abs_tol=1e-9)


@given(steps)
def test_packing_loses_nothing(found):
    assert counters.unpack(counters.pack(fold(found))) == fold(found)


names = st.sampled_from(["", "a", "b", "c"])
some_facts = st.builds(
    Facts, payer=st.sampled_from(["p/1", "p/2", "p/3"]), instrument=names, device=names,
    merchant=st.sampled_from(["m1", "m2"]), address=names, amount=st.integers(1, 10**9),
)  # fmt: skip


@st.composite
def events(draw):
    match draw(st.sampled_from(["pay", "pay", "pay", "label", "copied", "list", "other"])):
        case "pay":
            data = {"decision": to_data(draw(some_facts), first=draw(st.booleans()), proven=draw(st.booleans()))}
            return Event("payment.captured", "pay", b"1", 1, "m1", data)
        case "label":
            marks = draw(st.lists(st.tuples(st.sampled_from([1000, -500]), times), max_size=2))
            data = {"facts": draw(some_facts)._asdict(), "marks": marks, "explained": draw(st.booleans())}
            return Event("risk.reported", "dec", b"1", 1, "m1", data)
        case "copied":
            data = {"payer": draw(st.sampled_from(["p/1", "p/2", "p/3"])), "state": 1}
            return Event("passkey.counter_regressed", "key", b"1", 2, "p", data)
        case "list":
            data = {"entry": draw(names), "strength": draw(st.integers(0, 3)), "expire_time": START_US, "by": "x"}
            return Event("list_entry.changed", "listEntries", "x", 1, "", data)
        case _:
            return Event("refund.created", "ref", b"1", 1, "m1", {"decision": "a text of another room"})


batches = st.lists(st.tuples(times, st.lists(events(), max_size=4)), max_size=8).map(
    lambda found: sorted(found, key=lambda batch: batch[0])
)


def folded(found, **settings) -> Counters:
    made = Counters(RiskPolicy(), **settings)
    for number, (time, told) in enumerate(found, 1):
        made.fold(number, time, told)
    return made


@given(batches)
def test_seeing_and_adopting_is_folding(found):
    live = Counters(RiskPolicy())
    for number, (time, told) in enumerate(found, 1):
        view = live.view()
        for event in told:
            view.see(event, time)
        live.adopt(view, number)
    assert live.dump() == folded(found).dump()


@given(batches, times)
def test_a_view_sees_its_own_events_and_leaves_the_rest_alone(found, time):
    kept = folded(found)
    before = kept.dump()
    told = [event for _, events_ in found for event in events_]
    view = kept.view()
    for event in told:
        view.see(event, time)
    assert kept.dump() == before
    kept.adopt(view, len(found) + 1)
    after = kept.view()
    seen = {(kind, name) for kind, fresh in view.fresh.items() for name in fresh if kind != LISTS}
    assert all(view.get(key) == after.get(key) for key in seen)


@given(st.lists(events(), max_size=10), times)
def test_one_batch_of_many_is_many_batches_of_one(told, time):
    together, apart = folded([(time, told)]), folded([(time, [event]) for event in told])
    one, other = together.view(), apart.view()
    keys = {(kind, name) for view in (together, apart) for kind, table in view._tables.items() for name in table}
    assert all(one.get(key) == other.get(key) for key in keys)


@given(batches, st.integers(0, 8), st.integers(1, 4))
def test_a_restart_from_a_snapshot_changes_nothing(found, at, kept_max):
    whole = folded(found, kept_max=kept_max)
    resumed = Counters.load(RiskPolicy(), folded(found[:at], kept_max=kept_max).dump(), kept_max=kept_max)
    for number, (time, told) in list(enumerate(found, 1))[at:]:
        resumed.fold(number, time, told)
    assert resumed.dump() == whole.dump()


@given(batches, st.integers(1, 3))
def test_memory_is_bounded_but_for_the_lists(found, kept_max):
    bounded = folded(found, kept_max=kept_max)
    sizes = {kind: len(table) for kind, table in bounded._tables.items() if kind != LISTS}
    assert max(sizes.values()) <= kept_max
