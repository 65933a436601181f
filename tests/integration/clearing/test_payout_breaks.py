"""Payouts that statements show otherwise, not at all, or before their bank answers: two people settle each."""

import pytest

from keelpay_server.book.merchant import Merchant
from keelpay_server.book.rail import OperationOutcome, StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.clearing.payout import Payout, PayoutState
from keelpay_server.gateway.operation import Operation, OperationState
from keelpay_server.ledger.account import number
from keelpay_server.ledger.chart import Chart
from tests.integration.clearing.test_reconciling import (
    Day,
    approve,
    bank_of,
    breaks,
    bring,
    reserve,
    resolve,
    submitted,
)
from tests.integration.clearing.town import open_town

_K, _O, _R = StatementLineKind, OperationOutcome, Resolution
CNY = 156


async def paid(town, amount=600):
    """A payout that its bank says it has paid, out of 1,000 that were available."""
    await town.take("cafe", 1000)
    payout = await submitted(town, amount)
    await town.answer(payout.operation)
    return payout


async def waits(town):
    """What is on 2200 and 6900 of the bank."""
    bank = await bank_of(town)
    return await town.balance(bank.payout_transit("CNY")), await town.balance(bank.suspense("CNY"))


@pytest.mark.parametrize(
    ("shown", "resolution", "suspense"),
    [(-610, _R.CLAIM, -10), (-610, _R.WRITE_OFF, 0), (-590, _R.CREDIT_MERCHANT, 0)],
)
async def test_a_payout_that_leaves_with_another_amount_is_settled(database_url, shown, resolution, suspense):
    async with open_town(database_url, "cafe") as town:
        payout = await paid(town)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, shown, payout.operation))
        (row,) = await breaks(town)
        assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.AMOUNT, -600, shown)
        merchant = "cafe" if resolution is _R.CREDIT_MERCHANT else ""
        row = await approve(town, await resolve(town, row, resolution, merchant=merchant))
        payout = await town.reader.get(Payout, payout.id)
        assert (row.state, row.in_suspense, payout.in_transit) == (BreakState.RESOLVED, suspense, 0)
        assert (payout.state, payout.line) == (PayoutState.PAID, row.line)
        assert await waits(town) == (0, suspense)
        assert await reserve(town) == 5000 + shown
        await town.prove()


async def test_a_payout_that_no_statement_shows_is_available_again_and_a_late_line_is_claimed(database_url):
    async with open_town(database_url, "cafe") as town:
        payout = await paid(town)
        await bring(town, Day(1).line(_K.TOP_UP, 5000))
        await bring(town, Day(2, 5000))
        (row,) = await breaks(town, subject=payout.id)
        assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.LEDGER_ONLY, -600, None)
        row = await approve(town, await resolve(town, row, _R.OPERATION_FAILED))
        payout = await town.reader.get(Payout, payout.id)
        assert (row.state, payout.state, payout.in_transit) == (BreakState.RESOLVED, PayoutState.RETURNED, 0)
        assert await town.balance(payout.hold_debit) == 1000
        await town.prove()
        await bring(town, Day(3, 5000).line(_K.PAYOUT, -600, payout.operation))
        (late,) = await breaks(town, subject=payout.id, state=BreakState.OPEN)
        late = await approve(town, await resolve(town, late, _R.CLAIM))
        assert (late.in_suspense, await reserve(town)) == (-600, 4400)
        await town.prove()


async def test_a_payout_that_comes_back_short_is_the_merchants_whole_and_the_rest_is_claimed(database_url):
    async with open_town(database_url, "cafe") as town:
        payout = await paid(town)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        await bring(town, Day(2, 4400).line(_K.PAYOUT_RETURN, 595, payout.operation))
        (row,) = await breaks(town, subject=payout.id)
        assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.AMOUNT, 600, 595)
        row = await approve(town, await resolve(town, row, _R.CLAIM))
        payout = await town.reader.get(Payout, payout.id)
        assert (row.in_suspense, payout.state) == (-5, PayoutState.RETURNED)
        assert (await town.balance(payout.hold_debit), await waits(town)) == (1000, (0, -5))
        assert await reserve(town) == 4995
        await town.prove()


