"""Every act on breaks and adjustments that is well written and not allowed gets its reason, and changes nothing."""

import json
from types import SimpleNamespace

import pytest

from keelpay.api.clearing.v1 import break_pb2, ledger_service_pb2, reconciliation_service_pb2
from keelpay_server.auth.proposal import Proposal
from keelpay_server.auth.proposal_commands import ApproveProposal, RejectProposal
from keelpay_server.book.ids import text
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationKind, OperationOutcome, StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing import names
from keelpay_server.clearing.adjustment import Adjustment
from keelpay_server.clearing.disagreement import KIND, BreakKind
from keelpay_server.clearing.ledger_service import LedgerService
from keelpay_server.clearing.reconciliation_service import ReconciliationService
from keelpay_server.gateway.approvals import REBUILDS
from keelpay_server.gateway.operation import QUERY_SCHEDULE_S, Operation
from keelpay_server.gateway.unknown_operation import SCHEDULE_US
from keelpay_server.ledger.account import number, suspense
from keelpay_server.ledger.chart import Chart
from tests.integration.clearing.test_reconciling import Day, approve, breaks, bring, submitted
from tests.integration.clearing.test_services import PAGER, PARSERS, calling, request_id
from tests.integration.clearing.town import CHECKER, CNY, MAKER, REACTIONS, open_town
from tests.integration.gateway.shop import Put

_K = StatementLineKind
R = {name.removeprefix("BREAK_RESOLUTION_"): value for name, value in break_pb2.BreakResolution.items()}
NOBODY = names.name_of("breaks", bytes(16))
YUAN = 156


async def set_stage(town):
    """Breaks of many kinds: surplus and deficit nobody knows, a line without an answer, an operation without one."""
    await town.take("cafe", 1000, fee=6)
    payout = await submitted(town, 600)
    day = Day(1).line(_K.TOP_UP, 5000).line(_K.OTHER, 77).line(_K.OTHER, -33).line(_K.PAYOUT, -600, payout.operation)
    await bring(town, day)
    other = await town.take("cafe", 500)
    taken = await town.reader.get(Operation, other.authorization)
    old = taken._replace(
        id=bytes(15) + b"\1", number=2, state=5, queries=len(QUERY_SCHEDULE_S),
        create_time=taken.create_time - SCHEDULE_US, capture=False, kind=int(OperationKind.VOID),
        hold_amount=0, hold_captured=0, original=taken.id,
    )  # fmt: skip
    await town.do(Put(rows=(old,)))
    await town.answer(old.id, OperationOutcome.UNKNOWN)
    await town.do(Put(rows=(await foreign_merchant(town),)))
    found = {(row.kind, row.bank_amount): row for row in await breaks(town)}
    stage = SimpleNamespace(
        town=town, surplus=found[BreakKind.BANK_ONLY, 77], deficit=found[BreakKind.BANK_ONLY, -33],
        unanswered=found[BreakKind.CHANNEL, -600], unknown=found[BreakKind.OPERATION_UNKNOWN, None],
        cafe=await town.reader.get(Merchant, "cafe"),
    )  # fmt: skip
    await bring(town, Day(2, 4444).line(_K.OTHER, 5))
    ended = await open_break(town, 5)
    await ask(stage, ended, "CREDIT_MERCHANT", "merchants/cafe")
    stage.proposed = await open_break(town, 5)
    await bring(town, Day(3, 4449).line(_K.OTHER, 8))
    ended = await open_break(town, 8)
    await ask(stage, ended, "CREDIT_MERCHANT", "merchants/cafe")
    stage.resolved = await approve(town, await open_break(town, 8))
    return stage


async def open_break(town, amount):
    (row,) = await breaks(town, bank_amount=amount)
    return row


async def foreign_merchant(town):
    cafe = await town.reader.get(Merchant, "cafe")
    return cafe._replace(id="diner", currency="USD", number=cafe.number + 5_000)


def name_of(row):
    return row if isinstance(row, str) else f"breaks/{text(KIND, row.id)}"


async def ask(stage, row, resolution, resource="", state_version=0):
    """An operator proposes how to settle a break."""
    calling(MAKER)
    service = ReconciliationService(stage.town.engine, PAGER, stage.town.reconciling, PARSERS)
    request = reconciliation_service_pb2.ResolveBreakRequest(
        name=name_of(row), request_id=request_id(), resolution=R[resolution], resource=resource, comment="seen",
        state_version=state_version,
    )  # fmt: skip
    return await service.ResolveBreak(request, None)


