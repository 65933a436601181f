"""Test or live: every answer tells it, and a client made for the one says nothing of its own to the other."""

import grpc
import pytest

import keelpay
from keelpay import ConfigurationError, Reason, credentials
from keelpay.api.event.v1 import event_service_pb2
from tests.integration.sdk.driver import Driver
from tests.integration.sdk.scripted_server import Hang, Refuse
from tests.integration.sdk.test_tokens import ISSUE, issued, shop

ASKED = "PartnerService/GetJwks"
GET, STREAM = "PaymentService/GetPayment", "EventService/StreamEvents"
PAYMENT = "merchants/cafe/payments/pay-1"
OTHER = {"test": "live", "live": "test"}
ACTS = {
    "a call": lambda c: c.payments.get(PAYMENT),
    "a list": lambda c: c.payments.list().first(),
    "an upload": lambda c: c.reconciliation.import_statement(
        b"x", bank="icbc", currency_code="CNY", statement_number="7"
    ),
}


@pytest.fixture(params=sorted(OTHER))
def mode(request, server):
    server.mode = request.param
    return request.param


@pytest.fixture
async def expecting(side, server):
    drivers = []

    def make(mode, who=None):
        drivers.append(Driver(side, server.address, who or credentials.token("a-token"), mode=mode))
        return drivers[-1]

    yield make
    for each in drivers:
        await each.close()


@pytest.mark.parametrize("act", ACTS)
async def test_the_first_answer_tells_the_mode(mode, driver, act):
    assert driver.client.mode == ""
    await driver.call(ACTS[act])
    assert driver.client.mode == mode


async def test_an_error_tells_it_too(mode, server, driver):
    server.script(GET, Refuse(grpc.StatusCode.NOT_FOUND, Reason.RESOURCE_NOT_FOUND))
    with pytest.raises(keelpay.NotFoundError):
        await driver.call(ACTS["a call"])
    assert driver.client.mode == mode


async def test_a_stream_tells_it_with_its_first_message(mode, server, driver):
    answer = event_service_pb2.StreamEventsResponse(cursor="c")
    answer.events.add(id="0-1", sequence=1)
    server.script(STREAM, [answer, Hang()])
    assert len(await driver.collect(lambda c: c.events.stream(), limit=1)) == 1
    assert driver.client.mode == mode


async def test_a_stream_that_is_refused_tells_it(mode, server, driver):
    server.script(STREAM, Refuse(grpc.StatusCode.PERMISSION_DENIED, Reason.SCOPE_MISSING))
    with pytest.raises(keelpay.PermissionDeniedError):
        await driver.collect(lambda c: c.events.stream())
    assert driver.client.mode == mode


@pytest.mark.parametrize("act", ACTS)
async def test_a_client_that_expects_the_mode_asks_once_and_goes_on(mode, server, expecting, act):
    driver = expecting(mode)
    await driver.call(ACTS[act])
    await driver.call(ACTS[act])
    assert driver.client.mode == mode
    (asked,) = server.called(ASKED)
    assert server.calls.index(asked) == 0
    assert "authorization" not in asked.metadata


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("signed", [True, False], ids=["key", "token"])
async def test_a_client_that_expects_the_other_one_sends_nothing_of_its_own(mode, server, expecting, act, signed):
    driver = expecting(OTHER[mode], shop() if signed else None)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=f"{OTHER[mode]} installation.* is a {mode} installation"):
            await driver.call(ACTS[act])
    assert [call.method for call in server.calls] == [server.called(ASKED)[0].method]


async def test_a_stream_and_the_metadata_of_a_stub_are_refused_as_calls_are(mode, server, expecting):
    driver = expecting(OTHER[mode])
    with pytest.raises(ConfigurationError):
        await driver.collect(lambda c: c.events.stream())
    with pytest.raises(ConfigurationError):
        await driver.call(lambda c: c.metadata())
    assert len(server.calls) == 1


async def test_a_server_that_does_not_tell_is_refused_where_a_mode_is_expected(server, expecting):
    driver = expecting("live")
    with pytest.raises(ConfigurationError, match="no installation that tells its mode"):
        await driver.call(ACTS["a call"])
    assert server.called(GET) == []


async def test_a_client_for_somebodys_token_expects_what_its_maker_expects(mode, server, side, expecting):
    maker = expecting(OTHER[mode])
    other = Driver.__new__(Driver)
    other.side, other.client = side, maker.client.with_token("another")
    with pytest.raises(ConfigurationError):
        await other.call(ACTS["a call"])
    await other.close()


async def test_the_question_is_asked_again_where_that_may_help(mode, server, expecting):
    server.script(ASKED, Refuse(grpc.StatusCode.UNAVAILABLE, Reason.DRAINING, retry_s=0.01))
    server.script(ISSUE, issued("t1"))
    driver = expecting(mode, shop())
    await driver.call(ACTS["a call"])
    assert [call.metadata["authorization"] for call in server.called(GET)] == ["Bearer t1"]


def test_a_mode_is_test_or_live(side):
    kind = keelpay.AsyncClient if side == "async" else keelpay.Client
    with pytest.raises(ConfigurationError, match="never"):
        kind("localhost:1", credentials=credentials.local(credentials.token("t")), mode="prod")
