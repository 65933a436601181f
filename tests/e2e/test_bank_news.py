"""What a bank tells by itself, over the wire: its own news under its own seal, and nothing else."""

import secrets

import pytest

from keelpay import BankAccount, Card, KeelpayError, PaymentMethod
from keelpay.api.rail.v1 import notification_pb2, operation_pb2
from keelpay.enums import PaymentState
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.payment import Payment
from keelpay_server.ledger.finding import Invariant
from keelpay_server.rails.notification import sign_notification
from tests.e2e.installation import cny, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
BANK = "sandbox-bank"
AMOUNT = 700
ACCOUNT = BankAccount(account_number="SANDBOX019", bank_code="ICBKCNBJ", holder_name="Ann")
CARD = Card(number="4000000000000192", expire_month=12, expire_year=2035)
"""Their bank never decides about them."""


async def asked_of(made, way, details):
    """An operation that its bank never decides, and the name of its payment."""
    method = way((await made.acme.payers.tokenize(made.ann.name, details)).name)
    draft = made.acme.payments.draft(merchant=made.cafe, amount=cny(AMOUNT), method=method, confirm=True)
    payment = await made.acme.payments.create(draft)

    async def asked():
        rows = await made.server.engine.reader.find(
            Payment, {"merchant": "cafe", "number": payment.merchant_payment_id}
        )
        return rows[0].operation if rows else None

    return await made.server.engine.reader.get(Operation, await until(asked, payment.name)), payment.name


def news_of(operation, *, number=b"", **facts):
    """A success, as bytes."""
    result = operation_pb2.OperationResult(key=operation.id, outcome=operation_pb2.OUTCOME_SUCCEEDED, **facts)
    return notification_pb2.Notification(
        notification_id=number or secrets.token_bytes(16), result=result
    ).SerializeToString()


async def notify(made, news, *, bank=BANK, spoil=False):
    """Notify by the sandbox bank; the reason for which it is refused, or nothing."""
    key = made.bank._credentials.identity.key
    signature = sign_notification(key._key, bank, news)
    request = notification_pb2.NotifyRequest(
        bank=bank, key_id=key.key_id, notification=news, signature=bytes(64) if spoil else signature
    )
    try:
        await made.bank._connection.unary(made.bank.rail._notifications.Notify, request)
    except KeelpayError as error:
        return error.reason
    return ""


async def test_news_is_taken_from_the_bank_that_was_asked_alone_and_once(installation):
    made = installation
    operation, name = await asked_of(made, PaymentMethod.bank, ACCOUNT)
    others, _ = await asked_of(made, PaymentMethod.card, CARD)
    assert await notify(made, news_of(operation), spoil=True) == "SIGNATURE_INVALID"
    assert await notify(made, news_of(operation), bank="sandbox-card") == "SIGNATURE_INVALID"
    assert await notify(made, news_of(others)) == "RESOURCE_NOT_FOUND"
    assert await notify(made, b"\xff") == "MESSAGE_MALFORMED"
    for number in (b"x", bytes(15), bytes(17), bytes(5_000)):
        assert await notify(made, news_of(operation, number=number)) == "FIELD_INVALID"
    assert (await made.acme.payments.get(name)).state is not PaymentState.CAPTURED
    assert await notify(made, news_of(operation, bank_reference="a\0b", amount_minor=AMOUNT)) == ""
    assert (await made.acme.payments.get(name)).state is PaymentState.CAPTURED
    before = await made.still()
    for _ in range(3):
        assert await notify(made, news_of(operation)) == ""
    assert await made.still() == before
    findings, _ = await made.findings()  # this house has no own funds, and pays its banks
    assert {each.invariant for each in findings} <= {Invariant.COVERED}
