"""Laws of subscriptions: made once, shown to their owner, secrets told once, addresses judged."""

import pytest

from keelpay.api.event.v1.subscription_request_pb2 import ListDeliveriesRequest, ListSubscriptionsRequest
from keelpay_server.book import journal
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.events.subscription import COUNT_MAX, Subscription, read_keys
from tests.integration.events.happenings import ACME, OPERATOR, OTHER, SEAL, as_caller
from tests.integration.events.subscribing import creation, delete, deliveries, listed, rotate, subscribe


async def refused(call):
    with pytest.raises(Refused) as caught:
        await call
    return caught.value.reason


async def test_a_subscription_is_made_once_and_its_secret_told_once(office, receiver):
    _, served = office
    request = creation(receiver.uri, event_types=["payment.*", "payment.*"], description="Ours")
    first = await served.CreateSubscription(request, None)
    again = await served.CreateSubscription(request, None)
    assert first.secret.startswith("whsec_")
    assert (again.secret, again.replayed) == ("", True)
    assert again.subscription == first.subscription
    (shown,) = await listed(served)
    assert (shown.uri, list(shown.event_types), shown.description) == (receiver.uri, ["payment.*"], "Ours")
    assert len(shown.keys) == 1
    assert not shown.keys[0].HasField("expire_time")


async def test_a_secret_is_kept_sealed_and_told_to_nobody_else(office, receiver):
    engine, served = office
    mine, secret = await subscribe(served, receiver.uri)
    (row,) = await engine.reader.find(Subscription, {})
    (key,) = read_keys(row)
    assert secret.removeprefix("whsec_") not in row.keys
    assert len(SEAL.open(key.sealed, "acme", key.id)) == 32
    bodies = b"".join(found.body for found in await engine.reader.journal(0))
    assert secret.encode() not in bodies
    assert key.sealed.encode() not in bodies
    assert mine.state_version == 1


@pytest.mark.parametrize(
    "uri",
    ["https://10.0.0.1/", "https://169.254.169.254/latest", "https://no-such-host.invalid/", "https://u:p@localhost/"],
)
async def test_an_address_that_must_not_be_sent_to_is_refused(office, uri):
    _, served = office
    assert await refused(served.CreateSubscription(creation(uri), None)) is Reason.URL_REFUSED


async def test_a_repeat_answers_as_the_first_did_whatever_became_of_the_address(office, receiver, monkeypatch):
    _, served = office
    request = creation(receiver.uri)
    first = await served.CreateSubscription(request, None)

    def gone(*_arguments, **_kinds):
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", gone)
    assert (await served.CreateSubscription(request, None)).subscription.name == first.subscription.name
    assert await refused(served.CreateSubscription(creation(receiver.uri), None)) is Reason.URL_REFUSED


async def test_only_merchants_of_the_partner_can_be_chosen(office, receiver):
    _, served = office
    for merchant in ("merchants/shop", "merchants/none"):
        request = creation(receiver.uri, merchants=[merchant])
        assert await refused(served.CreateSubscription(request, None)) is Reason.RESOURCE_NOT_FOUND


async def test_there_are_only_so_many_and_a_deleted_one_makes_room(office, receiver):
    _, served = office
    names = [(await subscribe(served, receiver.uri))[0].name for _ in range(COUNT_MAX)]
    assert await refused(served.CreateSubscription(creation(receiver.uri), None)) is Reason.COUNT_LIMIT_REACHED
    await delete(served, names[0])
    await subscribe(served, receiver.uri)


async def test_strangers_find_no_subscription_and_operators_all(office, receiver):
    _, served = office
    mine, _ = await subscribe(served, receiver.uri)
    as_caller(OTHER)
    theirs = mine.name.replace("partners/acme", "partners/other")
    for name, reason in ((mine.name, Reason.NOT_OWNER), (theirs, Reason.RESOURCE_NOT_FOUND)):
        assert await refused(rotate(served, name, 0)) is reason
        assert await refused(delete(served, name)) is reason
        assert await refused(deliveries(served, name)) is reason
    assert await refused(listed(served)) is Reason.NOT_OWNER
    assert await refused(served.CreateSubscription(creation(receiver.uri), None)) is Reason.NOT_OWNER
    as_caller(OPERATOR)
    assert [row.name for row in await listed(served)] == [mine.name]


async def test_a_deleted_subscription_is_gone_for_everybody(office, receiver):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    await delete(served, mine.name)
    for call in (rotate(served, mine.name, 0), delete(served, mine.name), deliveries(served, mine.name)):
        assert await refused(call) is Reason.RESOURCE_NOT_FOUND
    (row,) = await engine.reader.find(Subscription, {})
    assert row.keys == "[]"


async def test_every_step_is_an_event_of_the_partner(office, receiver):
    engine, served = office
    mine, _ = await subscribe(served, receiver.uri)
    await rotate(served, mine.name, 60)
    await delete(served, mine.name)
    found = [event for row in await engine.reader.journal(0) for event in journal.decode(row.body).events]
    steps = [(event[1], event[5]) for event in found if event[2] == "sub"]
    assert steps == [(f"subscription.{what}", "partners/acme") for what in ("created", "secret_rotated", "deleted")]


async def test_subscriptions_are_listed_in_pages_the_newest_first(office, receiver):
    _, served = office
    names = [(await subscribe(served, receiver.uri))[0].name for _ in range(5)]
    found, token = [], ""
    while True:
        request = ListSubscriptionsRequest(parent="partners/acme", page_size=2, page_token=token)
        answer = await served.ListSubscriptions(request, None)
        found += [row.name for row in answer.subscriptions]
        token = answer.next_page_token
        if not token:
            break
    assert found == names[::-1]


@pytest.mark.parametrize("text", ["state = NONE", 'event = "2-1"', "event = x", "partner = acme", "state"])
async def test_a_filter_that_makes_no_sense_is_refused(office, receiver, text):
    _, served = office
    mine, _ = await subscribe(served, receiver.uri)
    as_caller(ACME)
    assert await refused(served.ListDeliveries(ListDeliveriesRequest(parent=mine.name, filter=text), None)) is (
        Reason.FILTER_INVALID
    )
