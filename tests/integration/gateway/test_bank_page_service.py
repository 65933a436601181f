"""Laws of the sandbox bank's page on the wire: an answer moves the payment at once, and tells strangers nothing."""

import asyncio
import json
from uuid import uuid4

import pytest

from keelpay.api.sandbox.v1 import bank_page_service_pb2 as pb
from keelpay_server.book.engine import Engine
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.bank_page_service import BankPageService
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.rails.sandbox.local_page import LocalPage
from tests.integration.gateway.shop import SECOND

State = pb.BankChallenge.State
PAGE = "https://pay.example/sandbox-bank"


@pytest.fixture
def page(shop):
    for rail in shop.rails.values():
        rail.bank._page = PAGE
    return BankPageService(shop.engine, [LocalPage(rail.delivery.lane) for rail in shop.rails.values()])


async def redirected(shop):
    """A payment whose payer is sent to the bank, and the ticket."""
    payment = await shop.pay(1_250, instrument=await shop.instrument(token="tok-redirect"))
    assert payment.state == PaymentState.REQUIRES_ACTION
    (operation,) = await shop.operations(payment.id)
    (told,) = await shop.rails["sandbox-card"].query_many([operation.id])
    return payment, told.challenge_uri.removeprefix(f"{PAGE}#")


async def look(page, ticket):
    return (await page.GetChallenge(pb.GetChallengeRequest(ticket=ticket), None)).challenge


async def answer(page, ticket, *, approve, request_id=""):
    request = pb.AnswerChallengeRequest(ticket=ticket, request_id=request_id or str(uuid4()), approve=approve)
    return await page.AnswerChallenge(request, None)


async def refused(call, reason):
    with pytest.raises(Refused) as caught:
        await call
    assert caught.value.reason is reason
    return str(caught.value)


async def test_an_open_challenge_says_whom_how_much_and_how_long(page, shop):
    _, ticket = await redirected(shop)
    challenge = await look(page, ticket)
    assert (challenge.state, challenge.bank, challenge.payee) == (State.STATE_OPEN, "sandbox-card", "CAFE")
    assert (challenge.amount.amount_minor, challenge.amount.currency_code) == (1_250, "CNY")
    assert 890 < challenge.time_left.ToSeconds() <= 900


@pytest.mark.parametrize(
    "approve,state,ended",
    [(True, State.STATE_APPROVED, PaymentState.CAPTURED),
     (False, State.STATE_REFUSED, PaymentState.REQUIRES_PAYMENT_METHOD)],
)  # fmt: skip
async def test_an_answer_moves_the_payment_before_it_is_answered_itself(page, shop, approve, state, ended):
    payment, ticket = await redirected(shop)
    told = await answer(page, ticket, approve=approve)
    assert (told.challenge.state, told.replayed) == (state, False)
    assert not told.challenge.HasField("time_left")
    assert (await shop.payment(payment.id)).state == ended


async def test_an_answer_is_repeated_to_its_own_request_alone(page, shop):
    payment, ticket = await redirected(shop)
    mine = str(uuid4())
    await answer(page, ticket, approve=True, request_id=mine)
    again = await answer(page, ticket, approve=True, request_id=mine.upper())
    assert (again.challenge.state, again.replayed) == (State.STATE_APPROVED, True)
    await refused(answer(page, ticket, approve=False, request_id=mine), Reason.IDEMPOTENCY_MISMATCH)
    assert (await shop.payment(payment.id)).state == PaymentState.CAPTURED
    assert len(await shop.operations(payment.id)) == 1


async def test_an_answered_ticket_and_one_that_never_was_are_told_alike(page, shop):
    _, ticket = await redirected(shop)
    await answer(page, ticket, approve=True)
    told = {
        await refused(call(guess), Reason.RESOURCE_NOT_FOUND)
        for guess in (ticket, "A" * 43)
        for call in (lambda guess: look(page, guess), lambda guess: answer(page, guess, approve=False))
    }
    assert len(told) == 1


async def test_of_many_answers_at_once_one_counts(page, shop):
    payment, ticket = await redirected(shop)
    answers = (answer(page, ticket, approve=number % 2 == 0) for number in range(10))
    told = await asyncio.gather(*answers, return_exceptions=True)
    given = [each for each in told if not isinstance(each, Refused)]
    assert len(given) == 1
    assert {each.reason for each in told if isinstance(each, Refused)} == {Reason.RESOURCE_NOT_FOUND}
    ended = {State.STATE_APPROVED: PaymentState.CAPTURED, State.STATE_REFUSED: PaymentState.REQUIRES_PAYMENT_METHOD}
    assert (await shop.payment(payment.id)).state == ended[given[0].challenge.state]


async def test_an_answer_that_the_book_did_not_hear_is_sent_again(page, shop, monkeypatch):
    payment, ticket = await redirected(shop)

    async def full(*_):
        raise Refused(Reason.OVERLOADED)

    mine = str(uuid4())
    with monkeypatch.context() as busy:
        busy.setattr(Engine, "execute", full)
        await refused(answer(page, ticket, approve=True, request_id=mine), Reason.OVERLOADED)
    assert (await shop.payment(payment.id)).state == PaymentState.REQUIRES_ACTION
    assert (await answer(page, ticket, approve=True, request_id=mine)).replayed
    assert (await shop.payment(payment.id)).state == PaymentState.CAPTURED


async def test_too_late_is_said_so_and_ends_the_payments_try_at_once(page, shop):
    payment, ticket = await redirected(shop)
    shop.bank_ahead_us += 901 * SECOND
    assert (await look(page, ticket)).state == State.STATE_EXPIRED
    assert (await answer(page, ticket, approve=True)).challenge.state == State.STATE_EXPIRED
    (operation,) = await shop.operations(payment.id)
    assert (operation.state, operation.code) == (OperationState.DECLINED, "CHALLENGE_EXPIRED")
    assert (await shop.payment(payment.id)).state == PaymentState.REQUIRES_PAYMENT_METHOD


async def test_the_address_that_the_payer_is_given_is_the_pages(page, shop):
    payment, ticket = await redirected(shop)
    assert json.loads(payment.action)["url"] == f"{PAGE}#{ticket}"
