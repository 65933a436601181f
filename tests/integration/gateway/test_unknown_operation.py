"""An operation that nobody answers for, on both databases: operators hear of it, two of them end it by statements."""

import uuid

import pytest

from keelpay.api.clearing.v1 import reconciliation_service_pb2
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.paging import Pager
from keelpay_server.book.rail import OperationOutcome, OperationResult, StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing import names
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement, Resolution
from keelpay_server.clearing.reconciliation_service import ReconciliationService
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.gateway.operation import QUERY_SCHEDULE_S, OperationState
from keelpay_server.gateway.payment import Payment, PaymentState
from keelpay_server.gateway.refund import Refund, RefundState
from keelpay_server.gateway.told_operation import NEVER_SHOWN
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.gateway.unknown_operation import PENDING_US, SCHEDULE_US
from keelpay_server.storage.channel import SqlChannelRecords

from .desk import DOUBTFUL, MAKER, UNKNOWN, authorizing, open_desk
from .shop import Put

_K, _O, _R = StatementLineKind, OperationOutcome, Resolution
NOUNS = {"authorize": Payment, "capture": Payment, "refund": Refund, "withdrawal": Transfer, "top-up": Transfer}
GIVEN_UP = {
    "authorize": PaymentState.REQUIRES_PAYMENT_METHOD, "capture": PaymentState.AUTHORIZED,
    "refund": RefundState.SUBMITTED, "withdrawal": OperationState.FAILED, "top-up": OperationState.FAILED,
}  # fmt: skip
DONE = {
    "authorize": PaymentState.CAPTURED, "capture": PaymentState.CAPTURED, "refund": RefundState.SUCCEEDED,
    "withdrawal": OperationState.SUCCEEDED, "top-up": OperationState.SUCCEEDED,
}  # fmt: skip
LINES = {
    "authorize": (_K.CAPTURE_SETTLEMENT, 5_000), "capture": (_K.CAPTURE_SETTLEMENT, 5_000),
    "refund": (_K.REFUND, -5_000), "withdrawal": (_K.PAYOUT, -5_000), "top-up": (_K.CAPTURE_SETTLEMENT, 5_000),
}  # fmt: skip


@pytest.fixture
async def desk(database_url):
    async with open_desk(database_url) as desk:
        yield desk


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason


async def test_it_is_reported_once_and_no_break_any_more_when_its_bank_answers(desk):
    operation = await authorizing(desk)
    await desk.answer(operation, UNKNOWN)
    assert await desk.breaks() == []
    row = await desk.in_vain(operation)
    assert (row.subject, row.channel_amount, row.line) == (operation.subject, 5_000, None)
    await desk.answer(operation, UNKNOWN)
    assert len(await desk.breaks()) == 1
    await desk.answer(operation, _O.DECLINED, "INSUFFICIENT_FUNDS")
    assert (await desk.get(Disagreement, row.id)).state == BreakState.EXPLAINED


async def test_a_bank_that_says_it_is_still_at_it_has_a_week(desk):
    operation = await authorizing(desk)
    for older_us, reported in ((SCHEDULE_US, 0), (PENDING_US, 1)):
        asked = operation._replace(queries=len(QUERY_SCHEDULE_S), create_time=operation.create_time - older_us)
        await desk.run(Put(rows=(asked,)))
        await desk.answer(asked, _O.PENDING)
        assert len(await desk.breaks()) == reported


@pytest.mark.parametrize("kind", DOUBTFUL)
async def test_two_people_give_it_up_once_a_statement_two_business_days_later_lacks_it(desk, kind):
    operation = await DOUBTFUL[kind](desk)
    row = await desk.in_vain(operation)
    await refused(desk.propose(row, _R.OPERATION_FAILED), Reason.OPERATION_UNRESOLVED)
    early = await desk.late_statement(row, -1)
    before = await desk.books()
    await refused(desk.propose(row, _R.OPERATION_FAILED, statement=early.id), Reason.OPERATION_UNRESOLVED)
    late = await desk.late_statement(row)
    proposed = await desk.propose(row, _R.OPERATION_FAILED, statement=late.id)
    assert (proposed.state, proposed.statement) == (BreakState.PROPOSED, late.id)
    assert (await desk.operation(operation.id)).state == OperationState.UNKNOWN
    assert await desk.books() == before
    assert await desk.decide(proposed) == ""
    given_up = await desk.operation(operation.id)
    assert (given_up.state, given_up.code) == (OperationState.FAILED, NEVER_SHOWN)
    assert (await desk.get(Disagreement, row.id)).state == BreakState.RESOLVED
    assert (await desk.get(NOUNS[kind], operation.subject)).state == GIVEN_UP[kind]
    if kind == "withdrawal":
        assert await desk.held() == (10_000, 0)


