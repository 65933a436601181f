"""What statements lack or show otherwise, on both databases: each is one break, and two people settle it."""

import pytest

from keelpay_server.book.rail import StatementLineKind
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.refund import Refund, RefundState
from tests.integration.clearing.test_reconciling import (
    Day,
    approve,
    breaks,
    bring,
    operation_of,
    reserve,
    resolve,
    submitted,
)
from tests.integration.clearing.town import HoldRefund, SendRefund, open_town

_K = StatementLineKind


async def test_a_capture_of_which_only_the_charge_is_shown_is_missing(database_url):
    async with open_town(database_url, "cafe") as town:
        charged, other = await town.take("cafe", 1000, cost=6), await town.take("cafe", 500)
        key = (await operation_of(town, charged)).id
        day = Day(1).line(_K.TOP_UP, 100).line(_K.CAPTURE_SETTLEMENT, 500, (await operation_of(town, other)).id)
        await bring(town, day.line(_K.FEE, -6, key))
        await bring(town, Day(2, 594))
        (missing,) = await breaks(town)
        assert (missing.kind, missing.operation, missing.ledger_amount) == (BreakKind.LEDGER_ONLY, key, 1000)
        await town.prove()


async def test_a_charge_does_not_explain_the_capture_that_is_missing(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000, cost=6)
        key = (await operation_of(town, payment)).id
        await bring(town, Day(1).line(_K.TOP_UP, 100))
        await bring(town, Day(2, 100))
        await bring(town, Day(3, 100).line(_K.FEE, -6, key))
        (missing,) = await breaks(town)
        assert (missing.kind, missing.state, missing.ledger_amount) == (BreakKind.LEDGER_ONLY, BreakState.OPEN, 1000)
        await bring(town, Day(4, 94).line(_K.CAPTURE_SETTLEMENT, 1000, key))
        assert (await town.reader.get(Disagreement, missing.id)).state == BreakState.EXPLAINED
        await town.prove()


async def test_everything_missing_is_reported_once_however_small_the_portions(database_url):
    async with open_town(database_url, "cafe") as town:
        town.reconciling._portion = 1
        taken = [await town.take("cafe", 1000 + n) for n in range(3)]
        for day in range(1, 5):
            await bring(town, Day(day))
        found = await breaks(town)
        assert {row.operation for row in found} == {row.authorization for row in taken}
        assert len(found) == len(taken)


async def test_an_operation_that_was_done_between_later_statements_is_missed_by_those(database_url):
    async with open_town(database_url, "cafe") as town:
        await bring(town, Day(1))
        await bring(town, Day(2))
        payment = await town.take("cafe", 1000)
        await bring(town, Day(3))
        assert await breaks(town) == []
        await bring(town, Day(4))
        assert [row.operation for row in await breaks(town)] == [payment.authorization]


async def test_a_line_that_came_before_its_answer_is_matched_with_the_next_statement(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        (waiting,) = await breaks(town)
        assert (waiting.kind, waiting.state) == (BreakKind.CHANNEL, BreakState.OPEN)
        await town.answer(payout.operation)
        await bring(town, Day(2, 4400))
        assert (await town.reader.get(Disagreement, waiting.id)).state == BreakState.EXPLAINED
        assert await reserve(town) == 4400
        await town.prove()


async def refunded(town, amount=300):
    """A refund that the bank says it has sent, and its operation."""
    payment = await town.take("cafe", 1000)
    refund = await town.do(HoldRefund(payment=payment.id, amount=amount))
    await town.do(SendRefund(refund=refund.id))
    (operation,) = await town.reader.find(Operation, {"subject": refund.id})
    return refund, operation


@pytest.mark.parametrize(
    ("shown", "resolution", "merchant"), [(-310, Resolution.CLAIM, ""), (-290, Resolution.CREDIT_MERCHANT, "cafe")]
)
async def test_a_refund_that_leaves_with_another_amount_is_settled_by_two_people(
    database_url, shown, resolution, merchant
):
    async with open_town(database_url, "cafe") as town:
        refund, operation = await refunded(town)
        await bring(town, Day(1).line(_K.TOP_UP, 500).line(_K.REFUND, shown, operation.id))
        (row,) = await breaks(town)
        assert (row.kind, row.ledger_amount, row.bank_amount) == (BreakKind.AMOUNT, -300, shown)
        row = await approve(town, await resolve(town, row, resolution, merchant=merchant))
        assert (row.state, row.in_suspense) == (BreakState.RESOLVED, min(0, shown + 300))
        assert (await town.reader.get(Refund, refund.id)).in_transit == 0
        assert await reserve(town) == 500 + shown
        await town.prove()


async def test_a_refund_that_no_statement_shows_waits_for_another_way_and_a_late_line_is_a_break(database_url):
    async with open_town(database_url, "cafe") as town:
        refund, operation = await refunded(town)
        await bring(town, Day(1).line(_K.TOP_UP, 500))
        await bring(town, Day(2, 500))
        (row,) = await breaks(town, subject=refund.id)
        row = await approve(town, await resolve(town, row, Resolution.OPERATION_FAILED))
        refund = await town.reader.get(Refund, refund.id)
        assert (row.state, refund.state, refund.in_transit) == (BreakState.RESOLVED, RefundState.ABNORMAL, 300)
        await town.prove()
        await bring(town, Day(3, 500).line(_K.REFUND, -300, operation.id))
        (late,) = await breaks(town, subject=refund.id, state=BreakState.OPEN)
        assert (late.kind, await reserve(town)) == (BreakKind.BANK_ONLY, 500)
        await town.prove()
