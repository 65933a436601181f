"""Laws of webhooks: signed, once for each event, tried for days, and never sent where they must not go."""

import asyncio
import json
import ssl
from uuid import uuid4

import pytest
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from standardwebhooks import Webhook, WebhookVerificationError

from keelpay.api.event.v1 import event_pb2
from keelpay.api.event.v1.delivery_pb2 import Delivery as DeliveryMessage
from keelpay.api.event.v1.subscription_pb2 import Subscription as SubscriptionMessage
from keelpay.api.event.v1.subscription_request_pb2 import RedeliverRequest
from keelpay_server.events.delivery import RETRY_S, Delivery
from keelpay_server.events.sender import Sender, SendingSettings
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.events.conftest import post_office
from tests.integration.events.happenings import OTHER, begin, happen
from tests.integration.events.subscribing import delete, deliveries, listed, rotate, subscribe

PENDING, DELIVERED, FAILED = (
    DeliveryMessage.STATE_PENDING,
    DeliveryMessage.STATE_DELIVERED,
    DeliveryMessage.STATE_FAILED,
)


def told(receiver):
    return [int(json.loads(request.body)["data"]["amount"]) for request in receiver.requests]


async def test_an_event_comes_signed_and_reads_as_the_event(office, receiver):
    engine, served = office
    _, secret = await subscribe(served, receiver.uri)
    await happen(engine, "cafe", 7)
    await receiver.until(1)
    request = receiver.requests[0]
    assert request.line == "POST /hooks?of=keelpay HTTP/1.1"
    assert request.headers["host"] == f"localhost:{receiver.port}"
    Webhook(secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body + b" ", request.headers)
    event = json_format.Parse(request.body, event_pb2.Event())
    assert event.id == request.headers["webhook-id"]
    assert (event.type, event.merchant, event.data["amount"]) == ("payment.captured", "merchants/cafe", "7")


async def test_each_event_is_delivered_once_and_only_the_partners_own(office, receiver):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    for number in range(40):
        await happen(engine, "cafe", number)
        await happen(engine, "shop", 1000 + number)
    await receiver.until(40)
    await until(lambda: all_delivered(served, mine.name))
    assert sorted(told(receiver)) == list(range(40))
    rows = await deliveries(served, mine.name)
    assert len({row.event for row in rows}) == len(rows) == 40
    assert {(row.state, row.attempt_count, row.response_status, row.failure) for row in rows} == {
        (DELIVERED, 1, 204, "")
    }


async def all_delivered(served, name):
    return all(row.state == DELIVERED for row in await deliveries(served, name))


async def test_types_and_merchants_are_chosen_and_nothing_from_before_is_sent(office, receiver):
    engine, served = office
    await happen(engine, "cafe", 1)
    await subscribe(served, receiver.uri, event_types=["order.*"], merchants=["merchants/bar"])
    await happen(engine, "bar", 2)
    await happen(engine, "cafe", 3, what="order.paid")
    await happen(engine, "bar", 4, what="order.paid")
    await receiver.until(1)
    await asyncio.sleep(0.3)
    assert told(receiver) == [4]


async def test_what_is_not_taken_is_tried_again_with_the_same_id_and_body(office, receiver, clock):
    engine, served = office
    mine, secret = await subscribe(served, receiver.uri)
    receiver.answer = lambda number: b"HTTP/1.1 503 Busy\r\n\r\n" if number < 3 else b"HTTP/1.1 200 OK\r\n\r\n"
    await happen(engine, "cafe", 7)
    for attempt in (1, 2):
        await receiver.until(attempt)
        await until(lambda attempt=attempt: tried(served, mine.name, attempt))
        (row,) = await deliveries(served, mine.name)
        assert (row.state, row.response_status, row.failure) == (PENDING, 503, "answered with 503")
        wait_s = row.next_attempt_time.seconds - row.attempt_time.seconds
        assert 0 <= wait_s - RETRY_S[attempt - 1] < PATIENCE_S
        clock.step_us += RETRY_S[attempt - 1] * 1_000_000
    await receiver.until(3)
    await until(lambda: tried(served, mine.name, 3))
    (row,) = await deliveries(served, mine.name, "state = DELIVERED")
    assert not row.HasField("next_attempt_time")
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 3
    Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)


async def tried(served, name, attempts):
    return [row.attempt_count for row in await deliveries(served, name)] == [attempts]


