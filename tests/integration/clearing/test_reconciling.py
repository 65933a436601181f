"""Statements on both databases: 1000 moves on matched lines only, and whatever does not match is a break."""

import json
from datetime import date
from hashlib import sha256

import pytest

from keelpay_server.auth.proposal import Proposal
from keelpay_server.auth.proposal_commands import ApproveProposal, RejectProposal
from keelpay_server.book.bank import Bank
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationOutcome, StatementLine, StatementLineKind
from keelpay_server.book.rail import Statement as Parsed
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.bank_statement import BankLine, LineState, Statement
from keelpay_server.clearing.break_commands import ProposeResolution
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.clearing.payout import Payout, PayoutState
from keelpay_server.clearing.payout_commands import ReservePayout
from keelpay_server.clearing.statement_commands import BeginStatement, ImportLines
from keelpay_server.clearing.window_commands import CloseWindow
from keelpay_server.gateway.approvals import REBUILDS
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.refund import Refund
from tests.integration.clearing.town import (
    BANK,
    CHECKER,
    CNY,
    MAKER,
    REACTIONS,
    GiveBack,
    HoldRefund,
    SendRefund,
    open_town,
    payout_of,
)

_K = StatementLineKind


class Day:
    """A bank's day: what its statement says, in order."""

    def __init__(self, number, opening=0):
        self.number, self.opening, self.lines = number, opening, []

    def line(self, kind, amount, operation=b"", natural=""):
        at = len(self.lines) + 1
        self.lines.append(
            StatementLine(at, natural or f"d{self.number}-{at}", kind, amount, CNY, operation, date(2026, 5, 1))
        )
        return self

    def parsed(self):
        closing = self.opening + sum(line.amount_minor for line in self.lines)
        return Parsed(BANK, self.number, date(2026, 5, 1), CNY, self.opening, closing, tuple(self.lines))


async def bring(town, day):
    """Imports a day's statement and waits until it is reconciled."""
    parsed = day.parsed()
    digest = sha256(repr(parsed).encode()).digest()
    row = await town.do(BeginStatement(parsed=parsed, number=str(day.number), format=2, sha256=digest))
    for at in range(0, len(parsed.lines), 2):
        await town.do(ImportLines(statement=row.id, lines=parsed.lines[at : at + 2]))

    async def reconciled():
        now = await town.reader.get(Statement, row.id)
        return now if now.reconcile_time else None

    return await town.until(reconciled)


async def bank_of(town):
    return await town.reader.get(Bank, BANK)


async def reserve(town):
    """Money at the bank as our ledger has it."""
    return -(await town.balance((await bank_of(town)).reserve(CNY)))


async def operation_of(town, payment):
    return await town.reader.get(Operation, payment.authorization)


async def breaks(town, **where):
    return await town.reader.find(Disagreement, where, Page(100))


async def approve(town, row):
    proposal = await town.reader.get(Proposal, row.proposal)
    act = REBUILDS[proposal.kind](json.loads(proposal.arguments))
    decided = await town.do(
        ApproveProposal(proposal=proposal.id, comment="yes", act=act, reactions=REACTIONS, caller=CHECKER)
    )
    assert decided.reason == ""
    return await town.reader.get(type(row), row.id)


async def resolve(town, row, resolution, **fields):
    facts = {"merchant": "", "claim": None, "state_version": 0, "comment": "seen", "caller": MAKER, **fields}
    return await town.do(ProposeResolution(disagreement=row.id, resolution=resolution, **facts))


async def test_matched_lines_move_the_reserve_to_the_closing_balance_of_the_statement(database_url):
    async with open_town(database_url, "cafe") as town:
        one, two = await town.take("cafe", 1000, cost=6), await town.take("cafe", 500, cost=3)
        refund = await town.do(HoldRefund(payment=one.id, amount=300))
        await town.do(SendRefund(refund=refund.id))
        (refunded,) = await town.reader.find(Operation, {"subject": refund.id})
        day = Day(1).line(_K.TOP_UP, 10_000)
        day.line(_K.CAPTURE_SETTLEMENT, 994, (await operation_of(town, one)).id)
        gross = await operation_of(town, two)
        day.line(_K.CAPTURE_SETTLEMENT, 500, gross.id).line(_K.FEE, -3, gross.id).line(_K.REFUND, -300, refunded.id)
        await bring(town, day)
        assert await breaks(town) == []
        assert await reserve(town) == day.parsed().closing_balance_minor
        assert await town.balance((await bank_of(town)).clearing(CNY)) == 0
        assert (await town.reader.get(Refund, refund.id)).in_transit == 0
        await town.prove()


async def test_a_statement_is_imported_once(database_url):
    async with open_town(database_url) as town:
        statement = await bring(town, Day(1).line(_K.TOP_UP, 5))
        with pytest.raises(Refused) as refused:
            await bring(town, Day(1).line(_K.TOP_UP, 5))
        assert refused.value.reason is Reason.STATEMENT_ALREADY_IMPORTED
        assert refused.value.metadata["name"].startswith("statements/stm-")
        await bring(town, Day(2, 5).line(_K.TOP_UP, 5))
        assert statement.number == "1"


