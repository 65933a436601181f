import asyncio

import grpc
import pytest

import keelpay
from keelpay import Reason, credentials
from keelpay.api.gateway.v1 import payment_service_pb2
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.sdk.driver import Driver
from tests.integration.sdk.scripted_server import Hang, Refuse

PAYMENT = "merchants/cafe/payments/pay-1"
GET, CANCEL = "PaymentService/GetPayment", "PaymentService/CancelPayment"
CONFLICT = Refuse(grpc.StatusCode.ABORTED, Reason.CONFLICT, retry_s=0.01)
BUSY = Refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED, retry_s=0.01)
CUT = Refuse(grpc.StatusCode.CANCELLED)
AWAY = Refuse(grpc.StatusCode.UNAVAILABLE)
LEAVING = Refuse(grpc.StatusCode.UNAVAILABLE, Reason.DRAINING, retry_s=0.01)


async def arrived(server):
    await until(lambda: server.called(GET))


@pytest.mark.parametrize("trouble", [CONFLICT, BUSY, CUT, AWAY, LEAVING])
async def test_a_call_is_repeated_with_the_same_request_id(trouble, server, driver):
    server.script(CANCEL, trouble, trouble)
    await driver.call(lambda c: c.payments.cancel(PAYMENT))
    calls = server.called(CANCEL)
    assert len(calls) == 3
    assert len({call.request.request_id for call in calls}) == 1
    assert {call.metadata["x-request-id"] for call in calls} == {calls[0].request.request_id}


@pytest.mark.parametrize(
    "final",
    [
        Refuse(grpc.StatusCode.ABORTED, Reason.ETAG_MISMATCH),
        Refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED),
        Refuse(grpc.StatusCode.FAILED_PRECONDITION, Reason.OPERATION_UNRESOLVED, retry_s=0.01),
        Refuse(grpc.StatusCode.INTERNAL, Reason.INTERNAL),
        Refuse(grpc.StatusCode.UNKNOWN),
    ],
)
async def test_what_waiting_does_not_mend_is_raised_at_once(final, server, driver):
    server.script(CANCEL, final)
    with pytest.raises(keelpay.RefusedError) as caught:
        await driver.call(lambda c: c.payments.cancel(PAYMENT))
    assert len(server.called(CANCEL)) == 1
    assert caught.value.reason == final.reason


async def test_a_pause_that_ends_after_the_deadline_is_not_waited_for(server, driver):
    server.script(CANCEL, Refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED, retry_s=30))
    with pytest.raises(keelpay.ExhaustedError) as caught:
        await asyncio.wait_for(driver.call(lambda c: c.payments.cancel(PAYMENT)), PATIENCE_S)
    assert caught.value.retry_after.total_seconds() == 30


async def test_retries_end_with_the_deadline_of_all_tries_together(server, driver):
    server.script(GET, *[CONFLICT] * 1000)
    with pytest.raises(keelpay.ConflictError):
        await driver.call(lambda c: c.payments.get(PAYMENT, timeout_s=1))
    assert 2 < len(server.called(GET)) < 1000


async def test_the_last_error_of_a_server_that_stays_away_is_raised(server, driver):
    server.script(GET, *[AWAY] * 10)
    with pytest.raises(keelpay.UnavailableError) as caught:
        await driver.call(lambda c: c.payments.get(PAYMENT, timeout_s=20))
    assert isinstance(caught.value.__cause__, grpc.RpcError)


async def test_silence_ends_with_the_deadline_and_names_the_request(server, driver):
    server.script(GET, Hang())
    with pytest.raises(keelpay.DeadlineError) as caught:
        await driver.call(lambda c: c.payments.get(PAYMENT, timeout_s=0.1))
    (call,) = server.called(GET)
    assert caught.value.request_id == call.metadata["x-request-id"]
    assert str(caught.value).startswith(caught.value.request_id)


async def test_the_contracts_own_deadline_goes_with_each_call(server, driver):
    await driver.call(lambda c: c.payments.get(PAYMENT))
    await driver.call(lambda c: c.payments.sync(PAYMENT))
    await driver.call(lambda c: c.payments.sync(PAYMENT, timeout_s=77))
    (get,) = server.called(GET)
    default, given = server.called("PaymentService/SyncPayment")
    # The wire carries few digits and rounds up; on its way a call may take a while.
    assert 0 < get.left_s < 2.1 < default.left_s < 10.5 < given.left_s < 80


async def test_a_closed_client_says_so(server, driver):
    await driver.close()
    with pytest.raises(keelpay.ConfigurationError, match="closed"):
        await driver.call(lambda c: c.payments.get(PAYMENT))


async def test_the_callers_own_cancelling_is_not_repeated(server):
    server.script(GET, Hang(), Hang())
    driver = Driver("async", server.address, credentials.token("t"))
    task = asyncio.ensure_future(driver.call(lambda c: c.payments.get(PAYMENT)))
    await arrived(server)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.called(GET)) == 1
    await driver.close()


async def test_closing_under_a_call_is_an_error_of_ours(server, side):
    server.script(GET, Hang())
    driver = Driver(side, server.address, credentials.token("t"))
    task = asyncio.ensure_future(driver.call(lambda c: c.payments.get(PAYMENT, timeout_s=20)))
    await arrived(server)
    await driver.close()
    with pytest.raises(keelpay.InterruptedCallError):
        await task


async def test_stubs_work_with_the_clients_metadata(server, driver):
    request = payment_service_pb2.GetPaymentRequest(name=PAYMENT)
    metadata = await driver.call(lambda c: c.metadata())
    await driver.call(lambda c: c.stubs.payments.GetPayment(request, timeout=PATIENCE_S, metadata=metadata))
    (call,) = server.called(GET)
    assert call.metadata["authorization"] == "Bearer a-token"
