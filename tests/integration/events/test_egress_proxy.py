"""Laws of the egress proxy (A10): everything goes through it, to the address that was judged, under the name's seal."""

import json
import ssl

import pytest

from keelpay_server.config import SettingsError, load_settings
from keelpay_server.events.sender import Sender, SendingSettings
from tests.integration.events.conftest import post_office
from tests.integration.events.egress_proxy import proxying
from tests.integration.events.happenings import ACME, as_caller, begin, happen
from tests.integration.events.subscribing import subscribe


@pytest.fixture
async def proxy():
    async with proxying() as running:
        yield running


def sender_of(proxy, receiver, **more):
    return Sender(
        SendingSettings(**{"loopback": True, "timeout_s": 20.0, "proxy": proxy.address} | more), receiver.trust
    )


async def test_a_webhook_goes_through_the_proxy_by_its_judged_address(receiver, proxy):
    sender = sender_of(proxy, receiver)
    assert (await sender.post(receiver.uri, {"webhook-id": "1-1"}, b"{}"))[:2] == (204, "")
    sender.close()
    assert proxy.asked == [("CONNECT", f"127.0.0.1:{receiver.port}")]
    assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"


async def test_every_delivery_of_a_subscription_goes_through_the_proxy(database_url, receiver, proxy, clock):
    settings = SendingSettings(loopback=True, timeout_s=20.0, proxy=proxy.address)
    async with post_office(database_url, receiver, clock, settings=settings) as (engine, served):
        await begin(engine)
        as_caller(ACME)
        await subscribe(served, receiver.uri)
        for number in range(3):
            await happen(engine, "cafe", number)
        await receiver.until(3)
    assert sorted(int(json.loads(request.body)["data"]["amount"]) for request in receiver.requests) == [0, 1, 2]
    assert len(proxy.asked) == len(receiver.requests)


async def test_a_private_address_is_refused_before_the_proxy_hears_of_it(receiver, proxy):
    sender = sender_of(proxy, receiver, loopback=False)
    assert (await sender.post(receiver.uri, {}, b"{}")).failure.startswith("address refused")
    sender.close()
    assert proxy.asked == []


async def test_a_certificate_counts_behind_the_proxy_as_it_does_without(receiver, proxy):
    sender = Sender(SendingSettings(loopback=True, timeout_s=20.0, proxy=proxy.address), ssl.create_default_context())
    assert (await sender.post(receiver.uri, {}, b"{}")).failure.startswith("certificate refused")
    sender.close()
    assert receiver.requests == []


async def test_a_proxy_that_refuses_or_is_away_is_told_and_never_gone_around(receiver, proxy):
    proxy.refuse = b"HTTP/1.1 403 Forbidden"
    sender = sender_of(proxy, receiver)
    assert (await sender.post(receiver.uri, {}, b"{}")).failure == "the egress proxy answered with 403"
    sender.close()
    sender = Sender(SendingSettings(loopback=True, proxy="127.0.0.1:1"), receiver.trust)
    assert (await sender.post(receiver.uri, {}, b"{}")).failure == "the egress proxy cannot be reached"
    sender.close()
    assert receiver.requests == []


@pytest.mark.parametrize("wrong", ["proxy.example", "http://proxy.example:3128", ":3128", "proxy:port"])
def test_a_proxy_that_is_no_address_stops_the_start(wrong):
    with pytest.raises(SettingsError, match="webhooks_proxy"):
        load_settings(None, {"webhooks_proxy": wrong}, {})
