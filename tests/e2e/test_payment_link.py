"""A payment's link: its holder sees and confirms that payment; of everything else of the same payer, nothing."""

import grpc
import pytest
import pytest_asyncio

from keelpay import PaymentMethod
from keelpay.api.auth.v1 import confirmation_service_pb2
from keelpay.api.gateway.v1 import order_service_pb2, payer_service_pb2, payment_service_pb2, refund_service_pb2
from keelpay.enums import PaymentState
from tests.e2e.belongings import absent, without
from tests.e2e.installation import cny
from tests.e2e.wire import SERVED, call

pytestmark = pytest.mark.asyncio(loop_scope="module")

GATEWAY, AUTH = "/keelpay.api.gateway.v1.", "/keelpay.api.auth.v1."


async def ordered(made, number):
    """An order of Ann's, its payment from her balance that waits for her, and the confirmation it waits for."""
    order = await made.acme.orders.create(amount=cny(500), merchant_order_id=f"link-{number}", merchant=made.cafe)
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(500), method=PaymentMethod.balance(made.ann.name), order=order
    )
    payment = await made.acme.payments.create(draft)
    confirmation = await made.acme.confirmations.start(made.ann.name, payment=payment)
    return order.name, payment.name, confirmation.name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def link(installation):
    """(the link's client; order, payment, confirmation, refund of the link's payment; those of another)."""
    made = installation
    both = []
    for number in (1, 2):
        order, payment, confirmation = await ordered(made, number)
        token = await made.acme.tokens.pay(made.ann.name, payment)
        holder = made.as_holder_of(token)
        paid = await holder.payments.confirm(payment, made.ann.signer)
        assert paid.state is PaymentState.CAPTURED
        refund = await made.acme.refunds.create(paid, amount=cny(10))
        both.append((holder, (order, payment, confirmation, refund.name)))
    return both[0][0], both[0][1], both[1][1]


ROWS = {
    f"{GATEWAY}OrderService/GetOrder": (0, lambda name: order_service_pb2.GetOrderRequest(name=name)),
    f"{GATEWAY}PaymentService/GetPayment": (1, lambda name: payment_service_pb2.GetPaymentRequest(name=name)),
    f"{GATEWAY}PaymentService/WatchPayment": (1, lambda name: payment_service_pb2.WatchPaymentRequest(name=name)),
    f"{AUTH}ConfirmationService/GetConfirmation": (
        2, lambda name: confirmation_service_pb2.GetConfirmationRequest(name=name),
    ),
    f"{GATEWAY}RefundService/GetRefund": (3, lambda name: refund_service_pb2.GetRefundRequest(name=name)),
}  # fmt: skip


@pytest.mark.parametrize("method", ROWS)
async def test_a_link_reads_what_is_of_its_payment_and_the_rest_is_not_there(link, method):
    client, own, others = link
    at, request = ROWS[method]
    metadata = await client.metadata()

    async def answer(name):
        return await call(client._connection.channel, SERVED[method], request(name), metadata)

    assert (await answer(own[at])).ok
    other, missing = await answer(others[at]), await answer(absent(others[at]))
    assert (other.code, other.reason) == (missing.code, missing.reason)
    assert without(other.told, others[at]) == without(missing.told, absent(others[at]))
    assert other.code is grpc.StatusCode.NOT_FOUND


async def test_a_link_does_not_list_its_payers_payments(installation, link):
    client, method = link[0], SERVED[f"{GATEWAY}PayerService/ListPayerPayments"]

    async def answer(payer):
        request = payer_service_pb2.ListPayerPaymentsRequest(parent=payer)
        return await call(client._connection.channel, method, request, await client.metadata())

    own, missing = await answer(installation.ann.name), await answer(absent(installation.ann.name))
    assert own._replace(told=b"") == missing._replace(told=b"")
    assert without(own.told, installation.ann.name) == without(missing.told, absent(installation.ann.name))
    assert own.code is grpc.StatusCode.NOT_FOUND
