"""Laws of pruning: what is past its time goes, nothing younger ever does, and the journal stays whole."""

import time

import pytest

from keelpay_server.app.keeping import keeping_rules
from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.enrolment import Registration
from keelpay_server.auth.payer_link import PayerLink, PayerLinkState
from keelpay_server.book import pruning
from keelpay_server.book.changes import Work
from keelpay_server.book.ports import Page
from keelpay_server.book.pruning import PRUNE, Pruning
from keelpay_server.book.request import RequestRow
from keelpay_server.book.times import DAY_US
from keelpay_server.config import KEPT_LONGER_DAYS, Settings, SettingsError, load_settings
from keelpay_server.events.delivery import Delivery, DeliveryState
from tests.infrastructure.books import open_engine
from tests.integration.book.things import MakeThing, asked
from tests.integration.risk.commands import PutRow

SETTINGS = Settings(keep_requests_days=30, keep_deliveries_days=40, keep_unused_days=50)
ALL = Page(1000)


class MovedClock:
    def __init__(self):
        self.days = 0.0

    def __call__(self):
        return time.time_ns() // 1000 + int(self.days * DAY_US)


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
async def engine(database_url, clock):
    async with open_engine(database_url, wall=clock) as running:
        yield running


async def prune(engine):
    await Pruning(engine, keeping_rules(SETTINGS)).handle([], None)


async def ids(engine, entity):
    return {row.id for row in await engine.reader.find(entity, {}, ALL)}


async def test_a_request_is_remembered_to_the_last_minute_of_its_time(engine, clock, monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_A_STEP", 7)
    monkeypatch.setattr(pruning, "PAUSE_S", 0)
    for number in range(20):
        await engine.execute(MakeThing(request=asked(number)))
    clock.days = 1.0
    younger = await engine.execute(MakeThing(request=asked(100)))
    clock.days = 29.99
    await prune(engine)
    assert len(await ids(engine, RequestRow)) == 21
    clock.days = 30.01
    await prune(engine)
    assert await ids(engine, RequestRow) == {asked(100).key}
    again = await engine.execute(MakeThing(request=asked(100)))
    assert (again.replayed, again.key) == (True, younger.key)
    assert not (await engine.execute(MakeThing(request=asked(3)))).replayed


def delivery(number, state, queue_us):
    return Delivery(
        bytes([number] * 16), b"s" * 16, number, "x", int(state), 1, 1, 200, 1, "", 1, 0, queue_us, queue_us
    )


async def test_deliveries_go_that_have_ended_and_were_not_asked_for_again(engine, clock):
    begin, again = clock(), clock() + 20 * DAY_US
    rows = [
        delivery(1, DeliveryState.DELIVERED, begin), delivery(2, DeliveryState.FAILED, begin),
        delivery(3, DeliveryState.PENDING, begin), delivery(4, DeliveryState.DELIVERED, again),
    ]  # fmt: skip
    for row in rows:
        await engine.execute(PutRow(row=row))
    clock.days = 41
    await prune(engine)
    assert await ids(engine, Delivery) == {rows[2].id, rows[3].id}


def confirmation(number, state, update_us):
    return Confirmation(
        bytes([number] * 16), "acme/ann", "payment:p", None, 1, "{}", "localhost", b"n", b"c", "", "{}", int(state), 0,
        None, "", 1, update_us, update_us, update_us,
    )  # fmt: skip


def registration(number, passkey, update_us):
    return Registration(
        bytes([number] * 16), "acme/ann", "Phone", b"c", False, False, False, "", "{}", passkey, update_us, update_us,
        update_us,
    )  # fmt: skip


async def test_what_was_signed_or_made_a_passkey_stays(engine, clock):
    begin = clock()
    confirmations = [confirmation(int(state), state, begin) for state in ConfirmationState]
    confirmations.append(confirmation(9, ConfirmationState.EXPIRED, begin + 2 * DAY_US))
    enrolments = [
        registration(1, None, begin),
        registration(2, b"p" * 16, begin),
        registration(3, None, begin + DAY_US),
    ]
    for row in (*confirmations, *enrolments):
        await engine.execute(PutRow(row=row))
    clock.days = 50.5
    await prune(engine)
    gone = {int(ConfirmationState.EXPIRED), int(ConfirmationState.SUPERSEDED)}
    assert await ids(engine, Confirmation) == {row.id for row in confirmations if row.id[0] not in gone}
    assert await ids(engine, Registration) == {row.id for row in enrolments[1:]}


def link(number, state, expire_us, update_us):
    digest = bytes([number] * 32)
    return PayerLink(
        bytes([number] * 16),
        digest,
        digest,
        "acme/ann",
        "manage",
        "",
        "",
        "k",
        None,
        int(state),
        0,
        "",
        expire_us,
        1,
        update_us,
    )


async def test_links_go_long_after_they_closed_whether_they_were_opened_or_not(engine, clock):
    begin = clock()
    links = [link(int(state), state, begin, begin) for state in PayerLinkState]
    open_for_long = link(8, PayerLinkState.OPEN, begin + 10 * DAY_US, begin)
    used_late = link(9, PayerLinkState.USED, begin, begin + 10 * DAY_US)
    for row in (*links, open_for_long, used_late):
        await engine.execute(PutRow(row=row))
    clock.days = 50.5
    await prune(engine)
    assert await ids(engine, PayerLink) == {open_for_long.id, used_late.id}


async def test_a_row_that_changed_since_it_was_read_stays(engine, clock):
    begin = clock()
    # As if it was FAILED when the job read it, and somebody asked for it again.
    past = {"state": [int(DeliveryState.DELIVERED), int(DeliveryState.FAILED)], "queue_time__lt": begin + 1}
    await engine.execute(PutRow(row=delivery(1, DeliveryState.PENDING, begin)))
    assert await engine.store.prune(Delivery, [bytes([1] * 16)], past) == 0
    assert len(await ids(engine, Delivery)) == 1


async def test_the_journal_is_never_pruned(engine, clock):
    for number in range(5):
        await engine.execute(MakeThing(request=asked(number)))
    before = await engine.reader.journal(0)
    clock.days = 5_000
    await prune(engine)
    assert await ids(engine, RequestRow) == set()
    assert await engine.reader.journal(0) == before


async def test_it_is_done_once_a_day_by_whoever_claims_it(engine, clock):
    for _ in range(2):
        await Pruning(engine, keeping_rules(SETTINGS)).begin()
    (work,) = await engine.reader.find(Work, {"kind": PRUNE}, ALL)
    assert work.due_time <= clock()
    await prune(engine)
    (work,) = await engine.reader.find(Work, {"kind": PRUNE}, ALL)
    assert 0.99 * DAY_US < work.due_time - clock() <= DAY_US
    await Pruning(engine, keeping_rules(SETTINGS)).begin()
    assert [row.due_time for row in await engine.reader.find(Work, {"kind": PRUNE}, ALL)] == [work.due_time]


@pytest.mark.parametrize(
    ("name", "days"),
    [("keep_requests_days", 29), ("keep_deliveries_days", 30 + KEPT_LONGER_DAYS - 1), ("keep_unused_days", 0)],
)
def test_a_keeping_time_that_breaks_a_promise_stops_the_start(name, days):
    with pytest.raises(SettingsError, match=name):
        load_settings(None, {"keep_requests_days": 30, name: days}, {})
