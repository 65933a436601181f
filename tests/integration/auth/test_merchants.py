"""Merchants change at once in what is harmless, and by a second person in what moves money."""

from dataclasses import dataclass

import pytest

from keelpay.api.auth.v1 import approval_service_pb2, merchant_pb2, partner_request_pb2, partner_service_pb2
from keelpay.api.auth.v1 import proposal_pb2 as pr
from keelpay.api.type.v1 import reason_pb2
from keelpay_server.auth.approval_service import ApprovalService
from keelpay_server.auth.client_commands import SuspendClient
from keelpay_server.auth.merchant_commands import CREATED, CreateMerchant
from keelpay_server.auth.proposal import Proposal, ProposalState, propose
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from tests.infrastructure.books import open_engine

from .refusals import refused
from .scene import ACME, OPERATOR, OTHER, SECOND, SECOND_OPERATOR, Clock, Scene, fresh, merchant_request

ACCOUNT = merchant_pb2.PayoutAccount(bank_code="ICBC", account_holder="Café Ltd", account_number="62220200001234")


def update(scene, paths, caller=ACME, version=0, **changes):
    request = partner_request_pb2.UpdateMerchantRequest(
        name="merchants/cafe", request_id=fresh(), merchant=merchant_pb2.Merchant(state_version=version, **changes)
    )
    request.update_mask.paths.extend(paths)
    return scene.call(caller, scene.partners.UpdateMerchant, request)


def new_fee(basis_points=10):
    return merchant_pb2.FeePlan(rules=[merchant_pb2.FeeRule(basis_points=basis_points)])


async def approve(scene, name, caller=OPERATOR, comment=""):
    request = approval_service_pb2.ApproveProposalRequest(name=name, request_id=fresh(), comment=comment)
    return (await scene.call(caller, scene.approvals.ApproveProposal, request)).proposal


async def reject(scene, name, caller=OPERATOR):
    request = approval_service_pb2.RejectProposalRequest(name=name, request_id=fresh(), comment="no")
    return (await scene.call(caller, scene.approvals.RejectProposal, request)).proposal


async def merchant_of(scene):
    return await scene.reader.get(Merchant, "cafe")


async def test_a_merchant_is_made_with_its_accounts(scene):
    row = await merchant_of(scene)
    for account in (row.available(), row.owed()):
        assert (await scene.reader.account(account)).credits == 0
    request = partner_service_pb2.GetMerchantRequest(name="merchants/cafe")
    shown = (await scene.call(ACME, scene.partners.GetMerchant, request)).merchant
    assert (shown.settlement_calendar.time_zone, shown.settlement_calendar.cut_off_minute) == ("Asia/Shanghai", 0)
    assert shown.fee_plan.rules[0].basis_points == 60
    assert await refused(scene.call(OTHER, scene.partners.GetMerchant, request)) is Reason.NOT_OWNER
    assert "merchant.created" in await scene.events("merchant")


async def test_a_name_is_given_once_even_across_partners(scene):
    request = merchant_request("cafe", "other")
    made = scene.call(OTHER, scene.partners.CreateMerchant, request)
    assert await refused(made) is Reason.RESOURCE_ALREADY_EXISTS


async def test_each_merchant_has_accounts_of_its_own(scene):
    await scene.call(ACME, scene.partners.CreateMerchant, merchant_request("bar"))
    bar, cafe = await scene.reader.get(Merchant, "bar"), await merchant_of(scene)
    assert bar.number != cafe.number


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settlement_currency": "XXX"}, Reason.CURRENCY_UNKNOWN),
        ({"settlement_calendar": merchant_pb2.SettlementCalendar(time_zone="Mars/Base")}, Reason.FIELD_INVALID),
        ({"settlement_calendar": merchant_pb2.SettlementCalendar(time_zone="../etc/passwd")}, Reason.FIELD_INVALID),
        ({"settlement_calendar": merchant_pb2.SettlementCalendar(time_zone="America")}, Reason.FIELD_INVALID),
        ({"fee_plan": merchant_pb2.FeePlan(rules=[merchant_pb2.FeeRule()] * 2)}, Reason.FIELD_INVALID),
        ({"payout_account": merchant_pb2.PayoutAccount(bank_code="ICBC")}, Reason.FIELD_INVALID),
    ],
)
async def test_a_merchant_that_cannot_be_settled_is_not_made(scene, change, reason):
    request = merchant_request("bar", **change)
    assert await refused(scene.call(ACME, scene.partners.CreateMerchant, request)) is reason