async def test_a_line_of_a_payout_that_its_bank_does_not_answer_for_is_the_answer(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        (row,) = await breaks(town)
        row = await approve(town, await resolve(town, row, _R.MATCH))
        payout = await town.reader.get(Payout, payout.id)
        assert (payout.state, payout.in_transit, payout.line) == (PayoutState.PAID, 0, row.line)
        assert (await town.reader.get(Operation, payout.operation)).state == OperationState.SUCCEEDED
        assert (await waits(town), await reserve(town)) == ((0, 0), 4400)
        await town.prove()


async def test_a_payout_that_was_refused_and_left_is_claimed_and_not_matched(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await town.answer(payout.operation, _O.FAILED, code="ACCOUNT_CLOSED")
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        (row,) = await breaks(town)
        with pytest.raises(Refused) as refused:
            await resolve(town, row, _R.MATCH)
        assert refused.value.reason is Reason.FIELD_INVALID
        row = await approve(town, await resolve(town, row, _R.CLAIM))
        assert (row.in_suspense, await waits(town)) == (-600, (0, -600))
        await town.prove()


@pytest.mark.parametrize("order", ["yes back", "back yes", "back back", "back yes back"])
@pytest.mark.parametrize("lines", [False, True])
async def test_a_payout_that_came_back_ends_the_same_whichever_is_heard_first(database_url, order, lines):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        for word in order.split():
            if word == "yes":
                await town.answer(payout.operation, cost_minor=7)
            else:
                await town.answer(payout.operation, _O.RETURNED, code="ACCOUNT_CLOSED")
        if lines:
            day = Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation)
            await bring(town, day.line(_K.PAYOUT_RETURN, 600, payout.operation))
            assert await breaks(town) == []
        row = await town.reader.get(Payout, payout.id)
        assert (row.state, row.in_transit, row.in_suspense) == (PayoutState.RETURNED, 0, 0)
        merchant = await town.reader.get(Merchant, "cafe")
        assert (await town.balance(merchant.available()), await waits(town)) == (1000, (0, 0))
        assert await town.balance(number(Chart.PROCESSOR_COST, CNY)) == (-7 if "yes" in order else 0)


async def test_a_charge_of_a_payout_that_was_paid_after_all_is_our_cost_once(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await town.answer(payout.operation, _O.FAILED)
        for _ in range(2):
            await town.answer(payout.operation, cost_minor=7)
        assert await town.balance(number(Chart.PROCESSOR_COST, CNY)) == -7
        assert (await town.reader.get(Payout, payout.id)).state == PayoutState.FAILED
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.FEE, -7, payout.operation))
        assert (await breaks(town), await reserve(town)) == ([], 4993)


async def test_the_charge_of_a_payout_is_not_the_payout(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await town.answer(payout.operation, cost_minor=7)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.FEE, -7, payout.operation))
        assert (await town.reader.get(Payout, payout.id)).in_transit == 600
        await bring(town, Day(2, 4993).line(_K.PAYOUT, -600, payout.operation))
        assert await breaks(town, subject=payout.id) == []
        assert (await reserve(town), await waits(town)) == (4393, (0, 0))


async def test_a_break_follows_what_its_bank_says_later(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -610, payout.operation))
        (row,) = await breaks(town)
        assert (row.kind, row.ledger_amount) == (BreakKind.CHANNEL, None)
        await town.answer(payout.operation)
        await bring(town, Day(2, 4390))
        now = await town.reader.get(Disagreement, row.id)
        assert (now.kind, now.ledger_amount, now.state_version) == (BreakKind.AMOUNT, -600, row.state_version + 1)
        await bring(town, Day(3, 4390))
        assert (await town.reader.get(Disagreement, row.id)).state_version == now.state_version
        await approve(town, await resolve(town, now, _R.CLAIM))
        await town.prove()
