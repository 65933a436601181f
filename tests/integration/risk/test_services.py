"""The services of risk over the engine: who sees what, and that a label, a list or a verdict works at once."""

from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.risk.v1 import (
    decision_pb2,
    list_entry_pb2,
    review_pb2,
    review_service_pb2,
    risk_service_pb2,
    rule_service_pb2,
)
from keelpay.api.type.v1 import device_pb2, money_pb2, risk_outcome_pb2
from keelpay_server.book.changes import Changes
from keelpay_server.book.ids import parse
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.risk.decision import Decision
from keelpay_server.risk.service import RiskServicer
from keelpay_server.risk.service_lists import RuleServicer
from keelpay_server.risk.service_review import ReviewServicer
from tests.integration.risk.commands import PutRow
from tests.integration.risk.conftest import ACME, OPERATOR, OTHER, cafe
from tests.unit.risk.stage import BANK, KEY

APPROVE, BLOCK = risk_outcome_pb2.RISK_OUTCOME_APPROVE, risk_outcome_pb2.RISK_OUTCOME_BLOCK_AND_REVIEW


def request_id(number):
    return str(UUID(int=number))


async def every_bank(_payment, _bank):
    return True


async def no_bank(_payment, _bank):
    return False


@pytest.fixture
def risk(opened, book):
    return RiskServicer(opened[0], book.pager, every_bank)


@pytest.fixture
def reviews(opened, book):
    return ReviewServicer(opened[0], book.pager)


@pytest.fixture
def rules(opened, book):
    return RuleServicer(opened[0], book.pager, list_key=KEY)


def facts(number=1, amount=450, payer="ann"):
    return risk_service_pb2.PaymentFacts(
        external_payment_id=f"p-{number}", amount=money_pb2.Money(currency_code="USD", amount_minor=amount),
        channel=3, region="CN", region_source=1, payer=payer, instrument_token="card-1",
        device=device_pb2.DeviceContext(device_id="phone-1", ip_address="192.0.2.7"),
    )  # fmt: skip


def evaluate(risk, number=1, call=None, **changes):
    request = risk_service_pb2.EvaluatePaymentRequest(
        parent="merchants/cafe", request_id=request_id(call or number), facts=facts(number, **changes)
    )
    return risk.EvaluatePayment(request, None)


def block(rules, call_as, value="acme/ann", strength=list_entry_pb2.STRENGTH_BLOCK, number=900, **changes):
    call_as(OPERATOR)
    entry = list_entry_pb2.ListEntry(
        kind=list_entry_pb2.ENTRY_KIND_PAYER, value=value, strength=strength, comment="reported stolen", **changes
    )
    request = rule_service_pb2.UpsertEntriesRequest(request_id=request_id(number), entries=[entry])
    return rules.UpsertEntries(request, None)


async def refused(awaitable):
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value.reason


async def test_a_partner_sees_outcome_and_safe_reasons_only(risk, call_as):
    call_as(ACME)
    made = (await evaluate(risk, amount=90_000)).decision
    assert made.outcome == risk_outcome_pb2.RISK_OUTCOME_STEP_UP
    assert made.reasons
    assert not made.HasField("score")
    assert all(reason.contribution_milli == 0 and reason.source == "" for reason in made.reasons)
    assert made.external_payment_id == "p-1"
    assert made.payment == ""
    assert made.latency_us > 0


async def test_an_operator_sees_scores_values_and_sources(risk, call_as):
    call_as(ACME)
    name = (await evaluate(risk, amount=90_000)).decision.name
    call_as(OPERATOR)
    seen = (await risk.GetDecision(risk_service_pb2.GetDecisionRequest(name=name), None)).decision
    assert seen.HasField("score")
    assert seen.probability_ppm > 0
    assert all(reason.source for reason in seen.reasons)


async def test_a_stranger_finds_nothing(risk, call_as):
    call_as(ACME)
    name = (await evaluate(risk)).decision.name
    call_as(OTHER)
    assert await refused(risk.GetDecision(risk_service_pb2.GetDecisionRequest(name=name), None)) is Reason.NOT_OWNER
    listing = risk_service_pb2.ListDecisionsRequest(parent="merchants/cafe")
    assert await refused(risk.ListDecisions(listing, None)) is Reason.NOT_OWNER
    assert await refused(evaluate(risk, number=2)) is Reason.NOT_OWNER
    report = risk_service_pb2.ReportOutcomeRequest(subject=name, request_id=request_id(5), label=1)
    assert await refused(risk.ReportOutcome(report, None)) is Reason.NOT_OWNER
    everything = risk_service_pb2.ListDecisionsRequest(parent="merchants/-")
    assert await refused(risk.ListDecisions(everything, None)) is Reason.NOT_OWNER