async def test_after_days_it_is_given_up_and_the_subscription_is_failing_until_one_arrives(office, receiver, clock):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    receiver.answer = lambda _number: b"HTTP/1.1 500 No\r\n\r\n"
    await happen(engine, "cafe", 7)
    await receiver.until(1)
    event, attempts = receiver.requests[0].headers["webhook-id"], 0

    async def tried_again():
        """The deliveries after one more attempt: a failing subscription makes one at a time, of the oldest."""
        rows = await deliveries(served, mine.name)
        given_up = any(row.state == FAILED for row in rows)
        return rows if given_up or sum(row.attempt_count for row in rows) > attempts else None

    while (row := next(row for row in await until(tried_again) if row.event == event)).state != FAILED:
        rows = await deliveries(served, mine.name)
        attempts = sum(row.attempt_count for row in rows)
        due_us = min(row.next_attempt_time.ToMicroseconds() for row in rows)
        clock.step_us += max(due_us - clock(), 12 * 3_600_000_000)  # it pauses for hours between its attempts
    assert 4 <= row.attempt_count <= len(RETRY_S) + 1
    (shown,) = await listed(served)
    assert shown.state == SubscriptionMessage.STATE_FAILING
    receiver.answer = lambda _number: b"HTTP/1.1 200 OK\r\n\r\n"
    clock.step_us += 2 * 86_400_000_000
    await happen(engine, "cafe", 8)

    async def recovered():
        return (await listed(served))[0].state == SubscriptionMessage.STATE_ACTIVE

    await until(recovered)
    types = {row.event_type for row in await deliveries(served, mine.name)}
    assert {"payment.captured", "subscription.failing"} <= types


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1/\r\n\r\n", "redirects are not followed"),
        (b"SSH-2.0-x\r\n\r\n", "answer is not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 40_000 + b"\r\n\r\n", "answer is not HTTP/1.1"),
        (b"", "answer is not HTTP/1.1"),
        (None, "timeout"),
        (b"HTTP/1.1 102 Wait\r\n\r\n" * 9, "answer is not HTTP/1.1"),
    ],
)  # fmt: skip
async def test_a_strange_answer_is_a_failure_and_nothing_more(receiver, answer, failure):
    receiver.answer = lambda _number: answer
    sender = Sender(SendingSettings(loopback=True, timeout_s=0.5 if answer is None else PATIENCE_S), receiver.trust)
    got = await sender.post(receiver.uri, {"webhook-id": "1-1"}, b"{}")
    sender.close()
    assert got.failure == failure
    assert got.latency_ms < 1_000 * PATIENCE_S
    assert len(receiver.requests) == 1


async def test_informational_answers_are_passed_over(receiver):
    receiver.answer = lambda _number: b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    sender = Sender(SendingSettings(loopback=True), receiver.trust)
    assert (await sender.post(receiver.uri, {}, b"{}"))[:2] == (200, "")
    sender.close()


async def test_a_private_address_is_refused_after_resolving_even_if_the_name_looks_public(receiver, monkeypatch):
    sender = Sender(SendingSettings(timeout_s=PATIENCE_S), receiver.trust)
    assert (await sender.post(receiver.uri, {}, b"{}")).failure.startswith("address refused")
    assert await sender.verdict(receiver.uri)
    sent_to = []

    def resolve(host, port, **_kinds):
        sent_to.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    answer = await sender.post(f"https://public.example:{receiver.port}/", {}, b"{}")
    assert answer.failure.startswith("address refused")
    assert sent_to == ["public.example"]
    assert not receiver.requests
    sender.close()


async def test_the_address_that_was_judged_is_connected_to_and_the_certificate_must_bear_the_name(
    receiver, monkeypatch
):
    answers = iter([["127.0.0.1"], ["127.0.0.1"]])

    def resolve(_host, port, **_kinds):
        return [(2, 1, 6, "", (address, port)) for address in next(answers)]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    sender = Sender(SendingSettings(loopback=True, timeout_s=PATIENCE_S), receiver.trust)
    rebound = await sender.post(f"https://attacker.example:{receiver.port}/", {}, b"{}")
    assert rebound.failure.startswith("certificate refused")
    assert (await sender.post(receiver.uri, {}, b"{}")).status == 204
    assert next(answers, None) is None  # one look-up for each request: nothing resolves again behind our back
    sender.close()


async def test_an_untrusted_certificate_and_a_closed_port_are_failures(receiver):
    sender = Sender(SendingSettings(loopback=True), ssl.create_default_context())
    assert (await sender.post(receiver.uri, {}, b"{}")).failure.startswith("certificate refused")
    assert (await sender.post("https://localhost:1/", {}, b"{}")).failure == "connection refused"
    sender.close()