BREAK_ACTS = {
    "an unknown break": ("RESOURCE_NOT_FOUND", lambda s: ask(s, NOBODY, "CLAIM")),
    "a name that is none": ("FIELD_INVALID", lambda s: ask(s, "breaks/../x", "CLAIM")),
    "another version": ("ETAG_MISMATCH", lambda s: ask(s, s.deficit, "CLAIM", state_version=9)),
    "one that is proposed": ("ILLEGAL_TRANSITION", lambda s: ask(s, s.proposed, "CREDIT_MERCHANT", "merchants/cafe")),
    "one that is resolved": ("ILLEGAL_TRANSITION", lambda s: ask(s, s.resolved, "CREDIT_MERCHANT", "merchants/cafe")),
    "a claim of a surplus": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "CLAIM")),
    "a loss of a surplus": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "WRITE_OFF")),
    "a deficit for a merchant": ("FIELD_INVALID", lambda s: ask(s, s.deficit, "CREDIT_MERCHANT", "merchants/cafe")),
    "money of nobody for a payer": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "RETURN_TO_PAYER")),
    "a deficit for a payer": ("FIELD_INVALID", lambda s: ask(s, s.deficit, "RETURN_TO_PAYER")),
    "a line that has failed": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "OPERATION_FAILED")),
    "a credit to no merchant": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "CREDIT_MERCHANT")),
    "a credit to nobody known": (
        "RESOURCE_NOT_FOUND", lambda s: ask(s, s.surplus, "CREDIT_MERCHANT", "merchants/nobody"),
    ),
    "a credit in another currency": (
        "CURRENCY_MISMATCH", lambda s: ask(s, s.surplus, "CREDIT_MERCHANT", "merchants/diner"),
    ),
    "a credit to a break": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "CREDIT_MERCHANT", name_of(s.deficit))),
    "a claim for a merchant": ("FIELD_INVALID", lambda s: ask(s, s.deficit, "CLAIM", "merchants/cafe")),
    "a match with no claim": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "MATCH")),
    "a match with an unknown claim": ("RESOURCE_NOT_FOUND", lambda s: ask(s, s.surplus, "MATCH", NOBODY)),
    "a match with what is no claim": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "MATCH", name_of(s.deficit))),
    "a match with a merchant": ("FIELD_INVALID", lambda s: ask(s, s.surplus, "MATCH", "merchants/cafe")),
    "a match of a deficit": ("FIELD_INVALID", lambda s: ask(s, s.deficit, "MATCH")),
    "an unanswered line as a claim": ("FIELD_INVALID", lambda s: ask(s, s.unanswered, "CLAIM")),
    "an unanswered line as failed": ("FIELD_INVALID", lambda s: ask(s, s.unanswered, "OPERATION_FAILED")),
    "an unanswered line with a claim": (
        "FIELD_INVALID", lambda s: ask(s, s.unanswered, "MATCH", name_of(s.deficit)),
    ),
    "an operation given up too early": ("OPERATION_UNRESOLVED", lambda s: ask(s, s.unknown, "OPERATION_FAILED")),
    "an unknown operation as a claim": ("FIELD_INVALID", lambda s: ask(s, s.unknown, "CLAIM")),
    "an unknown operation as done": ("FIELD_INVALID", lambda s: ask(s, s.unknown, "MATCH")),
}  # fmt: skip


async def decide(stage, row, caller=CHECKER):
    """Somebody approves what stands in a row."""
    proposal = await stage.town.reader.get(Proposal, row.proposal)
    act = REBUILDS[proposal.kind](json.loads(proposal.arguments))
    command = ApproveProposal(proposal=proposal.id, comment="yes", act=act, reactions=REACTIONS, caller=caller)
    return (await stage.town.engine.execute(command)).row


async def refuse(stage, row):
    await stage.town.engine.execute(RejectProposal(proposal=row.proposal, comment="no", caller=CHECKER))


DECISIONS = {
    "one's own break": ("PROPOSAL_SELF_APPROVAL", lambda s: decide(s, s.proposed, MAKER)),
    "a break decided already": ("ILLEGAL_TRANSITION", lambda s: decide(s, s.resolved)),
    "a break decided the other way": ("ILLEGAL_TRANSITION", lambda s: refuse(s, s.resolved)),
    "one's own adjustment": ("PROPOSAL_SELF_APPROVAL", lambda s: decide(s, s.adjustment, MAKER)),
}


