"""Laws of the list of events: pages in order, choices within what may be seen, and a cursor to go on from."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.event.v1.event_service_pb2 import ListEventsRequest, StreamEventsRequest
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.events import feed as feed_module
from keelpay_server.events import service as service_module
from keelpay_server.events.feed import Feed, Owners
from tests.infrastructure.books import open_engine
from tests.integration.events.happenings import (
    ACME,
    OPERATOR,
    OTHER,
    amounts,
    as_caller,
    begin,
    happen,
    service,
    streaming,
)


async def pages(served, caller=ACME, **fields):
    """Every page of a list."""
    as_caller(caller)
    found, token = [], ""
    while True:
        answer = await served.ListEvents(ListEventsRequest(page_token=token, **fields), None)
        found.append(answer)
        token = answer.next_page_token
        if not token:
            return found


async def listed(served, caller=ACME, **fields):
    return [event for page in await pages(served, caller, **fields) for event in page.events]


async def test_pages_hold_everything_once_and_in_order(open_book):
    await begin(open_book)
    for number in range(0, 60, 3):
        await happen(open_book, "cafe", number, number + 1, number + 2)
    found = await pages(service(open_book), page_size=7, event_types=["payment.*"])
    assert amounts(event for page in found for event in page.events) == list(range(60))
    assert all(len(page.events) <= 7 for page in found)


async def test_a_partner_sees_its_own_and_an_operator_everything(open_book):
    await begin(open_book)
    for owner in ("cafe", "shop", "partners/acme", ""):
        await happen(open_book, owner, len(owner))
    served = service(open_book)
    merchants = {caller.subject: {event.merchant for event in await listed(served, caller)} for caller in (ACME, OTHER)}
    assert merchants == {"acme": {"merchants/cafe", "merchants/bar", ""}, "other": {"merchants/shop"}}
    assert len(await listed(served, OPERATOR)) == 7


async def test_a_resource_and_a_merchant_are_chosen(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", 1, 2)
    await happen(open_book, "cafe", 2, what="payment.captured")
    served = service(open_book)
    name = (await listed(served, event_types=["payment.*"]))[1].resource
    assert amounts(await listed(served, resource=name)) == [2, 2]
    assert amounts(await listed(served, OTHER, resource=name)) == []
    assert {event.merchant for event in await listed(served, merchant="merchants/bar")} == {"merchants/bar"}
    for merchant, reason in (("merchants/shop", Reason.NOT_OWNER), ("merchants/none", Reason.RESOURCE_NOT_FOUND)):
        with pytest.raises(Refused) as refused:
            await listed(served, merchant=merchant)
        assert refused.value.reason is reason


class SteppedClock:
    """A clock that a test sets."""

    now_us = 1_800_000_000_000_000

    def __call__(self):
        self.now_us += 1
        return self.now_us


def stamp(time_us):
    found = Timestamp()
    found.FromMicroseconds(time_us)
    return found


async def test_a_stretch_of_time_is_chosen_exactly_even_where_the_clock_leapt_back(database_url):
    clock = SteppedClock()
    async with open_engine(database_url, wall=clock) as engine:
        await begin(engine)
        times = {}
        for number in range(200):
            clock.now_us += 10_000_000 if number != 100 else -50_000_000
            await happen(engine, "cafe", number)
            rows = await engine.reader.journal((await engine.reader.book()).sequence - 1, 1)
            times[number] = rows[0].wall_time
        served = service(engine)
        for first, last in ((0, 199), (20, 60), (97, 104), (150, 150)):
            start, end = times[first], times[last] + 1
            expected = [number for number, time in times.items() if start <= time < end]
            got = await listed(served, start_time=stamp(start), end_time=stamp(end), event_types=["payment.*"])
            assert amounts(got) == expected
        with pytest.raises(Refused) as refused:
            await listed(served, start_time=stamp(5), end_time=stamp(5))
        assert refused.value.reason is Reason.FIELD_INVALID


async def test_where_little_is_chosen_a_page_is_short_and_has_a_token(open_book, monkeypatch):
    monkeypatch.setattr(service_module, "READS_MAX", 1)
    monkeypatch.setattr(feed_module, "ROWS_MAX", 3)
    await begin(open_book)
    for number in range(20):
        await happen(open_book, "cafe", number)
    await happen(open_book, "cafe", 99, what="order.paid")
    found = await pages(service(open_book), event_types=["order.paid"])
    assert len(found) > 3
    assert [amounts(page.events) for page in found if page.events] == [[99]]


async def test_a_token_continues_only_the_list_it_came_from(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", *range(9))
    served = service(open_book)
    as_caller(ACME)
    first = await served.ListEvents(ListEventsRequest(page_size=2), None)
    for caller, fields in ((ACME, {"event_types": ["order.*"]}), (ACME, {"merchant": "merchants/bar"}), (OTHER, {})):
        as_caller(caller)
        with pytest.raises(Refused) as refused:
            await served.ListEvents(ListEventsRequest(page_token=first.next_page_token, **fields), None)
        assert refused.value.reason is Reason.PAGE_TOKEN_INVALID


async def test_a_stream_goes_on_after_a_page(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", 1, 2, 3)
    served = service(open_book)
    as_caller(ACME)
    page = await served.ListEvents(ListEventsRequest(page_size=2, event_types=["payment.*"]), None)
    request = StreamEventsRequest(cursor=page.cursor, event_types=["payment.*"])
    async with streaming(served, request) as stream:
        await stream.until(lambda s: s.events)
        assert amounts(page.events) + amounts(stream.events) == [1, 2, 3]


async def test_owners_are_remembered_and_forgotten_without_a_mistake(open_book, monkeypatch):
    await begin(open_book)
    monkeypatch.setattr(feed_module, "OWNERS_MAX", 2)
    owners = Owners(open_book.reader)
    for wanted in ({"cafe"}, {"bar", "shop"}, {"cafe", "shop", "partners/x", ""}, {"nobody"}, {"cafe", "bar"}):
        known = await owners.learn(wanted)
        expected = {"cafe": "acme", "bar": "acme", "shop": "other", "partners/x": "x", "": "", "nobody": None}
        assert {owner: known.get(owner) for owner in wanted} == {owner: expected[owner] for owner in wanted}


async def test_events_are_found_by_their_sequences(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", 1, 2, 3, 4)
    feed = Feed(1, open_book.reader)
    last = (await open_book.reader.book()).sequence
    found = await feed.some([last, last - 2, last + 5])
    assert {sequence: int(told.data["amount"]) for sequence, told in found.items()} == {last: 4, last - 2: 2}
