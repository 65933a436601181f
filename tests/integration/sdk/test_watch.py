import asyncio

import grpc
import pytest

import keelpay
from keelpay import PaymentState, Reason
from keelpay.api.clearing.v1 import ledger_service_pb2
from keelpay.api.event.v1 import event_service_pb2
from keelpay.api.gateway.v1 import payment_service_pb2
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.sdk.scripted_server import Hang, Refuse

WATCH, STREAM = "PaymentService/WatchPayment", "EventService/StreamEvents"
PAYMENT = "merchants/cafe/payments/pay-1"
DRAINING = Refuse(grpc.StatusCode.UNAVAILABLE, Reason.DRAINING, {"cursor": "drained"}, retry_s=0.01)
BREAKS = [
    DRAINING,
    Refuse(grpc.StatusCode.UNAVAILABLE),
    Refuse(grpc.StatusCode.CANCELLED),
    Refuse(grpc.StatusCode.DEADLINE_EXCEEDED),
    Refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED, retry_s=0.01),
    None,
]


def seen(version, state=PaymentState.PROCESSING):
    answer = payment_service_pb2.WatchPaymentResponse()
    answer.payment.name, answer.payment.state_version, answer.payment.state = PAYMENT, version, state.value
    return answer


def happened(*sequences, cursor, book=0):
    answer = event_service_pb2.StreamEventsResponse(cursor=cursor)
    for sequence in sequences:
        answer.events.add(id=f"{book}-{sequence}", book=book, sequence=sequence, type="payment.captured")
    return answer


@pytest.mark.parametrize("trouble", BREAKS)
async def test_a_watch_goes_on_after_a_break_and_tells_nothing_twice(trouble, server, driver):
    tail = [trouble] if trouble else []
    server.script(WATCH, [seen(1), seen(2), *tail], [seen(2), *tail], [seen(3), seen(4, PaymentState.CAPTURED)])
    told = await driver.collect(lambda c: c.payments.watch(PAYMENT))
    assert [each.state_version for each in told] == [1, 2, 3, 4]
    assert [call.request.after_state_version for call in server.called(WATCH)] == [0, 2, 2]


async def test_a_watch_ends_with_the_payment_even_if_the_server_holds_on(server, driver):
    server.script(WATCH, [seen(1), seen(2, PaymentState.EXPIRED), Hang()])
    told = await asyncio.wait_for(driver.collect(lambda c: c.payments.watch(PAYMENT)), PATIENCE_S)
    assert told[-1].has_ended


async def test_a_watch_of_what_has_ended_before_ends_at_once(server, driver):
    server.script(WATCH, [seen(7, PaymentState.CAPTURED)])
    assert await driver.collect(lambda c: c.payments.watch(PAYMENT, after_state_version=7)) == []


async def test_a_final_error_is_raised_after_what_was_told(server, driver):
    server.script(WATCH, [seen(1), Refuse(grpc.StatusCode.NOT_FOUND, Reason.RESOURCE_NOT_FOUND)])
    watch = driver.client.payments.watch(PAYMENT)
    with pytest.raises(keelpay.NotFoundError):
        await driver.collect(lambda _: watch)
    assert watch.state_version == 1


async def test_a_break_that_outlasts_the_callers_patience_is_raised(server, driver):
    server.script(WATCH, *[[Refuse(grpc.StatusCode.UNAVAILABLE)]] * 500)
    with pytest.raises(keelpay.UnavailableError):
        await asyncio.wait_for(driver.collect(lambda c: c.payments.watch(PAYMENT, patience_s=0.2)), PATIENCE_S)


async def test_leaving_a_watch_tells_the_server(server, driver):
    server.script(WATCH, [seen(1), Hang()])
    assert len(await driver.collect(lambda c: c.payments.watch(PAYMENT), limit=1)) == 1


async def test_events_go_on_from_the_cursor_and_come_once(server, driver):
    server.script(
        STREAM,
        [happened(1, 2, cursor="c2"), happened(cursor="c2b"), DRAINING],
        [happened(2, 3, cursor="c3"), Refuse(grpc.StatusCode.UNAVAILABLE)],
        [happened(4, cursor="c4"), happened(1, cursor="c5", book=1)],
    )
    told = await driver.collect(lambda c: c.events.stream(types=["payment.*"]), limit=5)
    assert [each.id for each in told] == ["0-1", "0-2", "0-3", "0-4", "1-1"]
    requests = [call.request for call in server.called(STREAM)]
    assert [each.cursor for each in requests] == ["", "c2b", "c3"]
    assert {tuple(each.event_types) for each in requests} == {("payment.*",)}


async def test_a_stream_that_breaks_before_its_first_event_starts_from_the_servers_now(server, driver):
    server.script(STREAM, *[[DRAINING]] * 6, [happened(9, cursor="c9")])
    await driver.collect(lambda c: c.events.stream(), limit=1)
    assert server.called(STREAM)[-1].request.cursor == "drained"


async def test_the_cursor_moves_when_the_last_event_of_a_group_was_told(server, side, driver):
    server.script(STREAM, [happened(1, 2, cursor="c2"), happened(3, 4, cursor="c4"), Hang()])
    stream = driver.client.events.stream(cursor="c0")
    cursors = []
    for _ in range(4):
        await (stream.__anext__() if side == "async" else asyncio.to_thread(stream.__next__))
        cursors.append(stream.cursor)
    assert cursors == ["c0", "c2", "c2", "c4"]
    await (stream.close() if side == "async" else asyncio.to_thread(stream.close))


async def test_a_watch_that_is_closed_while_it_waits_ends(server, side, driver):
    server.script(STREAM, [happened(1, cursor="c1"), Hang()])
    stream = driver.client.events.stream()
    task = asyncio.ensure_future(driver.collect(lambda _: stream))
    await until(lambda: stream.cursor == "c1")
    await (stream.close() if side == "async" else asyncio.to_thread(stream.close))
    assert [each.id for each in await asyncio.wait_for(task, PATIENCE_S)] == ["0-1"]


async def test_the_ledger_check_streams_its_findings(server, driver):
    found = [ledger_service_pb2.VerifyLedgerResponse(invariant=n, complete=True, ok=n != 2) for n in (1, 2)]
    server.script("LedgerService/VerifyLedger", found)
    told = await driver.collect(lambda c: c.ledger.verify())
    assert [(each.invariant, each.ok) for each in told] == [(1, True), (2, False)]