async def test_both_secrets_sign_while_one_is_rotated(office, receiver):
    _, served = office
    mine, old = await subscribe(served, receiver.uri)
    rotated = await rotate(served, mine.name, 3600)
    assert len(rotated.subscription.keys) == 2
    # The subscription hears of its own rotation too.
    await receiver.until(1)
    for secret in (old, rotated.secret):
        Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)
    last = await rotate(served, mine.name, 0)
    await receiver.until(2)
    Webhook(last.secret).verify(receiver.requests[1].body, receiver.requests[1].headers)
    for secret in (old, rotated.secret):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(receiver.requests[1].body, receiver.requests[1].headers)


async def test_a_stretch_of_time_is_sent_again_with_the_same_ids(office, receiver):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    for number in (1, 2, 3):
        await happen(engine, "cafe", number)
    await receiver.until(3)
    await until(lambda: all_delivered(served, mine.name))
    rows = sorted(await deliveries(served, mine.name), key=lambda row: row.create_time.ToNanoseconds())
    middle = rows[1].create_time
    end = Timestamp()
    end.FromNanoseconds(middle.ToNanoseconds() + 1000)
    request = RedeliverRequest(
        name=mine.name, request_id=str(uuid4()), start_time=middle, end_time=end, include_delivered=True
    )
    assert (await served.Redeliver(request, None)).subscription.pending_count == 1
    await receiver.until(4)
    await until(lambda: all_delivered(served, mine.name))
    assert receiver.requests[3].headers["webhook-id"] == rows[1].event
    assert (await served.Redeliver(request, None)).replayed
    undelivered = RedeliverRequest(name=mine.name, request_id=str(uuid4()), start_time=rows[0].create_time)
    assert (await served.Redeliver(undelivered, None)).subscription.pending_count == 0
    await asyncio.sleep(0.3)
    assert len(receiver.requests) == 4


async def test_a_deleted_subscription_sends_nothing_more(office, receiver):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    receiver.answer = lambda _number: b"HTTP/1.1 500 No\r\n\r\n"
    await happen(engine, "cafe", 1)
    await receiver.until(1)
    await delete(served, mine.name)
    receiver.answer = lambda _number: b"HTTP/1.1 200 OK\r\n\r\n"
    await happen(engine, "cafe", 2)
    await asyncio.sleep(0.5)
    assert len(receiver.requests) == 1
    assert await listed(served) == []


async def test_a_silent_receiver_does_not_hold_up_another(office, receiver):
    """It is silent for as long as the other is waited for, and longer than that nobody waits for it."""
    engine, served = office
    await subscribe(served, receiver.uri)
    quick, _ = await subscribe(served, receiver.uri.replace("hooks", "quick"), caller=OTHER)
    receiver.answer = lambda number: (
        None if "hooks" in receiver.requests[number - 1].line else b"HTTP/1.1 200 OK\r\n\r\n"
    )
    for number in range(8):
        await happen(engine, "cafe", number)
    await receiver.until(1)
    await happen(engine, "shop", 100)

    async def arrived():
        return [row.state for row in await deliveries(served, quick.name)] == [DELIVERED]

    await until(arrived)
    receiver.released.set()


async def test_two_processes_make_each_delivery_once_and_one_takes_over_from_the_other(migrated_dsn, receiver, clock):
    async with post_office(migrated_dsn, receiver, clock, process="one") as (one, served):
        await begin(one)
        mine, _ = await subscribe(served, receiver.uri)
        async with post_office(migrated_dsn, receiver, clock, process="two") as (two, _):
            await asyncio.gather(
                *(happen(engine, "cafe", 2 * n + i) for n in range(30) for i, engine in enumerate((one, two)))
            )
            await until(lambda: counted(one, 60))
            await until(lambda: all_delivered(served, mine.name))
        await happen(one, "cafe", 60)
        await receiver.until(61)
        assert set(told(receiver)) == set(range(61))
        assert await one.reader.count(Delivery, {}) == 61


async def counted(engine, count):
    return await engine.reader.count(Delivery, {}) == count


async def test_what_happened_while_nobody_looked_is_sent_after_a_restart(database_url, receiver, clock):
    async with post_office(database_url, receiver, clock) as (engine, served):
        await begin(engine)
        await subscribe(served, receiver.uri)
    async with post_office(database_url, receiver, clock) as (engine, _):
        await happen(engine, "cafe", 1)
        await receiver.until(1)
    assert told(receiver) == [1]
