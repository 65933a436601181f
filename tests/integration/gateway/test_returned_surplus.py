"""Money at a bank that is no merchant's, on both databases: two people send it back to its payer, to the last unit."""

import pytest

from keelpay_server.book.rail import OperationOutcome, StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.gateway.capture import CancelPayment, ReleasePayment
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.refund import Refund, RefundSource, RefundState

from .desk import MANUAL, authorizing, capturing, open_desk, refunding, topping_up, withdrawing
from .shop import ACME

_K, _O, _R = StatementLineKind, OperationOutcome, Resolution


@pytest.fixture
async def desk(database_url):
    async with open_desk(database_url) as desk:
        yield desk


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason


async def given_up(desk):
    """An authorization that its bank refused, of a payment that was cancelled."""
    operation = await authorizing(desk)
    await desk.answer(operation, _O.FAILED, "PROCESSING_ERROR")
    await desk.run(CancelPayment(caller=ACME, payment=operation.subject))
    return operation


async def refund_of(desk, payment):
    (refund,) = await desk.reader.find(Refund, {"payment": payment})
    return refund


async def no_suspense(desk):
    """Nothing is left in suspense, and 1010 waits for nothing."""
    assert [await desk.net(what) for what in ("suspense", "clearing")] == [0, 0]


@pytest.mark.parametrize(("shown", "cost"), [(5_000, 0), (4_970, 30), (5_020, 0)])
async def test_what_a_bank_took_and_denied_goes_back_whole(desk, shown, cost):
    operation = await given_up(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, shown, operation))
    row = await desk.the_break()
    assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.CHANNEL, 0, shown)
    reserve = await desk.net("reserve")
    row = await desk.settle_break(row, _R.RETURN_TO_PAYER)
    assert (row.state, row.in_suspense) == (BreakState.RESOLVED, 0)
    done = await desk.operation(operation.id)
    assert (done.state, done.cost) == (OperationState.SUCCEEDED, cost)
    refund = await refund_of(desk, operation.subject)
    assert (refund.source, refund.amount, refund.bank) == (RefundSource.SUSPENSE, shown + cost, operation.bank)
    assert reserve - await desk.net("reserve") == shown
    assert await desk.net("clearing") == 0


async def test_a_late_word_of_the_bank_after_it_went_back_changes_nothing(desk):
    operation = await given_up(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation))
    await desk.settle_break(await desk.the_break(), _R.RETURN_TO_PAYER)
    books = await desk.books()
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.answer(operation, _O.FAILED)
    assert await desk.books() == books


@pytest.mark.parametrize(
    ("doubtful", "line", "resolution", "merchant"),
    [
        (authorizing, (_K.CAPTURE_SETTLEMENT, 5_000), _R.CREDIT_MERCHANT, "cafe"),
        (withdrawing, (_K.PAYOUT, -5_000), _R.CLAIM, ""),
        (refunding, (_K.REFUND, -5_000), _R.WRITE_OFF, ""),
    ],
)
async def test_what_two_people_settled_is_not_settled_again_by_a_late_word(desk, doubtful, line, resolution, merchant):
    operation = await doubtful(desk)
    await desk.answer(operation, _O.FAILED, "INVALID_REQUEST")
    await desk.statement((*line, operation))
    await desk.settle_break(await desk.the_break(), resolution, merchant=merchant)
    books = await desk.books()
    for _ in range(2):
        await desk.told(operation, _O.SUCCEEDED, cost_minor=5)
    assert await desk.books() == books


async def test_a_charge_that_was_settled_does_not_stand_against_a_late_word(desk):
    operation = await given_up(desk)
    await desk.statement((_K.FEE, -5, operation))
    await desk.settle_break(await desk.the_break(), _R.WRITE_OFF)
    await desk.answer(operation, _O.SUCCEEDED)
    assert (await refund_of(desk, operation.subject)).amount == 5_000


async def test_a_line_of_another_kind_does_not_go_back_while_its_operation_is_under_way(desk):
    operation = await authorizing(desk)
    await desk.statement((_K.OTHER, 5_000, operation))
    await refused(desk.propose(await desk.the_break(), _R.RETURN_TO_PAYER), Reason.CONFLICT)


async def test_a_line_of_another_banks_operation_does_not_go_back(desk):
    payment = await desk.pay(5_000)
    (operation,) = await desk.operations(payment.id)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation), bank="sandbox-wallet")
    row = await desk.the_break()
    assert row.kind == BreakKind.BANK_ONLY
    await refused(desk.propose(row, _R.RETURN_TO_PAYER), Reason.CONFLICT)


async def test_a_late_word_before_the_second_person_decides_leaves_one_refund(desk):
    operation = await given_up(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation))
    proposed = await desk.propose(await desk.the_break(), _R.RETURN_TO_PAYER)
    await desk.answer(operation, _O.SUCCEEDED)
    assert await desk.decide(proposed) == "CONFLICT"
    await desk.statement()
    assert (await desk.get(Disagreement, proposed.id)).state == BreakState.EXPLAINED
    assert (await refund_of(desk, operation.subject)).amount == 5_000
    assert await desk.net("clearing") == 0


