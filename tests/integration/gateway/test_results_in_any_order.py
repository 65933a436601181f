"""What banks tell twice, late or in the wrong order, on both databases: the books end the same, charges included."""

import pytest

from keelpay_server.book.rail import OperationOutcome, StatementLineKind
from keelpay_server.clearing.disagreement import Resolution
from keelpay_server.gateway.capture import CancelPayment
from keelpay_server.gateway.operation import OperationKind, OperationState
from keelpay_server.gateway.refund import Refund, RefundState
from keelpay_server.gateway.refund_commands import RerouteRefund
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.ledger.account import number
from keelpay_server.ledger.chart import Chart

from .desk import FOR_EVER, MANUAL, UNKNOWN, authorizing, open_desk, refunding, topping_up, withdrawing
from .shop import ACME, CNY, WALLET

_K, _O = StatementLineKind, OperationOutcome
COST = number(Chart.PROCESSOR_COST, CNY)
WALLET_BANK = "sandbox-wallet"


@pytest.fixture
async def desk(database_url):
    async with open_desk(database_url) as desk:
        yield desk


async def rerouted(desk):
    """A refund that goes by another bank than the payment came, still under way there."""
    payment = await desk.pay(5_000, instrument=await desk.instrument("tok-refund-account-closed"))
    refund = await desk.refund(payment)
    wallet = await desk.instrument(FOR_EVER, WALLET_BANK, WALLET)
    await desk.run(RerouteRefund(refund=refund.id, instrument=wallet.id))
    await desk.settle()
    return (await desk.operations(refund.id))[-1]


ORDERS = {
    "in order": ("yes", "back"), "back first": ("back", "yes"), "back alone": ("back", "back"),
    "all again": ("back", "yes", "back", "yes"),
}  # fmt: skip
TOLD = {
    "yes": (_O.SUCCEEDED, {"cost_minor": 7}), "back": (_O.RETURNED, {"code": "ACCOUNT_CLOSED"}),
}  # fmt: skip


async def after(desk, operation, order, lines_at):
    """The books once a bank has told all of an order, with both lines before its word of that number."""
    for at, word in enumerate([*ORDERS[order], ""]):
        if at == lines_at:
            for line, amount in ((_K.PAYOUT, -5_000), (_K.PAYOUT_RETURN, 5_000)):
                await desk.statement((line, amount, operation), bank=operation.bank)
        if word:
            outcome, facts = TOLD[word]
            await desk.told(operation, outcome, **facts)
    return await desk.operation(operation.id)


@pytest.mark.parametrize("lines_at", [None, 1, 2], ids=["no lines", "lines between", "lines after"])
@pytest.mark.parametrize("order", ["in order", "back first", "all again"])
async def test_a_withdrawal_that_came_back_is_the_payers_once(desk, order, lines_at):
    operation = await withdrawing(desk)
    before = await desk.books()
    done = await after(desk, operation, order, lines_at)
    assert (done.state, done.code, done.cost) == (OperationState.SUCCEEDED, "RETURNED", 7)
    transfer = await desk.get(Transfer, operation.subject)
    assert (transfer.state, transfer.in_transit, transfer.in_suspense) == (OperationState.FAILED, 0, 0)
    assert await desk.held() == (10_000, 0)
    moved = await desk.books()
    assert (moved[COST][0] - before.get(COST, (0, 0))[0], await desk.net("suspense")) == (-7, 0)


@pytest.mark.parametrize("lines_at", [None, 1, 2], ids=["no lines", "lines between", "lines after"])
@pytest.mark.parametrize("order", ["in order", "back first", "all again"])
async def test_a_refund_that_came_back_waits_for_another_way_with_its_money(desk, order, lines_at):
    operation = await rerouted(desk)
    before = (await desk.books()).get(COST, (0, 0))[0]
    await after(desk, operation, order, lines_at)
    refund = await desk.get(Refund, operation.subject)
    assert (refund.state, refund.in_transit, refund.operation) == (RefundState.ABNORMAL, 5_000, None)
    payment = await desk.payment(refund.payment)
    assert (payment.refund_pending, payment.refunded) == (5_000, 0)
    assert (await desk.books())[COST][0] - before == -7
    assert [await desk.net(what, WALLET_BANK) for what in ("suspense", "refund_transit")] == [0, 5_000]