@pytest.mark.parametrize("kind", DOUBTFUL)
async def test_a_line_that_shows_it_is_the_answer_on_two_peoples_word(desk, kind):
    operation = await DOUBTFUL[kind](desk)
    unknown = await desk.in_vain(operation)
    reserve = await desk.net("reserve")
    await desk.statement((*LINES[kind], operation))
    shown = await desk.the_break(kind=BreakKind.CHANNEL)
    assert (shown.ledger_amount, await desk.net("reserve")) == (None, reserve)
    late = await desk.late_statement(unknown)
    await refused(desk.propose(unknown, _R.OPERATION_FAILED, statement=late.id), Reason.CONFLICT)
    shown = await desk.settle_break(shown, _R.MATCH)
    assert (shown.state, shown.in_suspense) == (BreakState.RESOLVED, 0)
    assert (await desk.operation(operation.id)).state == OperationState.SUCCEEDED
    assert (await desk.get(NOUNS[kind], operation.subject)).state == DONE[kind]
    assert (await desk.get(Disagreement, unknown.id)).state == BreakState.EXPLAINED
    assert (await desk.get(BankLine, shown.line)).state == LineState.RESOLVED
    assert await desk.net("reserve") == reserve - LINES[kind][1]
    assert [await desk.net(what) for what in ("refund_transit", "payout_transit", "suspense")] == [0, 0, 0]


async def test_what_a_line_is_short_of_is_the_banks_charge(desk):
    operation = await authorizing(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 4_970, operation))
    await desk.settle_break(await desk.the_break(), _R.MATCH)
    assert (await desk.operation(operation.id)).cost == 30
    assert await desk.net("clearing") == 0


async def test_a_line_of_another_amount_than_was_asked_is_no_answer(desk):
    operation = await authorizing(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_001, operation))
    shown = await desk.the_break()
    await refused(desk.propose(shown, _R.MATCH), Reason.CONFLICT)
    await desk.answer(operation, _O.SUCCEEDED)
    await desk.statement()
    shown = await desk.get(Disagreement, shown.id)
    assert (shown.kind, shown.ledger_amount, shown.bank_amount) == (BreakKind.AMOUNT, 5_000, 5_001)
    await desk.settle_break(shown, _R.CREDIT_MERCHANT, merchant="cafe")


async def test_a_proposal_is_refused_when_its_bank_has_answered_meanwhile(desk):
    operation = await authorizing(desk)
    await desk.statement((_K.CAPTURE_SETTLEMENT, 5_000, operation))
    proposed = await desk.propose(await desk.the_break(), _R.MATCH)
    await desk.answer(operation, _O.SUCCEEDED)
    assert await desk.decide(proposed) == "CONFLICT"
    assert (await desk.get(Disagreement, proposed.id)).state == BreakState.OPEN
    await desk.statement()
    assert (await desk.get(Disagreement, proposed.id)).state == BreakState.EXPLAINED


async def test_what_was_given_up_and_is_shown_after_all_goes_back_to_the_payer(desk):
    operation = await authorizing(desk)
    row = await desk.in_vain(operation)
    late = await desk.late_statement(row)
    await desk.settle_break(row, _R.OPERATION_FAILED, statement=late.id)
    await desk.late_statement(row, 1, (_K.CAPTURE_SETTLEMENT, 5_000, operation))
    shown = await desk.the_break()
    assert (shown.kind, shown.ledger_amount) == (BreakKind.CHANNEL, 0)
    await desk.settle_break(shown, _R.RETURN_TO_PAYER)
    (refund,) = await desk.reader.find(Refund, {"payment": operation.subject})
    assert refund.amount == 5_000


async def test_the_service_finds_the_statement_that_lacks_an_operation(desk):
    row = await desk.in_vain(await authorizing(desk))
    late = await desk.late_statement(row)
    set_current(Call("r", MAKER, "/x/Y", 0))
    service = ReconciliationService(
        desk.engine, Pager(b"secret"), Reconciling(desk.engine, SqlChannelRecords(desk.reader)), {}
    )
    request = reconciliation_service_pb2.ResolveBreakRequest(
        name=names.name_of("breaks", row.id), request_id=str(uuid.uuid4()), resolution=_R.OPERATION_FAILED, comment="no"
    )
    answer = await service.ResolveBreak(request, None)
    assert answer.reconciliation_break.statement == names.name_of("statements", late.id)
    assert (await service.ResolveBreak(request, None)).replayed
    assert await desk.decide(await desk.get(Disagreement, row.id)) == ""
    assert (await desk.operation(row.operation)).state == OperationState.FAILED


class TestBankThatMustNotBeSentAKeyTwice:
    """A rail that declares no idempotency: what it does not know in time is voided by key, then failed."""

    @pytest.fixture
    async def asked(self, desk):
        operation = await authorizing(desk)
        bank = await desk.bank()
        await desk.run(Put(rows=(bank._replace(idempotent=False),)))

        async def unknown(keys):
            return [OperationResult(key, _O.NOT_FOUND) for key in keys]

        desk.rails[bank.id].query_many = unknown
        return operation

    async def test_an_authorization_is_voided_by_key_and_failed(self, desk, asked):
        await desk.dispatcher.ask_now(asked)
        after = await desk.operation(asked.id)
        assert (after.state, after.code) == (OperationState.FAILED, "NEVER_ARRIVED")
        assert (await desk.get(Payment, asked.subject)).state == PaymentState.REQUIRES_PAYMENT_METHOD

    async def test_an_authorization_whose_void_is_not_proven_is_asked_about_again(self, desk, asked):
        desk.answers("void", UNKNOWN)
        await desk.dispatcher.ask_now(asked)
        assert (await desk.operation(asked.id)).state == OperationState.UNKNOWN
        desk.answers_again("void")
        await desk.dispatcher.ask_now(asked)
        assert (await desk.operation(asked.id)).state == OperationState.FAILED
