"""Laws of the event stream: nothing missing, nothing twice, nobody else's, an end that says where to go on."""

import asyncio

import pytest

from keelpay.api.event.v1.event_service_pb2 import StreamEventsRequest
from keelpay_server.book.reasons import Reason
from keelpay_server.events import service as service_module
from keelpay_server.rpc.drain import Drain
from tests.infrastructure.books import open_engine
from tests.integration.events.happenings import (
    ACME,
    CURSORS,
    OPERATOR,
    OTHER,
    amounts,
    begin,
    happen,
    service,
    streaming,
)

BEGINNING = StreamEventsRequest(from_beginning=True)


async def test_a_stream_tells_what_happens_from_now_on(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", 1)
    async with streaming(service(open_book), StreamEventsRequest()) as stream:
        await stream.until(lambda s: s.empty == 1)
        await happen(open_book, "cafe", 2, 3)
        await stream.until(lambda s: len(s.events) == 2)
        assert amounts(stream.events) == [2, 3]
        event = stream.events[0]
        assert event.id == f"1-{event.sequence}"
        assert event.resource.startswith("merchants/cafe/payments/pay-")
        assert (event.type, event.merchant, event.book) == ("payment.captured", "merchants/cafe", 1)
        assert event.create_time.seconds > 0


async def test_a_stream_from_the_beginning_tells_everything_the_caller_may_see_and_nothing_else(open_book):
    await begin(open_book)
    for owner in ("cafe", "shop", "", "partners/acme", "partners/other", "bar", "unknown"):
        await happen(open_book, owner, len(owner))
    seen = {}
    for caller in (ACME, OTHER, OPERATOR):
        async with streaming(service(open_book), BEGINNING, caller) as stream:
            await stream.until(lambda s: s.cursors and s.events)
            seen[caller.subject] = [event.merchant for event in stream.events]
    cafe, bar, shop = "merchants/cafe", "merchants/bar", "merchants/shop"
    assert seen["acme"] == [cafe, bar, cafe, "", bar]
    assert seen["other"] == [shop, shop, ""]
    assert seen["ops-1"] == [cafe, bar, shop, cafe, shop, "", "", "", bar, "merchants/unknown"]


async def test_a_stream_resumes_with_nothing_missing_and_nothing_twice(open_book):
    await begin(open_book)
    served = service(open_book)
    told, cursor = [], ""
    for turn in range(6):
        request = StreamEventsRequest(cursor=cursor, from_beginning=True)
        async with streaming(served, request) as stream:
            await happen(open_book, "cafe", *range(turn * 10, turn * 10 + 4))
            await happen(open_book, "shop", 999)
            await stream.until(lambda s, turn=turn: turn * 10 + 3 in amounts(s.events))
            told += stream.events
            cursor = stream.cursors[-1]
        await happen(open_book, "bar", *range(turn * 10 + 4, turn * 10 + 10))
    async with streaming(served, StreamEventsRequest(cursor=cursor)) as stream:
        await stream.until(lambda s: len(s.events) == 6)
        told += stream.events
    assert amounts(told) == list(range(60))
    assert len({event.id for event in told}) == len(told)


async def test_every_message_has_a_cursor_from_which_the_rest_follows(open_book, monkeypatch):
    monkeypatch.setattr(service_module, "MESSAGE_EVENTS_MAX", 7)
    await begin(open_book)
    for start in range(0, 40, 10):
        await happen(open_book, "cafe", *range(start, start + 10))
    served = service(open_book)
    async with streaming(served, BEGINNING) as whole:
        await whole.until(lambda s: len(amounts(s.events)) == 40)
    assert len(whole.cursors) >= 6
    for cursor in whole.cursors[:-1]:
        last = CURSORS.read(cursor)[1]
        async with streaming(served, StreamEventsRequest(cursor=cursor)) as rest:
            expected = [event.id for event in whole.events if event.sequence > last]
            await rest.until(lambda s, expected=expected: len(s.events) >= len(expected))
            assert [event.id for event in rest.events] == expected


async def test_types_and_a_merchant_are_chosen(open_book):
    await begin(open_book)
    await happen(open_book, "cafe", 1)
    await happen(open_book, "cafe", 2, what="payment.created")
    await happen(open_book, "cafe", 3, what="order.paid")
    await happen(open_book, "bar", 4)
    served = service(open_book)
    for types, merchant, expected in (
        (["payment.*"], "", [1, 2, 4]),
        (["payment.captured", "order.paid"], "merchants/cafe", [1, 3]),
        ([], "merchants/bar", [4]),
    ):
        request = StreamEventsRequest(from_beginning=True, event_types=types, merchant=merchant)
        async with streaming(served, request) as stream:
            await stream.until(lambda s, expected=expected: len(amounts(s.events)) == len(expected))
            assert amounts(stream.events) == expected


async def test_silence_is_broken_by_signs_of_life_whose_cursors_move_on(open_book, monkeypatch):
    monkeypatch.setattr(service_module, "LIFE_S", 0.1)
    await begin(open_book)
    async with streaming(service(open_book), StreamEventsRequest(event_types=["order.paid"])) as stream:
        await stream.until(lambda s: s.empty >= 2)
        await happen(open_book, "cafe", 1)
        before = stream.empty
        await stream.until(lambda s: s.empty >= before + 3)
        assert not stream.events
        assert CURSORS.read(stream.cursors[-1])[1] == CURSORS.read(stream.cursors[0])[1] + 1


async def test_strangers_learn_nothing_of_a_merchant(open_book):
    await begin(open_book)
    for merchant, reason in (("merchants/shop", Reason.NOT_OWNER), ("merchants/none", Reason.RESOURCE_NOT_FOUND)):
        async with streaming(service(open_book), StreamEventsRequest(merchant=merchant)) as stream:
            await stream.until(lambda s: s.ended)
            assert stream.ended.reason is reason


@pytest.mark.parametrize(
    "cursor", ["nonsense", CURSORS.write({1: 10**9}), CURSORS.write({2: 0}), CURSORS.write({1: 0}, "list")]
)
async def test_a_cursor_that_leads_nowhere_is_refused(open_book, cursor):
    async with streaming(service(open_book), StreamEventsRequest(cursor=cursor)) as stream:
        await stream.until(lambda s: s.ended)
        assert stream.ended.reason is Reason.CURSOR_INVALID


async def test_a_drain_ends_the_stream_at_once_with_a_cursor_to_go_on_from(open_book):
    await begin(open_book)
    drain = Drain(200)
    async with streaming(service(open_book, drain=drain), StreamEventsRequest()) as stream:
        await stream.until(lambda s: s.empty == 1)
        await happen(open_book, "cafe", 1)
        await stream.until(lambda s: s.events)
        drain.begin()
        await stream.until(lambda s: s.ended, timeout_s=10.0)  # a stream that nobody ends looks up after 15 s
    assert stream.ended.reason is Reason.DRAINING
    assert stream.ended.retry_after_ms == 200
    await happen(open_book, "cafe", 2)
    cursor = stream.ended.metadata["cursor"]
    assert len(cursor) < 200  # metadata of an error is cut at 256 characters
    async with streaming(service(open_book), StreamEventsRequest(cursor=cursor)) as stream:
        await stream.until(lambda s: s.events)
        assert amounts(stream.events) == [2]


async def test_two_processes_on_one_database_tell_the_same_events_in_the_same_order(migrated_dsn):
    async with open_engine(migrated_dsn, process="one") as one, open_engine(migrated_dsn, process="two") as two:
        await begin(one)
        async with (
            streaming(service(one), BEGINNING) as at_one,
            streaming(service(two), BEGINNING) as at_two,
        ):

            async def write(engine, start):
                for number in range(start, start + 50):
                    await happen(engine, "cafe", number)

            await asyncio.gather(write(one, 0), write(two, 100))
            for stream in (at_one, at_two):
                await stream.until(lambda s: len(amounts(s.events)) == 100)
            assert [event.id for event in at_one.events] == [event.id for event in at_two.events]
            assert [event.sequence for event in at_one.events] == sorted({e.sequence for e in at_one.events})
            assert sorted(amounts(at_one.events)) == [*range(50), *range(100, 150)]
        async with streaming(service(two), StreamEventsRequest(cursor=at_one.cursors[0])) as moved:
            first = CURSORS.read(at_one.cursors[0])[1]
            rest = [event.id for event in at_one.events if event.sequence > first]
            await moved.until(lambda s: len(s.events) == len(rest))
            assert [event.id for event in moved.events] == rest


async def test_a_caller_of_no_partner_sees_nothing(open_book):
    await begin(open_book)
    await happen(open_book, "", 1)
    nobody = ACME._replace(partner="", subject="nobody")
    async with streaming(service(open_book), BEGINNING, nobody) as stream:
        await stream.until(lambda s: s.cursors)
        assert not stream.events