async def test_a_payment_made_elsewhere_is_decided_and_counted_once(risk, opened, call_as):
    call_as(ACME)
    first = await evaluate(risk, call=1)
    again = await evaluate(risk, call=1)
    other_call = await evaluate(risk, call=2)
    assert first.decision.name == again.decision.name == other_call.decision.name
    assert (first.replayed, again.replayed) == (False, True)
    assert opened[1].view().counter("payer", "acme/ann").attempts_1 == 1
    assert await refused(evaluate(risk, call=3, amount=451)) is Reason.MERCHANT_NUMBER_TAKEN


async def test_a_block_works_from_the_next_decision_on_and_opens_a_review(risk, rules, reviews, call_as):
    names = (await block(rules, call_as)).names
    call_as(ACME)
    made = (await evaluate(risk)).decision
    assert made.outcome == BLOCK
    call_as(OPERATOR)
    queue = (await reviews.ListReviews(review_service_pb2.ListReviewsRequest(), None)).reviews
    assert [review.name for review in queue] == [made.review]
    assert queue[0].decision == made.name
    shown = (await rules.ListEntries(rule_service_pb2.ListEntriesRequest(kind=4, value="acme/ann"), None)).entries
    assert [(entry.name, entry.value, entry.creator) for entry in shown] == [(names[0], "", "operators/ops-1")]
    removal = rule_service_pb2.RemoveEntriesRequest(request_id=request_id(901), names=names, comment="found again")
    await rules.RemoveEntries(removal, None)
    assert not (await rules.ListEntries(rule_service_pb2.ListEntriesRequest(), None)).entries
    call_as(ACME)
    assert (await evaluate(risk, number=2)).decision.outcome == APPROVE


