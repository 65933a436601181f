import grpc
import pytest

import keelpay
from keelpay.api.gateway.v1 import payment_service_pb2
from tests.integration.sdk.scripted_server import Refuse

LIST = "PaymentService/ListPayments"
PAGES = [["a", "b"], [], ["c"]]


def page(index):
    answer = payment_service_pb2.ListPaymentsResponse(next_page_token=f"t{index + 1}" if index < 2 else "")
    for name in PAGES[index]:
        answer.payments.add(name=name)
    return answer


async def test_items_of_all_pages_come_in_order_and_each_page_is_asked_for_once(server, driver):
    server.script(LIST, *map(page, range(3)))
    items = await driver.collect(lambda c: c.payments.list(page_size=2))
    assert [item.name for item in items] == ["a", "b", "c"]
    assert [call.request.page_token for call in server.called(LIST)] == ["", "t1", "t2"]
    assert {call.request.page_size for call in server.called(LIST)} == {2}


async def test_a_page_is_not_fetched_before_it_is_reached(server, driver):
    server.script(LIST, *map(page, range(3)))
    await driver.collect(lambda c: c.payments.list(), limit=2)
    assert len(server.called(LIST)) == 1


async def test_a_second_pass_begins_at_the_first_page(server, driver):
    server.script(LIST, page(0), page(2), page(0), page(2))
    pager = driver.client.payments.list()
    first = await driver.collect(lambda _: pager)
    assert first == await driver.collect(lambda _: pager)


async def test_pages_tell_where_to_go_on(server, driver):
    server.script(LIST, page(0), page(1), page(2))
    pages = await driver.collect(lambda c: c.payments.list().pages())
    assert [(len(each), each.next_page_token) for each in pages] == [(2, "t1"), (0, "t2"), (1, "")]


async def test_a_list_goes_on_where_an_earlier_one_stopped(server, driver):
    server.script(LIST, page(2))
    await driver.collect(lambda c: c.payments.list().pages("t2"))
    assert server.called(LIST)[0].request.page_token == "t2"


async def test_an_error_in_the_middle_comes_after_the_items_before_it(server, driver):
    server.script(LIST, page(0), Refuse(grpc.StatusCode.INVALID_ARGUMENT, keelpay.Reason.PAGE_TOKEN_INVALID))
    pager = driver.client.payments.list()
    assert [item.name for item in await driver.collect(lambda _: pager, limit=2)] == ["a", "b"]
    server.script(LIST, page(2))
    with pytest.raises(keelpay.InvalidArgumentError):
        await driver.collect(lambda c: c.payments.list())


async def test_filters_are_the_contracts_words(server, driver):
    await driver.collect(lambda c: c.payments.list(state="CAPTURED", payer='ann"', filter="channel = CARD"))
    assert server.called(LIST)[0].request.filter == 'state = CAPTURED AND payer = "ann\\"" AND channel = CARD'


async def test_a_missing_merchant_is_said_before_any_call(server):
    with (
        keelpay.Client(server.address, credentials=keelpay.credentials.anonymous()) as client,
        pytest.raises(keelpay.ConfigurationError, match=r"which merchant\?"),
    ):
        client.payments.list()
    assert server.calls == []
