"""Laws of a batch's world: whole effects or none, floors on both sides, and nothing seen that was not asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.changes import BUSINESS, WALL, Changes, Event, Work
from keelpay_server.book.lease import Lease
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import Unloaded, World
from keelpay_server.ledger.account import bank_clearing, bank_reserve, merchant_available, payer_balance
from tests.integration.book.things import Thing

CNY = 156
PAYER, MERCHANT = payer_balance(1, CNY), merchant_available(2, CNY)
"""Floored where debits lower them."""
RESERVE = bank_reserve(3, CNY)
"""Floored where credits lower it."""
CLEARING = bank_clearing(3, CNY)
"""Without a floor."""
EVENT = (Event("thing.moved", "thg", b"k", 1, "", {}),)
NOW, BUSINESS_NOW = 5_000_000, 9_000_000


@pytest.fixture
def world():
    return make()


def make(**room):
    made = World(1, 10, b"head", NOW, BUSINESS_NOW, 4, 77)
    made.lease = Lease("me", 700)
    return made


def moves(*legs, pending=()):
    return Changes(legs=tuple((*leg, 1) for leg in legs), pending=tuple(pending), events=EVENT)


def state(world):
    return (
        dict(world.room), {k: list(v) for k, v in world.moved.items()}, list(world.legs), list(world.pending),
        list(world.events), dict(world.opened), {k: dict(v) for k, v in world.touched.items()}, dict(world.done),
        world.sequence,
    )  # fmt: skip


# ---- floors


@pytest.mark.parametrize("lowered, leg", [(PAYER, (PAYER, CLEARING)), (RESERVE, (CLEARING, RESERVE))])
def test_a_floored_account_gives_what_it_has_and_no_more(world, lowered, leg):
    world.room[lowered] = 100
    world.apply(moves((*leg, 60)))
    before = state(world)
    with pytest.raises(Refused) as refused:
        world.apply(moves((*leg, 41)))
    assert refused.value.reason is Reason.INSUFFICIENT_FUNDS
    assert state(world) == before
    world.apply(moves((*leg, 40)))
    assert world.headroom(lowered) == 0


@pytest.mark.parametrize("lowered, pending", [(PAYER, (PAYER, MERCHANT)), (RESERVE, (CLEARING, RESERVE))])
def test_a_hold_lowers_what_is_left_and_its_release_gives_it_back(world, lowered, pending):
    world.room[lowered] = 100
    world.apply(moves(pending=[(*pending, 70)]))
    with pytest.raises(Refused):
        world.apply(moves(pending=[(*pending, 31)]))
    world.apply(moves(pending=[(*pending, -70)]))
    assert world.headroom(lowered) == 100


def test_the_capture_of_a_hold_takes_nothing_new(world):
    world.room[PAYER] = 0
    world.apply(moves((PAYER, MERCHANT, 70), pending=[(PAYER, MERCHANT, -70)]))
    assert world.headroom(PAYER) == 0


@pytest.mark.parametrize("raised, leg", [(PAYER, (CLEARING, PAYER)), (RESERVE, (RESERVE, CLEARING))])
def test_what_raises_an_account_is_never_refused(world, raised, leg):
    world.room[raised] = -5  # a bank that took back more than it gave
    world.apply(moves((*leg, 3)))
    assert world.headroom(raised) == -2


def test_money_held_for_somebody_cannot_be_spent_by_them(world):
    world.room.update({PAYER: 10, MERCHANT: 0})
    world.apply(moves(pending=[(PAYER, MERCHANT, 10)]))
    assert world.headroom(MERCHANT) == 0


def test_the_order_of_legs_within_one_effect_does_not_matter(world):
    world.room[PAYER] = 0
    world.apply(moves((PAYER, MERCHANT, 5), (CLEARING, PAYER, 5)))
    assert world.headroom(PAYER) == 0


@given(st.lists(st.tuples(st.sampled_from([PAYER, RESERVE]), st.integers(-50, 50)), max_size=30))
def test_floors_hold_at_every_step_and_refusals_leave_no_trace(steps):
    world = make()
    world.room.update({PAYER: 40, RESERVE: 40})
    model = {PAYER: 40, RESERVE: 40}
    for account, change in steps:
        down = (account, CLEARING) if account == PAYER else (CLEARING, account)
        leg = (*down, -change) if change < 0 else (*reversed(down), change)
        if not change:
            continue
        before = state(world)
        if model[account] + change < 0:
            with pytest.raises(Refused):
                world.apply(moves(leg))
            assert state(world) == before
        else:
            world.apply(moves(leg))
            model[account] += change
    assert world.room == model


def test_an_account_that_was_not_loaded_has_no_known_room(world):
    for ask in (world.headroom, world.balance):
        with pytest.raises(Unloaded):
            ask(PAYER)


def test_the_balance_of_an_account_without_a_floor_follows_the_batch(world):
    world.room[CLEARING] = -30
    world.apply(moves((CLEARING, PAYER, 20)))
    assert world.balance(CLEARING) == -50


# ---- whole or not at all


@pytest.mark.parametrize(
    "changes",
    [
        Changes(legs=((PAYER, MERCHANT, 1, 1),)),
        Changes(pending=((PAYER, MERCHANT, 1),)),
        Changes(opens=(PAYER,)),
        Changes(rows=(Thing(b"k", "n", 0, True, None),), legs=((PAYER, MERCHANT, 1, 1),)),
    ],
)
def test_money_without_an_event_is_an_error_without_a_trace(world, changes):
    before = state(world)
    with pytest.raises(ValueError, match="event"):
        world.apply(changes)
    assert state(world) == before


def test_an_account_is_opened_once_in_a_batch(world):
    world.apply(Changes(opens=(PAYER,), events=EVENT))
    before = state(world)
    with pytest.raises(ValueError, match="twice"):
        world.apply(Changes(opens=(MERCHANT, PAYER), events=EVENT))
    assert state(world) == before


def test_legs_belong_to_the_first_event_and_events_are_numbered_on(world):
    world.apply(Changes(legs=((PAYER, MERCHANT, 1, 1), (PAYER, MERCHANT, 2, 1)), events=EVENT * 3))
    world.apply(Changes(legs=((PAYER, MERCHANT, 3, 1),), events=EVENT))
    assert [leg[:2] for leg in world.legs] == [(11, 0), (11, 1), (14, 0)]
    assert [event[0] for event in world.events] == [11, 12, 13, 14]
    assert world.sequence == 14


# ---- what is seen


def test_only_what_was_asked_for_is_seen(world):
    with pytest.raises(Unloaded):
        world.get(Thing, b"k")
    Need(world).row(Thing, b"k")
    assert world.get(Thing, b"k") is None
    with pytest.raises(Refused) as refused:
        world.require(Thing, b"k")
    assert refused.value.reason is Reason.RESOURCE_NOT_FOUND
    thing = Thing(b"k", "n", 0, True, None)
    world.apply(Changes(thing, events=EVENT))
    assert world.require(Thing, b"k") == thing


def test_what_the_batch_made_is_seen_without_asking(world):
    thing = Thing(world.new_id(), "n", 0, True, None)
    world.apply(Changes(thing, events=EVENT))
    assert world.get(Thing, thing.id) == thing


def test_a_group_is_seen_as_the_batch_left_it(world):
    with pytest.raises(Unloaded):
        world.all(Thing, "name", "a")
    need = Need(world)
    assert need.all(Thing, "name", "a") == []
    one, other = Thing(b"1", "a", 0, True, None), Thing(b"2", "b", 0, True, None)
    world.apply(Changes(one, (other,), events=EVENT))
    assert world.all(Thing, "name", "a") == [one]
    world.apply(Changes(other._replace(name="a"), (one._replace(name="c"),), events=EVENT))
    assert [thing.id for thing in world.all(Thing, "name", "a")] == [b"2"]


def test_a_round_asks_for_nothing_twice(world):
    need = Need(world)
    for _ in range(2):
        need.row(Thing, b"k")
        need.all(Thing, "name", "a")
        need.account(PAYER)
    assert need.rows == {Thing: {b"k"}}
    assert need.groups == {(Thing, "name"): {"a"}}
    assert need.accounts == {PAYER}
    world.room[PAYER] = 0
    need.clear()
    need.row(Thing, b"k")
    need.all(Thing, "name", "a")
    need.account(PAYER)
    assert need.empty()


def test_ids_and_owners_are_fresh_each_time(world):
    ids = [world.new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert [world.new_owner() for _ in range(3)] == [4, 5, 6]


# ---- later work


def work(key=b"w", clock=WALL, due=NOW):
    return Work(key, "kind", b"s", clock, due)


@pytest.mark.parametrize("clock, now", [(WALL, NOW), (BUSINESS, BUSINESS_NOW)])
def test_work_that_is_due_belongs_to_its_maker_and_other_work_to_nobody(world, clock, now):
    world.apply(Changes(work=(work(b"1", clock, now), work(b"2", clock, now + 1)), events=EVENT))
    kept = world.touched[Work]
    assert (kept[b"1"].lease_owner, kept[b"1"].lease_until_us) == ("me", NOW + 700)
    assert (kept[b"2"].lease_owner, kept[b"2"].lease_until_us) == ("", 0)


def test_work_is_finished_or_there_as_the_last_command_said(world):
    world.apply(Changes(work=(work(),), events=EVENT))
    world.apply(Changes(done=(b"w",), events=EVENT))
    assert b"w" not in world.touched[Work]
    assert b"w" in world.done
    world.apply(Changes(work=(work(),), events=EVENT))
    assert b"w" in world.touched[Work]
    assert b"w" not in world.done