async def test_an_entry_ends_by_itself(risk, rules, opened, book, call_as):
    soon = Timestamp(seconds=book.clock.now_us // 1_000_000 + 60)
    await block(rules, call_as, expire_time=soon)
    call_as(ACME)
    assert (await evaluate(risk)).decision.outcome == BLOCK
    await opened[0].store.advance(61_000_000)
    assert (await evaluate(risk, number=2)).decision.outcome == APPROVE
    call_as(OPERATOR)
    assert not (await rules.ListEntries(rule_service_pb2.ListEntriesRequest(), None)).entries


async def test_two_entries_of_one_value_are_refused(rules, call_as):
    call_as(OPERATOR)
    entry = list_entry_pb2.ListEntry(kind=4, value="acme/ann", strength=2, comment="x")
    same = list_entry_pb2.ListEntry(kind=4, value="partners/acme/payers/ann", strength=1, comment="x")
    request = rule_service_pb2.UpsertEntriesRequest(request_id=request_id(1), entries=[entry, same])
    assert await refused(rules.UpsertEntries(request, None)) is Reason.FIELD_INVALID


async def test_a_label_is_answered_listed_and_moves_the_counters(risk, opened, call_as):
    call_as(ACME)
    names = [(await evaluate(risk, number=number)).decision.name for number in (1, 2, 3)]
    report = risk_service_pb2.ReportOutcomeRequest(
        subject=names[1], request_id=request_id(50), label=decision_pb2.LABEL_FRAUD, source="notice 7"
    )
    answered = await risk.ReportOutcome(report, None)
    again = await risk.ReportOutcome(report, None)
    assert (answered.decision.name, answered.decision.label) == (names[1], decision_pb2.LABEL_FRAUD)
    assert (answered.replayed, again.replayed) == (False, True)
    assert again.decision == answered.decision
    assert opened[1].view().counter("payer", "acme/ann").fraud_30 == 1
    listing = risk_service_pb2.ListDecisionsRequest(parent="merchants/cafe", filter="label = FRAUD")
    assert [row.name for row in (await risk.ListDecisions(listing, None)).decisions] == [names[1]]


async def test_a_bank_overrules_a_partner_and_not_the_other_way(risk, call_as):
    call_as(ACME)
    name = (await evaluate(risk)).decision.name

    def report(number, label):
        request = risk_service_pb2.ReportOutcomeRequest(subject=name, request_id=request_id(number), label=label)
        return risk.ReportOutcome(request, None)

    await report(50, decision_pb2.LABEL_LEGITIMATE)
    call_as(BANK)
    assert (await report(51, decision_pb2.LABEL_FRAUD)).decision.label == decision_pb2.LABEL_FRAUD
    call_as(ACME)
    assert await refused(report(52, decision_pb2.LABEL_LEGITIMATE)) is Reason.ILLEGAL_TRANSITION


async def test_a_bank_labels_only_payments_it_took_part_in_and_reads_no_decision(opened, book, call_as):
    asked = []

    async def took_part(payment, bank):
        asked.append((payment, bank))
        return bank == "bank-1"

    risk = RiskServicer(opened[0], book.pager, took_part)
    call_as(ACME)
    made = (await evaluate(risk, amount=90_000)).decision
    report = risk_service_pb2.ReportOutcomeRequest(
        subject=made.name, request_id=request_id(51), label=decision_pb2.LABEL_FRAUD
    )
    call_as(BANK._replace(subject="bank-2"))
    assert await refused(risk.ReportOutcome(report, None)) is Reason.NOT_OWNER
    call_as(BANK._replace(subject="bank-1"))
    told = (await risk.ReportOutcome(report, None)).decision
    assert [field.name for field, _ in told.ListFields()] == ["label", "label_time"]
    assert told.label == decision_pb2.LABEL_FRAUD
    assert [bank for _, bank in asked] == ["bank-2", "bank-1"]
    decision = await opened[0].reader.get(Decision, parse("dec", made.name.partition("/")[2]))
    assert {payment for payment, _ in asked} == {decision.payment}


async def test_decisions_are_listed_newest_first_by_pages_and_filters(risk, call_as):
    call_as(ACME)
    names = [(await evaluate(risk, number=number)).decision.name for number in range(1, 6)]

    async def pages(**changes):
        found, token = [], ""
        while True:
            request = risk_service_pb2.ListDecisionsRequest(
                parent="merchants/cafe", page_size=2, page_token=token, **changes
            )
            answer = await risk.ListDecisions(request, None)
            found += [row.name for row in answer.decisions]
            token = answer.next_page_token
            if not token:
                return found

    assert await pages() == names[::-1]
    assert await pages(filter="outcome = APPROVE AND degraded = false") == names[::-1]
    assert await pages(filter="outcome = DECLINE") == []
    assert await pages(filter='create_time < "2020-01-01T00:00:00Z"') == []
    assert (
        await pages(filter='create_time >= "2020-01-01T00:00:00Z" AND create_time < "2090-01-01T00:00:00Z"')
        == (names[::-1])
    )
    assert await refused(pages(filter="score = 99")) is Reason.FILTER_INVALID


class RejectPayment:
    """What gateway's reaction on a verdict looks like from here."""

    def needs(self, command, need):
        pass

    def decide(self, command, changes, world):
        assert changes.row.id == command.review
        return Changes(rows=(cafe()._replace(id="told", metadata=str(changes.row.state)),))


async def test_a_verdict_its_label_and_the_reaction_are_one_commit(book, call_as):
    async with book.open(reactions={"review.decided": (RejectPayment(),)}) as (engine, counters):
        await engine.execute(PutRow(row=cafe()))
        risk, reviews = RiskServicer(engine, book.pager, no_bank), ReviewServicer(engine, book.pager)
        await block(RuleServicer(engine, book.pager, list_key=KEY), call_as)
        call_as(ACME)
        made = (await evaluate(risk)).decision
        call_as(OPERATOR)
        request = review_service_pb2.DecideReviewRequest(
            name=made.review, request_id=request_id(70), state_version=1, verdict=review_pb2.VERDICT_REJECT,
            comment="called the payer",
        )  # fmt: skip
        judged = await reviews.DecideReview(request, None)
        assert (judged.review.state, judged.review.decider) == (review_pb2.Review.STATE_REJECTED, "operators/ops-1")
        assert (await engine.reader.get(type(cafe()), "told")).metadata == "3"
        assert counters.view().counter("payer", "acme/ann").fraud_30 == 1
        labelled = (await risk.GetDecision(risk_service_pb2.GetDecisionRequest(name=made.name), None)).decision
        assert labelled.label == decision_pb2.LABEL_FRAUD
        again = await reviews.DecideReview(request, None)
        assert again.replayed
        assert again.review == (
            await reviews.GetReview(review_service_pb2.GetReviewRequest(name=made.review), None)
        ).review  # fmt: skip
