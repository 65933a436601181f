"""Laws of what a bank tells by itself: news is remembered whatever it changes, and a contradiction is no answer."""

import pytest

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationResult
from keelpay_server.book.request import request_of
from keelpay_server.gateway.operation import Operation, OperationState
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.result import CONTRADICTS, RecordOperation
from tests.integration.gateway.shop import Shop

BANK = Caller(CallerKind.BANK, "sandbox-card", "sandbox-card")
SUCCEEDED, RETURNED, PENDING = OperationOutcome.SUCCEEDED, OperationOutcome.RETURNED, OperationOutcome.PENDING
AMOUNT = 5_000


async def pending(shop: Shop) -> Operation:
    """The authorization of a payment that its bank never decides."""
    payment = await shop.pay(AMOUNT, instrument=await shop.instrument("tok-pending-for-ever"))
    (operation,) = await shop.operations(payment.id)
    return operation


async def tell(shop: Shop, operation: Operation, number: int, outcome: OperationOutcome, **facts: object):
    """The bank's own news, each under a number of its own, as RailNotificationService takes it."""
    news = request_of(BANK.actor, "/Notify", "sandbox-card", number.to_bytes(16, "big"), repr(facts).encode())
    result = OperationResult(operation.id, outcome, **facts)
    told = await shop.engine.execute(RecordOperation(request=news, caller=BANK, result=result))
    await shop.settle()
    return told


@pytest.mark.parametrize("outcome", [SUCCEEDED, RETURNED, PENDING, OperationOutcome.DECLINED])
async def test_news_that_changes_nothing_is_answered_with_the_operation(shop: Shop, outcome: OperationOutcome) -> None:
    operation = await pending(shop)
    for number in range(3):
        told = await tell(shop, operation, number, SUCCEEDED if not number else outcome)
        assert told.refusal is None
        assert told.key
    assert (await tell(shop, operation, 2, outcome)).replayed
    # The fixture's audit finds every request: what was acknowledged exists.


@pytest.mark.parametrize("facts", [{"amount_minor": 1}, {"amount_minor": AMOUNT + 1}, {"kind": OperationKind.REFUND}])
async def test_a_success_of_something_else_than_was_asked_for_is_no_answer(shop: Shop, facts: dict) -> None:
    operation = await pending(shop)
    await tell(shop, operation, 1, SUCCEEDED, **facts)
    after = await shop.get(Operation, operation.id)
    assert (after.state, after.code) == (OperationState.UNKNOWN, CONTRADICTS)
    assert (await shop.payment(operation.subject)).captured == 0
    await tell(shop, operation, 2, SUCCEEDED, amount_minor=AMOUNT, kind=OperationKind.AUTHORIZE)
    assert (await shop.payment(operation.subject)).state == PaymentState.CAPTURED