async def test_a_suspended_partner_gets_no_merchant(scene):
    await scene.engine.execute(SuspendClient(client="partners/acme"))
    made = scene.call(OPERATOR, scene.partners.CreateMerchant, merchant_request("bar"))
    assert await refused(made) is Reason.PARTNER_SUSPENDED


async def test_a_higher_room_acts_in_the_commit_that_makes_a_merchant(database_url):
    class Reaction:
        def needs(self, command, need):
            pass

        def decide(self, command, changes, world):
            event = Event("window.opened", "windows", "1", 1, "", {"merchant": command.merchant})
            return Changes(events=(event,))

    assert CreateMerchant.emits == CREATED
    async with open_engine(database_url, wall=(clock := Clock()), reactions={CREATED: (Reaction(),)}) as engine:
        scene = await Scene(engine, clock).begin()
        assert await scene.events("window") == ["window.opened"]


async def test_what_is_harmless_changes_at_once(scene):
    answer = await update(scene, ["display_name", "metadata"], display_name="Bar", metadata={"a": "b"})
    assert (answer.merchant.display_name, dict(answer.merchant.metadata)) == ("Bar", {"a": "b"})
    assert not answer.HasField("proposal")
    assert answer.merchant.statement_descriptor == "CAFE"


async def test_a_stale_version_changes_nothing(scene):
    await update(scene, ["display_name"], display_name="Bar", version=1)
    stale = update(scene, ["display_name"], display_name="Pub", version=1)
    assert await refused(stale) is Reason.ETAG_MISMATCH


@pytest.mark.parametrize("paths", [[], ["settlement_currency"], ["display_name", "state"], ["fee_plan.rules"]])
async def test_a_mask_names_what_may_change(scene, paths):
    assert await refused(update(scene, paths, display_name="Bar")) is Reason.FIELD_INVALID


async def test_a_name_is_never_emptied(scene):
    assert await refused(update(scene, ["display_name"])) is Reason.FIELD_INVALID


async def test_a_stranger_changes_nothing(scene):
    assert await refused(update(scene, ["display_name"], caller=OTHER, display_name="x")) is Reason.NOT_OWNER


async def test_a_fee_changes_by_a_second_person_in_the_commit_of_the_approval(scene):
    answer = await update(scene, ["fee_plan"], fee_plan=new_fee())
    before = await merchant_of(scene)
    assert answer.proposal.state == pr.Proposal.STATE_PENDING
    assert answer.proposal.proposer == "partners/acme"
    assert answer.merchant.fee_plan.rules[0].basis_points == 60
    approved = await approve(scene, answer.proposal.name, comment="agreed")
    assert approved.state == pr.Proposal.STATE_APPROVED
    assert (approved.decider, approved.comment) == ("operators/ops-1", "agreed")
    assert approved.outcome.resource == "merchants/cafe"
    after = await merchant_of(scene)
    assert '"basis_points":10' in after.fee_plan
    assert after.state_version == before.state_version + 1
    assert (await scene.events())[-2:] == ["merchant.updated", "proposal.approved"]


