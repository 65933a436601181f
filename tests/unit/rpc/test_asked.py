import pytest
from google.rpc.status_pb2 import Status

from keelpay.api.gateway.v1 import checkout_service_pb2, payment_pb2, payment_request_pb2, payment_service_pb2
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.asked import NAMES_MAX, names_in
from keelpay_server.rpc.errors import STATUS_BYTES_MAX, render

PAYMENT = "merchants/cafe/payments/pay-01m827wb7afvmr0004yrvx5ghh"
ORDER = "merchants/cafe/orders/ord-01m827wb7afvmr0004yrvx5ghh"
PAYER = "partners/shop/payers/mei"


def test_a_name_in_a_request_is_told():
    assert names_in(payment_service_pb2.GetPaymentRequest(name=PAYMENT)) == (PAYMENT,)


def test_names_inside_of_messages_are_told_and_what_only_looks_like_one_is_not():
    payment = payment_pb2.Payment(order=ORDER, payer=PAYER, description="merchants/secret", rail="alipay")
    request = payment_request_pb2.CreatePaymentRequest(parent="merchants/cafe", request_id="1", payment=payment)
    assert names_in(request) == ("merchants/cafe", ORDER, PAYER)
    assert len(names_in(request)) <= NAMES_MAX


def test_a_secret_and_a_stream_tell_nothing():
    assert names_in(checkout_service_pb2.OpenSessionRequest(token="partners/x")) == ()
    assert names_in(None) == ()


@pytest.mark.parametrize("reason", [Reason.RESOURCE_NOT_FOUND, Reason.NOT_OWNER])
def test_what_is_missing_and_what_is_a_strangers_are_told_in_the_same_words(reason):
    told = render(Refused(reason, "the order is missing", resource="order"), "r-1", "en", (PAYMENT, ORDER))
    assert told == render(Refused(Reason.NOT_OWNER), "r-1", "en", (PAYMENT, ORDER))
    assert told.message == f"there is no such resource, or it is not yours: one of {PAYMENT}, {ORDER}"
    assert render(Refused(reason), "", "en", (ORDER,)).message.endswith(f"not yours: {ORDER}")
    assert render(Refused(reason), "", "en").message.endswith("not yours")


def test_many_long_names_fit():
    names = tuple("partners/" + "p" * 63 + "/payers/" + str(n) * 63 for n in range(NAMES_MAX))
    told = render(Refused(Reason.NOT_OWNER), "r", "en", names)
    assert len(told.details) < STATUS_BYTES_MAX
    assert Status.FromString(told.details).message == told.message