async def adjust(stage, debit, credit, amount=6, code=CNY, book=1):
    """An operator proposes one leg."""
    calling(MAKER)
    leg = {
        "debit_account": names.account_name(book, debit), "credit_account": names.account_name(book, credit),
        "amount": {"currency_code": code, "amount_minor": amount},
    }  # fmt: skip
    request = ledger_service_pb2.PostAdjustmentRequest(request_id=request_id(), comment="x", legs=[leg])
    return await LedgerService(stage.town.engine, PAGER, stage.town.audit).PostAdjustment(request, None)


INCOME, LOSS = number(Chart.FEE_INCOME, YUAN), number(Chart.RECONCILIATION_WRITE_OFF, YUAN)
SUSPENSE = suspense(1, YUAN)
ADJUSTMENTS = {
    "an account to itself": ("FIELD_INVALID", lambda s: adjust(s, INCOME, INCOME)),
    "two currencies": ("FIELD_INVALID", lambda s: adjust(s, INCOME, number(Chart.FEE_INCOME, 840))),
    "an amount of another currency": ("CURRENCY_MISMATCH", lambda s: adjust(s, INCOME, s.cafe.available(), code="USD")),
    "a number that no account can have": ("FIELD_INVALID", lambda s: adjust(s, 1, INCOME)),
    "an account that is not open": ("RESOURCE_NOT_FOUND", lambda s: adjust(s, INCOME, suspense(99, YUAN))),
    "another book's account": ("RESOURCE_NOT_FOUND", lambda s: adjust(s, INCOME, SUSPENSE, book=2)),
    "a bank's reserve": ("FIELD_INVALID", lambda s: adjust(s, number(Chart.BANK_RESERVE, YUAN, 1), INCOME)),
    "into a bank's reserve": ("FIELD_INVALID", lambda s: adjust(s, INCOME, number(Chart.BANK_RESERVE, YUAN, 1))),
    "a payer's balance": ("FIELD_INVALID", lambda s: adjust(s, number(Chart.PAYER_BALANCE, YUAN, 1), INCOME)),
    "a payer's frozen money": ("FIELD_INVALID", lambda s: adjust(s, INCOME, number(Chart.PAYER_FROZEN, YUAN, 1))),
    "a payout in transit": ("FIELD_INVALID", lambda s: adjust(s, number(Chart.PAYOUT_TRANSIT, YUAN, 1), INCOME)),
    "a refund in transit": ("FIELD_INVALID", lambda s: adjust(s, INCOME, number(Chart.REFUND_TRANSIT, YUAN, 1))),
}


async def everything(town):
    """Whatever the books, breaks and proposals say."""
    book = await town.reader.book()
    return (
        book.sequence, await town.reader.accounts(0, 2**63 - 1, Page(500)), await breaks(town),
        await town.reader.find(Proposal, {}, Page(500)), await town.reader.find(Adjustment, {}, Page(500)),
    )  # fmt: skip


async def test_what_is_not_allowed_gets_its_reason_and_changes_nothing(database_url, subtests):
    async with open_town(database_url, "cafe") as town:
        stage = await set_stage(town)
        await adjust(stage, INCOME, stage.cafe.available())
        (stage.adjustment,) = await town.reader.find(Adjustment, {}, Page(2))
        before = await everything(town)
        for name, (reason, act) in {**BREAK_ACTS, **DECISIONS, **ADJUSTMENTS}.items():
            with subtests.test(name):
                with pytest.raises(Refused) as refused:
                    await act(stage)
                assert refused.value.reason.name == reason, refused.value.message
                assert await everything(town) == before
        await town.prove()


async def test_what_two_people_agree_on_and_money_forbids_waits_for_money(database_url):
    async with open_town(database_url, "cafe") as town:
        stage = await set_stage(town)
        await adjust(stage, stage.cafe.available(), INCOME, amount=1_000_000)
        (adjustment,) = await town.reader.find(Adjustment, {}, Page(2))
        await bring(town, Day(4, 4457).line(_K.OTHER, -9_000_000))
        await ask(stage, await open_break(town, -9_000_000), "CLAIM")
        for row in (adjustment, await open_break(town, -9_000_000)):
            before = await everything(town)
            with pytest.raises(Refused) as refused:
                await decide(stage, row)
            assert (refused.value.reason, await everything(town)) == (Reason.INSUFFICIENT_FUNDS, before)
        await town.prove()