async def test_a_payout_account_is_proposed_without_its_number(scene):
    answer = await update(scene, ["payout_account", "display_name"], payout_account=ACCOUNT, display_name="Bar")
    assert answer.merchant.display_name == "Bar"
    assert not answer.merchant.HasField("payout_account")
    shown = answer.proposal.request_json
    assert "62220200001234" not in shown
    assert "Café Ltd" not in shown
    assert "***1234" in shown
    await approve(scene, answer.proposal.name)
    row = await merchant_of(scene)
    assert row.payout_bank == "sandbox-bank"
    assert "62220200001234" not in row.payout_account
    request = partner_service_pb2.GetMerchantRequest(name="merchants/cafe")
    account = (await scene.call(ACME, scene.partners.GetMerchant, request)).merchant.payout_account
    assert (account.display, account.account_number, account.account_number_token) == ("ICBC •••• 1234", "", "tok-1234")


async def test_a_repeated_update_finds_its_own_proposal(scene):
    await update(scene, ["fee_plan"], fee_plan=new_fee(20))
    request = partner_request_pb2.UpdateMerchantRequest(
        name="merchants/cafe", request_id=fresh(), merchant=merchant_pb2.Merchant(fee_plan=new_fee())
    )
    request.update_mask.paths.append("fee_plan")
    first = await scene.call(ACME, scene.partners.UpdateMerchant, request)
    await update(scene, ["fee_plan"], fee_plan=new_fee(30))
    again = await scene.call(ACME, scene.partners.UpdateMerchant, request)
    assert again.replayed
    assert again.proposal.name == first.proposal.name


async def test_nobody_approves_their_own_but_may_take_it_back(scene):
    answer = await update(scene, ["fee_plan"], caller=OPERATOR, fee_plan=new_fee())
    assert await refused(approve(scene, answer.proposal.name, OPERATOR)) is Reason.PROPOSAL_SELF_APPROVAL
    assert '"basis_points":60' in (await merchant_of(scene)).fee_plan
    taken = await reject(scene, answer.proposal.name, OPERATOR)
    assert taken.state == pr.Proposal.STATE_REJECTED
    late = approve(scene, answer.proposal.name, SECOND_OPERATOR)
    assert await refused(late) is Reason.ILLEGAL_TRANSITION


async def test_a_proposal_is_carried_out_once(scene):
    answer = await update(scene, ["fee_plan"], fee_plan=new_fee())
    await approve(scene, answer.proposal.name)
    version = (await merchant_of(scene)).state_version
    assert await refused(approve(scene, answer.proposal.name)) is Reason.ILLEGAL_TRANSITION
    assert await refused(reject(scene, answer.proposal.name)) is Reason.ILLEGAL_TRANSITION
    assert (await merchant_of(scene)).state_version == version


async def test_a_repeated_approval_answers_as_the_first(scene):
    answer = await update(scene, ["fee_plan"], fee_plan=new_fee())
    request = approval_service_pb2.ApproveProposalRequest(name=answer.proposal.name, request_id=fresh())
    first = await scene.call(OPERATOR, scene.approvals.ApproveProposal, request)
    again = await scene.call(OPERATOR, scene.approvals.ApproveProposal, request)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.proposal.state == pr.Proposal.STATE_APPROVED


async def test_a_proposal_that_nobody_decides_expires(scene):
    answer = await update(scene, ["fee_plan"], fee_plan=new_fee())
    scene.clock.advance(8 * 86_400 * SECOND)
    assert await refused(approve(scene, answer.proposal.name)) is Reason.ILLEGAL_TRANSITION
    assert "proposal.expiry" in await scene.run_due()
    (row,) = await scene.reader.find(Proposal, {"state": ProposalState.EXPIRED})
    assert answer.proposal.name.endswith(shown_id(row))


def shown_id(row):
    from keelpay_server.book import ids

    return ids.text("prp", row.id)


async def test_lists_show_what_waits(scene):
    first = (await update(scene, ["fee_plan"], fee_plan=new_fee())).proposal
    second = (await update(scene, ["fee_plan"], fee_plan=new_fee(20))).proposal
    await reject(scene, first.name)

    async def ask(filter_):
        request = approval_service_pb2.ListProposalsRequest(filter=filter_)
        answer = await scene.call(OPERATOR, scene.approvals.ListProposals, request)
        return [row.name for row in answer.proposals]

    assert await ask("state = PENDING") == [second.name]
    assert await ask('proposer = "partners/acme"') == [second.name, first.name]
    assert await ask('proposer = "operators/ops-9"') == []
    assert await refused(ask("shown = x")) is Reason.FILTER_INVALID