async def test_a_payment_out_that_came_back_and_of_which_no_line_tells_is_not_missing(desk):
    operation = await withdrawing(desk)
    await after(desk, operation, "back alone", None)
    for _ in range(3):
        await desk.statement()
    assert operation.id not in [row.operation for row in await desk.breaks()]


async def cost_of(desk):
    return -(await desk.books()).get(COST, (0, 0))[0]


@pytest.mark.parametrize("doubtful", [authorizing, refunding, withdrawing, topping_up])
async def test_a_charge_told_with_a_late_success_is_our_cost_once(desk, doubtful):
    operation = await doubtful(desk)
    await desk.answer(operation, _O.FAILED, "PROCESSING_ERROR")
    before = await cost_of(desk)
    for _ in range(2):
        await desk.told(operation, _O.SUCCEEDED, cost_minor=9)
    assert (await cost_of(desk) - before, (await desk.operation(operation.id)).cost) == (9, 9)


async def test_a_charge_of_a_late_reservation_is_our_cost(desk):
    payment = await desk.pay(5_000, instrument=await desk.instrument(FOR_EVER), capture_method=MANUAL)
    (operation,) = await desk.operations(payment.id)
    await desk.answer(operation, _O.FAILED, "PROCESSING_ERROR")
    await desk.run(CancelPayment(caller=ACME, payment=payment.id))
    before = await cost_of(desk)
    await desk.told(operation, _O.SUCCEEDED, cost_minor=9)
    assert await cost_of(desk) - before == 9
    assert [row.kind for row in await desk.operations(payment.id)] == [OperationKind.AUTHORIZE, OperationKind.VOID]


async def test_a_charge_of_a_refund_that_arrived_by_an_earlier_bank_is_our_cost_there(desk):
    operation = await rerouted(desk)
    first = (await desk.operations(operation.subject))[0]
    await desk.answer(operation, _O.DECLINED, "ACCOUNT_CLOSED")
    before = await cost_of(desk)
    await desk.told(first, _O.SUCCEEDED, cost_minor=9)
    assert (await cost_of(desk) - before, (await desk.get(Refund, operation.subject)).bank) == (9, first.bank)


@pytest.mark.parametrize("doubtful", [authorizing, refunding, withdrawing, topping_up])
async def test_a_charge_that_is_told_after_the_success_is_our_cost_once(desk, doubtful):
    operation = await doubtful(desk)
    before = await cost_of(desk)
    await desk.told(operation, _O.SUCCEEDED)
    for cost in (0, 9, 9):
        await desk.told(operation, _O.SUCCEEDED, cost_minor=cost)
    assert await cost_of(desk) - before == 9


async def test_a_charge_told_later_does_not_end_the_time_of_a_hold(desk):
    payment = await desk.pay(5_000, capture_method=MANUAL)
    (operation,) = await desk.operations(payment.id)
    await desk.told(operation, _O.SUCCEEDED, cost_minor=9)
    assert await desk.work(operation.id) is not None
    await desk.answer(operation, UNKNOWN)
    assert await desk.work(operation.id) is not None


async def test_a_charge_of_a_mere_reservation_is_our_cost_and_its_line_is_matched(desk):
    payment = await desk.pay(5_000, instrument=await desk.instrument(FOR_EVER), capture_method=MANUAL)
    (operation,) = await desk.operations(payment.id)
    await desk.told(operation, _O.SUCCEEDED, cost_minor=9)
    assert (await cost_of(desk), await desk.net("clearing")) == (9, 9)
    await desk.statement((_K.FEE, -9, operation))
    assert (await desk.breaks(), await desk.net("clearing")) == ([], 0)


async def test_a_charge_of_a_refusal_is_settled_by_people(desk):
    operation = await authorizing(desk)
    await desk.told(operation, _O.DECLINED, code="INSUFFICIENT_FUNDS", cost_minor=3)
    await desk.statement((_K.FEE, -3, operation))
    row = await desk.the_break()
    assert row.ledger_amount == 0
    await desk.settle_break(row, Resolution.WRITE_OFF)
