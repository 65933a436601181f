import grpc
import pytest

import keelpay
from keelpay.errors import ERROR_BY_CODE
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.errors import CODES, render
from tests.integration.sdk.scripted_server import Refuse

GET = "PaymentService/GetPayment"
# The server shows these alike, so that a stranger learns nothing.
AS_NOT_FOUND = {Reason.NOT_OWNER, Reason.RESOURCE_NOT_FOUND}


def refuse(refused, request_id="req-12345678"):
    rendered = render(refused, request_id, "zh")
    return Refuse(rendered.code, reason=refused.reason.name, raw_status=rendered.details)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
async def test_every_reason_of_the_server_is_an_error_of_its_kind(reason, server, driver):
    action = refuse(Refused(reason, "what happened", seen="yes"))
    server.script(GET, *[action] * 5)
    with pytest.raises(keelpay.KeelpayError) as caught:
        await driver.call(lambda c: c.payments.get("merchants/cafe/payments/pay-1"))
    error, told = caught.value, Reason.RESOURCE_NOT_FOUND if reason in AS_NOT_FOUND else reason
    assert type(error) is ERROR_BY_CODE[told.code]
    assert error.reason == keelpay.Reason(told.name)
    assert error.request_id == "req-12345678"
    assert error.localized == told.zh
    assert str(error).startswith(f"req-12345678 {told.name}: ")
    assert isinstance(error.__cause__, grpc.RpcError)
    assert error.metadata == ({} if told is Reason.RESOURCE_NOT_FOUND else {"seen": "yes"})


async def test_every_violation_is_told(server, driver):
    fields = (("payment.amount", "must be at least 1"), ("payment.region", "must be set"))
    server.script(GET, refuse(Refused(Reason.FIELD_INVALID, "2 fields", violations=fields)))
    with pytest.raises(keelpay.InvalidArgumentError) as caught:
        await driver.call(lambda c: c.payments.get("x"))
    assert tuple(map(tuple, caught.value.violations)) == fields
    assert "payment.region: must be set" in str(caught.value)


@pytest.mark.parametrize("code", sorted(code for code in CODES if code), ids=str)
async def test_every_status_without_details_is_an_error_of_ours(code, server, driver):
    server.script(GET, *[Refuse(CODES[code])] * 200)
    with pytest.raises(keelpay.KeelpayError) as caught:
        await driver.call(lambda c: c.payments.get("x", timeout_s=1))
    assert not isinstance(caught.value, grpc.RpcError)
    assert not caught.value.reason
    assert caught.value.request_id == server.called(GET)[0].metadata["x-request-id"]


@pytest.mark.parametrize("details", [b"\xff\xff", b"", b"\x08\x05"])
async def test_details_that_cannot_be_read_do_not_hide_the_error(details, server, driver):
    server.script(GET, Refuse(grpc.StatusCode.NOT_FOUND, reason="no such", raw_status=details))
    with pytest.raises(keelpay.NotFoundError):
        await driver.call(lambda c: c.payments.get("x"))