# ---- any room's command may need a second person


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Command):
    """A room's command that proposes another one."""

    kind: str

    def decide(self, world):
        return propose(
            world, kind=self.kind, arguments='{"merchant": "cafe"}', method="x/Y", resource="merchants/cafe",
            shown="{}", proposer=self.caller,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """An act that refuses, before or after it looked around."""

    merchant: str
    after: bool = False

    def needs(self, need):
        row = need.row(Merchant, self.merchant)
        if row is not None:
            need.row(Proposal, b"none" * 4)

    def decide(self, world):
        world.require(Merchant, self.merchant)
        assert world.get(Proposal, b"none" * 4) is None
        refusal = Refused(Reason.DEBIT_CAP_EXCEEDED)
        if self.after:
            return Changes(events=(Event("cap.hit", "merchants", self.merchant, 1, "", {}),), refusal=refusal)
        raise refusal


@pytest.mark.parametrize("after", [False, True])
async def test_an_act_that_is_refused_now_leaves_the_reason_on_the_approved_proposal(scene, after):
    approvals = ApprovalService(
        scene.engine, Pager(b"x"), {"stop": lambda arguments: Stop(**arguments, after=after)}, {}
    )
    outcome = await scene.engine.execute(Ask(kind="stop", caller=OPERATOR))
    name = f"proposals/{shown_id(outcome.row)}"
    request = approval_service_pb2.ApproveProposalRequest(name=name, request_id=fresh())
    answer = await scene.call(SECOND_OPERATOR, approvals.ApproveProposal, request)
    assert answer.proposal.state == pr.Proposal.STATE_APPROVED
    assert answer.proposal.outcome.reason == reason_pb2.REASON_DEBIT_CAP_EXCEEDED
    assert ("cap.hit" in await scene.events()) is after


async def test_the_reactions_to_an_approved_act_belong_to_its_commit(scene):
    class Reaction:
        def needs(self, command, need):
            need.row(Merchant, command.merchant)

        def decide(self, command, changes, world):
            row = world.require(Merchant, command.merchant)
            return Changes(events=(Event("reaction.done", "merchants", row.id, 1, "", {}),))

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Act(Command):
        merchant: str
        emits = "act.done"

        def decide(self, world):
            return Changes(events=(Event("act.done", "merchants", self.merchant, 1, "", {}),))

    approvals = ApprovalService(
        scene.engine, Pager(b"x"), {"act": lambda arguments: Act(**arguments)}, {"act.done": (Reaction(),)}
    )
    outcome = await scene.engine.execute(Ask(kind="act", caller=OPERATOR))
    request = approval_service_pb2.ApproveProposalRequest(name=f"proposals/{shown_id(outcome.row)}", request_id=fresh())
    await scene.call(SECOND_OPERATOR, approvals.ApproveProposal, request)
    assert (await scene.events())[-3:] == ["act.done", "reaction.done", "proposal.approved"]


async def test_lists_of_merchants_are_the_partners_own(scene):
    await scene.call(ACME, scene.partners.CreateMerchant, merchant_request("bar"))
    request = partner_service_pb2.ListMerchantsRequest(parent="partners/acme", page_size=1)
    first = await scene.call(ACME, scene.partners.ListMerchants, request)
    request.page_token = first.next_page_token
    second = await scene.call(ACME, scene.partners.ListMerchants, request)
    assert [first.merchants[0].name, second.merchants[0].name] == ["merchants/bar", "merchants/cafe"]
    assert await refused(scene.call(OTHER, scene.partners.ListMerchants, request)) is Reason.NOT_OWNER