async def test_an_import_that_was_cut_goes_on_where_it_stopped(database_url):
    async with open_town(database_url) as town:
        parsed = Day(1).line(_K.TOP_UP, 5).line(_K.TOP_UP, 6).line(_K.TOP_UP, 7).parsed()
        begin = BeginStatement(parsed=parsed, number="1", format=2, sha256=b"x" * 32)
        row = await town.do(begin)
        await town.do(ImportLines(statement=row.id, lines=parsed.lines[:2]))
        again = await town.do(begin)
        assert (again.id, again.imported_count) == (row.id, 2)
        await town.do(ImportLines(statement=row.id, lines=parsed.lines[:2]))
        await town.do(ImportLines(statement=row.id, lines=parsed.lines[2:]))

        async def done():
            return (await town.reader.get(Statement, row.id)).reconcile_time

        await town.until(done)
        assert await town.reader.count(BankLine, {"statement": row.id}) == 3
        assert await reserve(town) == 18


async def test_a_payouts_line_takes_it_out_of_transit_and_its_return_makes_it_available(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        row = await town.reader.get(Payout, payout.id)
        assert (row.state, row.in_transit, row.line) == (PayoutState.SUBMITTED, 600, None)
        await town.answer(payout.operation)
        await run_again(town)
        row = await town.reader.get(Payout, payout.id)
        assert (row.state, row.in_transit, row.line is not None) == (PayoutState.PAID, 0, True)
        await town.prove()
        await bring(town, Day(2, 4400).line(_K.PAYOUT_RETURN, 600, payout.operation))
        row = await town.reader.get(Payout, payout.id)
        assert row.state == PayoutState.RETURNED
        assert await town.balance(row.hold_debit) == 1000
        assert await reserve(town) == 5000
        await town.prove()


async def test_a_payout_given_back_on_the_banks_word_passes_through_suspense_when_both_lines_come(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await town.answer(payout.operation)
        (operation,) = await town.reader.find(Operation, {"id": payout.operation})
        assert operation.state == 2
        await town.do(GiveBack(payout=payout.id))
        await bring(town, Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation))
        assert await town.balance((await bank_of(town)).suspense(CNY)) == -600
        await town.prove()
        await bring(town, Day(2, 4400).line(_K.PAYOUT_RETURN, 600, payout.operation))
        assert await town.balance((await bank_of(town)).suspense(CNY)) == 0
        assert await reserve(town) == 5000
        await town.prove()


@pytest.mark.parametrize("outcome", [OperationOutcome.RETURNED, OperationOutcome.FAILED])
async def test_a_payout_that_the_bank_took_back_before_it_answered_yes(database_url, outcome):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        payout = await submitted(town, 600)
        await town.answer(payout.operation, outcome, code="ACCOUNT_CLOSED")
        day = Day(1).line(_K.TOP_UP, 5000).line(_K.PAYOUT, -600, payout.operation)
        await bring(town, day.line(_K.PAYOUT_RETURN, 600, payout.operation))
        await run_again(town)
        assert await town.balance(payout.hold_debit) == 1000
        assert await town.balance((await bank_of(town)).suspense(CNY)) == 0
        assert await reserve(town) == 5000
        refused = outcome is OperationOutcome.FAILED
        assert [row.kind for row in await breaks(town)] == [BreakKind.CHANNEL] * (2 * refused)
        await town.prove()


async def run_again(town):
    for statement in await town.reader.find(Statement, {}, Page(10)):
        await town.reconciling.reconcile(statement.id, None)


async def submitted(town, amount):
    await town.do(CloseWindow(window=1))
    merchant = await town.reader.get(Merchant, "cafe")

    async def settled():
        return await town.balance(merchant.available())

    await town.until(settled)
    payout = await town.do(payout_of("cafe", amount))
    await town.do(ReservePayout(payout=payout.id))

    async def sent():
        row = await town.reader.get(Payout, payout.id)
        return row if row.state == PayoutState.SUBMITTED else None

    return await town.until(sent)


async def test_an_unknown_line_moves_nothing_and_credits_a_merchant_only_by_two_people(database_url):
    async with open_town(database_url, "cafe") as town:
        await bring(town, Day(1).line(_K.OTHER, 77))
        (row,) = await breaks(town)
        assert (row.kind, row.bank_amount, await reserve(town)) == (BreakKind.BANK_ONLY, 77, 0)
        row = await resolve(town, row, Resolution.CREDIT_MERCHANT, merchant="cafe")
        assert (row.state, await reserve(town)) == (BreakState.PROPOSED, 0)
        row = await approve(town, row)
        assert (row.state, await reserve(town)) == (BreakState.RESOLVED, 77)
        merchant = await town.reader.get(Merchant, "cafe")
        assert await town.balance(merchant.unsettled(1)) == 77
        await town.prove()


async def test_a_capture_that_comes_short_is_claimed_and_paid_later(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        day = Day(1).line(_K.TOP_UP, 500).line(_K.CAPTURE_SETTLEMENT, 900, (await operation_of(town, payment)).id)
        await bring(town, day)
        (short,) = await breaks(town)
        assert short.kind == BreakKind.AMOUNT
        short = await approve(town, await resolve(town, short, Resolution.CLAIM))
        assert (short.in_suspense, await reserve(town)) == (-100, 1400)
        await town.prove()
        await bring(town, Day(2, 1400).line(_K.OTHER, 100))
        (paid,) = await breaks(town, state=BreakState.OPEN)
        await approve(town, await resolve(town, paid, Resolution.MATCH, claim=short.id))
        assert (await town.reader.get(Disagreement, short.id)).in_suspense == 0
        assert await town.balance((await bank_of(town)).suspense(CNY)) == 0
        assert await reserve(town) == 1500
        await town.prove()


async def test_a_capture_that_comes_short_may_be_our_loss(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        await bring(town, Day(1).line(_K.CAPTURE_SETTLEMENT, 990, (await operation_of(town, payment)).id))
        (short,) = await breaks(town)
        await approve(town, await resolve(town, short, Resolution.WRITE_OFF))
        assert await town.balance((await bank_of(town)).clearing(CNY)) == 0
        verdict = await town.verdict()
        assert [f.invariant.name for f in verdict.findings if not f.ok] == ["COVERED"]


async def test_an_operation_that_two_statements_lack_is_a_break_that_a_third_explains(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        await bring(town, Day(1))
        assert await breaks(town) == []
        await bring(town, Day(2))
        (missing,) = await breaks(town)
        assert (missing.kind, missing.ledger_amount, missing.bank_amount) == (BreakKind.LEDGER_ONLY, 1000, None)
        await resolve(town, missing, Resolution.CLAIM)
        await bring(town, Day(3).line(_K.CAPTURE_SETTLEMENT, 1000, (await operation_of(town, payment)).id))
        row = await town.reader.get(Disagreement, missing.id)
        assert (row.state, await reserve(town)) == (BreakState.EXPLAINED, 1000)
        await bring(town, Day(4, 1000))
        assert len(await breaks(town)) == 1
        await town.prove()


async def test_the_same_movement_told_twice_is_a_break(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        key = (await operation_of(town, payment)).id
        await bring(town, Day(1).line(_K.CAPTURE_SETTLEMENT, 1000, key, natural="x"))
        await bring(town, Day(2, 1000).line(_K.CAPTURE_SETTLEMENT, 1000, key, natural="x"))
        (row,) = await breaks(town)
        assert (row.kind, await reserve(town)) == (BreakKind.DUPLICATE, 1000)


async def test_a_line_that_takes_more_than_our_reserve_holds_is_a_break_until_money_comes(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        refund = await town.do(HoldRefund(payment=payment.id, amount=300))
        await town.do(SendRefund(refund=refund.id))
        (refunded,) = await town.reader.find(Operation, {"subject": refund.id})
        first = await bring(town, Day(1).line(_K.REFUND, -300, refunded.id))
        (row,) = await breaks(town)
        assert row.kind == BreakKind.CHANNEL
        await bring(town, Day(2, -300).line(_K.TOP_UP, 500))
        await town.reconciling.reconcile(first.id, None)
        assert (await town.reader.get(Disagreement, row.id)).state == BreakState.EXPLAINED
        assert await reserve(town) == 200
        await town.prove()


async def test_a_rejected_resolution_opens_the_break_again(database_url):
    async with open_town(database_url, "cafe") as town:
        await bring(town, Day(1).line(_K.OTHER, 77))
        (row,) = await breaks(town)
        row = await resolve(town, row, Resolution.CREDIT_MERCHANT, merchant="cafe")
        await town.do(RejectProposal(proposal=row.proposal, comment="no", caller=CHECKER))
        row = await town.reader.get(Disagreement, row.id)
        assert (row.state, row.target, row.resolution) == (BreakState.OPEN, "", 0)
        assert await reserve(town) == 0


async def test_reconciling_again_does_only_what_is_left(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        day = Day(1).line(_K.CAPTURE_SETTLEMENT, 1000, (await operation_of(town, payment)).id).line(_K.OTHER, 1)
        await bring(town, day)
        await run_again(town)
        await run_again(town)
        assert await reserve(town) == 1000
        assert len(await breaks(town)) == 1
        states = [line.state for line in await town.reader.find(BankLine, {}, Page(10))]
        assert states == [LineState.MATCHED, LineState.BROKEN]


@pytest.mark.parametrize("apart", [True, False])
async def test_a_capture_that_comes_short_leaves_nothing_in_clearing_however_its_charge_is_shown(database_url, apart):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000, cost=6)
        key = (await operation_of(town, payment)).id
        day = Day(1).line(_K.TOP_UP, 100).line(_K.CAPTURE_SETTLEMENT, 900 if apart else 894, key)
        await bring(town, day.line(_K.FEE, -6, key) if apart else day)
        (short,) = await breaks(town)
        short = await approve(town, await resolve(town, short, Resolution.WRITE_OFF))
        assert await town.balance((await bank_of(town)).clearing(CNY)) == 0
        assert await town.balance((await bank_of(town)).suspense(CNY)) == 0
        assert await reserve(town) == day.parsed().closing_balance_minor
