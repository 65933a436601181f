"""Payouts on both databases: what leaves, what comes back, and where the money is in between."""

import json

import pytest

from keelpay.api.type.v1 import decline_pb2
from keelpay_server.auth.proposal import Proposal
from keelpay_server.auth.proposal_commands import ApproveProposal, RejectProposal
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.payout import Payout, PayoutState
from keelpay_server.clearing.payout_commands import CancelPayout, ReservePayout
from keelpay_server.clearing.payout_render import render_payout
from keelpay_server.clearing.settlement import Settlement
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow
from keelpay_server.gateway.approvals import REBUILDS
from keelpay_server.gateway.operation import Operation, OperationState
from tests.integration.clearing.town import CHECKER, MAKER, REACTIONS, Admit, open_town, payout_of


async def settle(town, merchant="cafe", amount=1000):
    await town.take(merchant, amount)
    (window,) = await open_windows(town)
    await town.do(CloseWindow(window=window.id))

    async def done():
        return await town.balance((await town.reader.get(Merchant, merchant)).available())

    await town.until(done)


async def open_windows(town):
    return await town.reader.find(Window, {"state": WindowState.OPEN})


async def in_state(town, key, state):
    async def reached():
        row = await town.reader.get(Payout, key)
        return row if row.state == state else None

    return await town.until(reached)


async def submitted(town, amount=600):
    payout = await town.do(payout_of("cafe", amount))
    await town.do(ReservePayout(payout=payout.id))
    return await in_state(town, payout.id, PayoutState.SUBMITTED)


async def test_a_payout_waits_for_a_second_person_and_moves_nothing_before(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await town.do(payout_of("cafe", 600))
        proposal = await town.reader.get(Proposal, payout.proposal)
        assert payout.state == PayoutState.CREATED
        assert proposal.kind == "payout.created"
        act = REBUILDS[proposal.kind](json.loads(proposal.arguments))
        with pytest.raises(Refused) as refused:
            await town.do(ApproveProposal(proposal=proposal.id, comment="", act=act, reactions=REACTIONS, caller=MAKER))
        assert refused.value.reason is Reason.PROPOSAL_SELF_APPROVAL
        await town.do(ApproveProposal(proposal=proposal.id, comment="", act=act, reactions=REACTIONS, caller=CHECKER))
        await in_state(town, payout.id, PayoutState.SUBMITTED)
        await town.prove()


async def test_a_rejected_proposal_cancels_its_payout(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await town.do(payout_of("cafe", 600))
        await town.do(RejectProposal(proposal=payout.proposal, comment="no", caller=CHECKER))
        assert (await town.reader.get(Payout, payout.id)).state == PayoutState.CANCELLED


async def test_submitting_posts_to_transit_and_makes_the_operation_in_one_commit(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await submitted(town)
        operation = await town.reader.get(Operation, payout.operation)
        assert (operation.subject_kind, operation.state) == ("po", OperationState.SUBMITTED)
        assert await town.balance(payout.hold_credit) == payout.in_transit == 600
        assert await town.balance(payout.hold_debit) == 400
        await town.prove()


async def test_a_paid_payout_stays_in_transit_until_a_line_shows_it(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await submitted(town)
        await town.answer(payout.operation)
        paid = await in_state(town, payout.id, PayoutState.PAID)
        assert paid.in_transit == 600
        await town.prove()


@pytest.mark.parametrize("outcome", [OperationOutcome.FAILED, OperationOutcome.RETURNED, OperationOutcome.DECLINED])
async def test_a_payout_that_fails_is_available_again(database_url, outcome):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await submitted(town)
        await town.answer(payout.operation, outcome, code="ACCOUNT_CLOSED")
        returned = outcome is OperationOutcome.RETURNED
        row = await in_state(town, payout.id, PayoutState.RETURNED if returned else PayoutState.FAILED)
        assert row.in_transit == 0
        assert await town.balance(payout.hold_debit) == 1000
        await town.prove()


async def test_more_than_is_available_is_refused_when_asked_and_when_approved(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        with pytest.raises(Refused) as refused:
            await town.do(payout_of("cafe", 1001))
        assert refused.value.reason is Reason.INSUFFICIENT_FUNDS
        one, two = await town.do(payout_of("cafe", 700)), await town.do(payout_of("cafe", 700, "po-2"))
        await town.do(ReservePayout(payout=one.id))
        with pytest.raises(Refused) as refused:
            await town.do(ReservePayout(payout=two.id))
        assert refused.value.reason is Reason.INSUFFICIENT_FUNDS


async def test_an_approved_payout_that_is_refused_ends_with_its_reason_and_can_be_asked_for_again(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        one, two = await town.do(payout_of("cafe", 700)), await town.do(payout_of("cafe", 700, "po-2"))
        await town.do(ReservePayout(payout=one.id))
        proposal = await town.reader.get(Proposal, two.proposal)
        act = REBUILDS[proposal.kind](json.loads(proposal.arguments))
        approved = await town.do(
            ApproveProposal(proposal=proposal.id, comment="", act=act, reactions=REACTIONS, caller=CHECKER)
        )
        assert (approved.state, approved.reason, approved.result) == (2, "INSUFFICIENT_FUNDS", "")
        refused = await town.reader.get(Payout, two.id)
        assert (refused.state, refused.held, json.loads(refused.failure)["refused"]) == (
            PayoutState.CANCELLED, 0, "INSUFFICIENT_FUNDS",
        )  # fmt: skip
        shown = render_payout(refused).last_failure
        assert (shown.reason, shown.rail_code) == (decline_pb2.DECLINE_REASON_INSUFFICIENT_FUNDS, "")
        again = await town.do(payout_of("cafe", 300, "po-3"))
        assert again.state == PayoutState.CREATED
        await town.prove()


async def test_a_number_is_taken_for_ever(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await town.do(payout_of("cafe", 1))
        await town.do(CancelPayout(payout=payout.id))
        with pytest.raises(Refused) as refused:
            await town.do(payout_of("cafe", 1))
        assert refused.value.reason is Reason.MERCHANT_NUMBER_TAKEN


async def test_without_an_account_nothing_is_paid_out(database_url):
    async with open_town(database_url) as town:
        await town.do(Admit(name="cafe", payout_account=""))
        await settle(town)
        with pytest.raises(Refused) as refused:
            await town.do(payout_of("cafe", 1))
        assert refused.value.reason is Reason.PAYOUT_ACCOUNT_MISSING


async def test_a_submitted_payout_cannot_be_cancelled(database_url):
    async with open_town(database_url, "cafe") as town:
        await settle(town)
        payout = await submitted(town)
        with pytest.raises(Refused) as refused:
            await town.do(CancelPayout(payout=payout.id))
        assert refused.value.reason is Reason.ILLEGAL_TRANSITION


async def test_a_settlement_is_paid_out_by_itself_where_the_setting_says_so(database_url):
    async with open_town(database_url, "cafe", "shop", auto_payout=True) as town:
        await town.take("cafe", 1000, fee=10)
        await town.take("shop", 5)
        await town.do(CloseWindow(window=1))

        async def both():
            rows = await town.reader.find(Payout, {"state": PayoutState.SUBMITTED})
            return rows if len(rows) == 2 else None

        rows = await town.until(both)
        assert sorted(row.amount for row in rows) == [5, 990]
        for row in rows:
            settlement = await town.reader.get(Settlement, row.settlement)
            assert settlement.payout == row.id
            assert row.due_time == settlement.due_time
        await town.prove()