async def test_a_capture_that_its_bank_made_and_denied_is_the_merchants_as_long_as_it_can_be(desk):
    operation = await capturing(desk)
    await desk.answer(operation, _O.FAILED, "PROCESSING_ERROR")
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation))
    row = await desk.the_break()
    await refused(desk.propose(row, _R.RETURN_TO_PAYER), Reason.CONFLICT)
    await desk.settle_break(row, _R.MATCH)
    payment = await desk.payment(operation.subject)
    assert (payment.captured, await desk.reader.count(Refund, {"payment": payment.id})) == (5_000, 0)
    await no_suspense(desk)


async def test_a_capture_that_its_bank_made_of_what_was_only_reserved_goes_back_after_its_release(desk):
    payment = await desk.pay(5_000, capture_method=MANUAL)
    (held,) = await desk.operations(payment.id)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, held))
    row = await desk.the_break()
    assert (row.kind, row.ledger_amount) == (BreakKind.AMOUNT, 0)
    await refused(desk.propose(row, _R.RETURN_TO_PAYER), Reason.CONFLICT)
    await desk.run(ReleasePayment(caller=ACME, payment=payment.id))
    await desk.settle()
    await desk.settle_break(row, _R.RETURN_TO_PAYER)
    assert (await refund_of(desk, payment.id)).amount == 5_000
    assert await desk.net("clearing") == 0


async def test_more_than_was_captured_goes_back(desk):
    payment = await desk.pay(5_000)
    (taken,) = await desk.operations(payment.id)
    due = 5_000 - taken.cost
    await desk.statement((_K.CAPTURE_SETTLEMENT, due + 100, taken))
    await desk.settle_break(await desk.the_break(), _R.RETURN_TO_PAYER)
    assert (await refund_of(desk, payment.id)).amount == 100
    assert (await desk.payment(payment.id)).captured == 5_000
    assert await desk.net("clearing") == 0


async def test_a_refund_of_which_too_little_left_sends_the_rest_after_it(desk):
    operation = await refunding(desk)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement((_K.REFUND, -4_900, operation))
    await desk.settle_break(await desk.the_break(), _R.RETURN_TO_PAYER)
    first = await desk.get(Refund, operation.subject)
    (rest,) = await desk.reader.find(Refund, {"payment": first.payment, "source": RefundSource.SUSPENSE})
    assert (first.state, first.in_transit, rest.amount) == (RefundState.SUCCEEDED, 0, 100)


async def test_more_than_was_topped_up_is_the_balances(desk):
    operation = await topping_up(desk)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_100, operation))
    await desk.settle_break(await desk.the_break(), _R.RETURN_TO_PAYER)
    assert await desk.held() == (5_100, 0)
    await no_suspense(desk)


async def test_what_a_withdrawal_left_behind_is_the_balances_again(desk):
    operation = await withdrawing(desk)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement((_K.PAYOUT, -4_900, operation))
    await desk.settle_break(await desk.the_break(), _R.RETURN_TO_PAYER)
    assert await desk.held() == (5_100, 0)
    assert [await desk.net(what) for what in ("suspense", "payout_transit")] == [0, 0]


async def test_what_came_back_short_of_a_withdrawal_is_claimed_and_the_payer_has_all_of_it(desk):
    operation = await withdrawing(desk)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement((_K.PAYOUT, -5_000, operation))
    await desk.statement((_K.PAYOUT_RETURN, 4_990, operation))
    row = await desk.settle_break(await desk.the_break(kind=BreakKind.AMOUNT), _R.CLAIM)
    assert (row.in_suspense, await desk.held()) == (-10, (10_000, 0))
    assert await desk.net("suspense") == -10


async def test_a_return_of_another_amount_waits_until_its_leaving_is_shown(desk):
    operation = await withdrawing(desk)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement((_K.PAYOUT_RETURN, 4_990, operation))
    await refused(desk.propose(await desk.the_break(), _R.CLAIM), Reason.CONFLICT)


@pytest.mark.parametrize(("shown", "told"), [(-25, _R.CLAIM), (-25, _R.WRITE_OFF), (-15, _R.CREDIT_MERCHANT)])
async def test_a_charge_of_another_amount_than_was_told_is_settled(desk, shown, told):
    operation = await authorizing(desk)
    await desk.told(operation, _O.SUCCEEDED, cost_minor=20)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation), (_K.FEE, shown, operation))
    row = await desk.the_break()
    assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.AMOUNT, -20, shown)
    row = await desk.settle_break(row, told, merchant="cafe" if told is _R.CREDIT_MERCHANT else "")
    assert row.in_suspense == (-5 if told is _R.CLAIM else 0)
    assert await desk.net("clearing") == 0
