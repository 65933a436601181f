"""What tests of the checkout do: payments that wait for their payer, their links, and pages that open them."""

import secrets

import pytest

from keelpay import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PaymentMethod,
    PermissionDeniedError,
    credentials,
)
from tests.e2e.installation import cny


def number():
    return f"co-{secrets.token_hex(6)}"


async def waiting(made, person=None, amount=1_250, method=None, **fields):
    """A payment that waits for its payer."""
    person = person or made.ann
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(amount), method=method or PaymentMethod.balance(person.name),
        merchant_payment_id=number(), **fields,
    )  # fmt: skip
    return await made.acme.payments.create(draft)


async def opened(made, payment, device_id=""):
    """A link of the payment, opened on a device; and the client of whoever opened it."""
    link = await made.acme.orders.create_checkout_link(payment)
    session = await stranger(made).sessions.open(link.token, device_id=device_id)
    return link, session, made.as_holder_of(session.token)


def stranger(made):
    """A client without credentials, as a page is before it has opened its link."""
    client = made.as_holder_of("nobody")
    anonymous = type(client)(made.server.address, credentials=credentials.local(credentials.anonymous()))
    made.stack.push_async_callback(anonymous.close)
    return anonymous


async def refused(awaitable, reason):
    with pytest.raises((FailedPreconditionError, InvalidArgumentError, PermissionDeniedError, NotFoundError)) as caught:
        await awaitable
    assert caught.value.reason == reason, caught.value
    return caught.value
