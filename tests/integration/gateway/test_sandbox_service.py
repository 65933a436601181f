"""Laws of the sandbox's levers: time only goes forward, banks follow orders, what happens outside is a result."""

from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.rail.v1 import operation_pb2, statement_pb2
from keelpay.api.sandbox.v1 import sandbox_service_pb2 as pb
from keelpay.api.sandbox.v1 import scenario_pb2
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.paging import Pager
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.confirm import ConfirmPayment
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.names import payment_name
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.payment import PaymentState
from keelpay_server.gateway.sandbox_service import SandboxService
from keelpay_server.rails.sandbox.bank import SandboxBank
from keelpay_server.rails.sandbox.local_levers import LocalLevers
from tests.integration.events.happenings import as_caller
from tests.integration.gateway.shop import ACME, CAFE, SECOND

Behaviour = scenario_pb2.Behaviour
OTHER = Caller(CallerKind.PARTNER, "other", "other")


@pytest.fixture
def sandbox(shop):
    as_caller(ACME)
    levers = {name: LocalLevers(rail.delivery.lane) for name, rail in shop.rails.items()}
    return SandboxService(shop.engine, Pager(b"p" * 32), levers)


def asked():
    return str(uuid4())


def step(**parts):
    duration = Duration()
    duration.FromTimedelta(timedelta(**parts))
    return duration


async def advance(sandbox, request_id="", **target):
    return await sandbox.AdvanceClock(pb.AdvanceClockRequest(request_id=request_id or asked(), **target), None)


async def create(sandbox, behaviour, request_id="", *, bank="sandbox-card", count=1, **fields):
    scenario = scenario_pb2.Scenario(bank=bank, behaviour=behaviour, operation_count=count, **fields)
    request = pb.CreateScenarioRequest(request_id=request_id or asked(), scenario=scenario)
    return await sandbox.CreateScenario(request, None)


async def trigger(sandbox, payment, what, request_id=""):
    request = pb.TriggerEventRequest(
        resource=payment_name(payment.merchant, payment.id), request_id=request_id or asked(), trigger=what
    )
    return await sandbox.TriggerEvent(request, None)


async def refused(call, reason):
    with pytest.raises(Refused) as caught:
        await call
    assert caught.value.reason is reason


def seconds(stamp: Timestamp) -> float:
    return stamp.ToMicroseconds() / SECOND


async def left(sandbox, bank=""):
    answer = await sandbox.ListScenarios(pb.ListScenariosRequest(bank=bank), None)
    return [(scenario.behaviour, scenario.remaining_count) for scenario in answer.scenarios]


async def test_the_business_clock_goes_forward_and_the_wall_clock_stays(sandbox):
    before = (await sandbox.GetClock(pb.GetClockRequest(), None)).clock
    after = (await advance(sandbox, step=step(days=3))).clock
    assert seconds(after.business_time) - seconds(before.business_time) == pytest.approx(3 * 86_400, abs=10)
    assert seconds(after.wall_time) - seconds(before.wall_time) < 10
    assert (before.state_version, after.state_version) == (0, 1)


async def test_an_advance_is_done_once_whatever_is_repeated(sandbox):
    request_id = asked()
    first = await advance(sandbox, request_id, step=step(days=1))
    again = await advance(sandbox, request_id, step=step(days=1))
    assert (first.replayed, again.replayed) == (False, True)
    assert seconds(again.clock.business_time) - seconds(first.clock.business_time) < 10
    assert again.clock.state_version == 1


async def test_a_time_is_reached_exactly_and_one_that_passed_or_is_too_far_is_refused(sandbox):
    now = (await sandbox.GetClock(pb.GetClockRequest(), None)).clock.business_time
    until = Timestamp(seconds=now.seconds + 86_400)
    answer = await advance(sandbox, until=until)
    assert seconds(answer.clock.business_time) == pytest.approx(until.seconds, abs=5)
    await refused(advance(sandbox, until=now), Reason.FIELD_INVALID)
    await refused(advance(sandbox, until=Timestamp(seconds=now.seconds + 500 * 86_400)), Reason.FIELD_INVALID)
    await refused(advance(sandbox, step=Duration(seconds=0)), Reason.FIELD_INVALID)
    await refused(advance(sandbox, step=Duration(seconds=-5)), Reason.FIELD_INVALID)
    await refused(advance(sandbox), Reason.FIELD_INVALID)


async def test_the_banks_follow_and_what_falls_due_is_done(sandbox, shop):
    card = shop.rails["sandbox-card"].bank
    day = card.business_date
    held = await shop.pay(5_000, capture_method=2)
    assert held.state == PaymentState.AUTHORIZED
    await advance(sandbox, step=step(days=8))
    assert (card.business_date - day).days == 8
    await shop.do_due()
    assert (await shop.payment(held.id)).released == 5_000


@pytest.mark.parametrize(
    ("code", "told"), [(0, "INSUFFICIENT_FUNDS"), (operation_pb2.RESULT_CODE_ACCOUNT_BLOCKED, "ACCOUNT_BLOCKED")]
)
async def test_a_bank_declines_as_it_was_told_and_only_as_often(sandbox, shop, code, told):
    answer = await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, decline_code=code)
    assert answer.scenario.remaining_count == 1
    assert answer.scenario.name.startswith("scenarios/scn-")
    declined, paid = await shop.pay(), await shop.pay()
    (operation,) = await shop.operations(declined.id)
    assert (operation.state, operation.code) == (OperationState.DECLINED, told)
    assert paid.state == PaymentState.CAPTURED
    assert await left(sandbox) == []


async def test_scenarios_take_effect_in_order_on_what_they_are_for(sandbox, shop):
    refund = operation_pb2.OPERATION_KIND_REFUND
    await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, operation_kinds=[refund])
    await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, instrument="another")
    await create(sandbox, Behaviour.BEHAVIOUR_PENDING_SUCCESS, count=2, delay=step(hours=1))
    await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, bank="sandbox-wallet")
    payment = await shop.pay()
    assert payment.state == PaymentState.REQUIRES_ACTION
    assert await left(sandbox, "sandbox-card") == [
        (Behaviour.BEHAVIOUR_DECLINED, 1), (Behaviour.BEHAVIOUR_DECLINED, 1), (Behaviour.BEHAVIOUR_PENDING_SUCCESS, 1),
    ]  # fmt: skip
    assert len(await left(sandbox)) == 4
    await advance(sandbox, step=step(hours=2))
    await shop.dispatcher.ask_now((await shop.operations(payment.id))[0])
    assert (await shop.payment(payment.id)).state == PaymentState.CAPTURED


async def test_a_scenario_is_made_once_and_a_reset_ends_all(sandbox, shop):
    request_id = asked()
    first = await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, request_id)
    again = await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, request_id)
    assert again.scenario == first.scenario
    assert again.replayed
    await sandbox.Reset(pb.ResetRequest(request_id=asked()), None)
    assert await left(sandbox) == []
    assert (await shop.pay()).state == PaymentState.CAPTURED
    after = await create(sandbox, Behaviour.BEHAVIOUR_DECLINED, request_id)
    assert after.scenario.remaining_count == 0


async def test_a_lost_request_is_found_by_asking_and_charged_once(sandbox, shop):
    await create(sandbox, Behaviour.BEHAVIOUR_REQUEST_LOST)
    payment = await shop.pay(7_000)
    assert payment.state == PaymentState.PROCESSING
    (operation,) = await shop.operations(payment.id)
    await shop.dispatcher.ask_now(operation)
    await shop.settle()
    await shop.dispatcher.ask_now(operation)
    await shop.settle()
    assert (await shop.payment(payment.id)).captured == 7_000
    assert await left(sandbox) == []


async def test_a_statement_is_wrong_where_it_was_told_to_be(sandbox, shop):
    bank = shop.rails["sandbox-card"].bank
    await create(sandbox, Behaviour.BEHAVIOUR_STATEMENT_MISSING)
    await create(sandbox, Behaviour.BEHAVIOUR_STATEMENT_AMOUNT, amount_delta_minor=5)
    for _ in range(3):
        await shop.pay(10_000)
    day = bank.business_date
    SandboxBank.advance(bank, days=1)
    amounts = [line.amount_minor for line in bank.statement(day, "CNY").lines]
    assert len(amounts) == 2
    assert amounts[0] == amounts[1] + 5


async def test_unknown_banks_and_behaviours_are_refused(sandbox):
    await refused(create(sandbox, Behaviour.BEHAVIOUR_DECLINED, bank="none"), Reason.RESOURCE_NOT_FOUND)
    await refused(create(sandbox, Behaviour.BEHAVIOUR_DOUBLED), Reason.UNSUPPORTED_BY_RAIL)
    await refused(create(sandbox, Behaviour.BEHAVIOUR_STATEMENT_AMOUNT), Reason.UNSUPPORTED_BY_RAIL)
    void = [operation_pb2.OPERATION_KIND_VOID]
    await refused(
        create(sandbox, Behaviour.BEHAVIOUR_PENDING_SUCCESS, operation_kinds=void), Reason.UNSUPPORTED_BY_RAIL
    )


@pytest.mark.parametrize(
    ("what", "state"),
    [(pb.TRIGGER_LATE_SUCCESS, PaymentState.CAPTURED), (pb.TRIGGER_LATE_DECLINE, PaymentState.REQUIRES_PAYMENT_METHOD)],
)
async def test_an_open_payment_is_decided_when_a_test_says_so_and_once(sandbox, shop, what, state):
    await create(sandbox, Behaviour.BEHAVIOUR_PENDING_SUCCESS, delay=step(days=20))
    payment = await shop.pay()
    assert payment.state == PaymentState.REQUIRES_ACTION
    request_id = asked()
    assert not (await trigger(sandbox, payment, what, request_id)).replayed
    assert (await shop.payment(payment.id)).state == state
    assert (await trigger(sandbox, payment, what, request_id)).replayed
    await refused(trigger(sandbox, payment, pb.TRIGGER_LATE_SUCCESS), Reason.ILLEGAL_TRANSITION)


async def test_a_trigger_that_is_repeated_decides_no_later_attempt(sandbox, shop):
    await create(sandbox, Behaviour.BEHAVIOUR_PENDING_SUCCESS, count=2, delay=step(days=20))
    payment, request_id = await shop.pay(), asked()
    await trigger(sandbox, payment, pb.TRIGGER_LATE_DECLINE, request_id)
    method = Method(shop.card.channel, shop.card.id, None, shop.card.bank, shop.card.token)
    await shop.run(ConfirmPayment(caller=ACME, payment=payment.id, method=method, received_us=shop.engine.wall()))
    await shop.settle()
    assert (await shop.payment(payment.id)).state == PaymentState.REQUIRES_ACTION
    assert (await trigger(sandbox, payment, pb.TRIGGER_LATE_DECLINE, request_id)).replayed
    await refused(trigger(sandbox, payment, pb.TRIGGER_LATE_SUCCESS, request_id), Reason.IDEMPOTENCY_MISMATCH)
    _, second = sorted(await shop.operations(payment.id), key=lambda operation: operation.number)
    (told,) = await shop.rails["sandbox-card"].query_many([second.id])
    assert told.outcome is OperationOutcome.PENDING


async def test_what_cannot_happen_is_refused_and_strangers_see_nothing(sandbox, shop):
    payment = await shop.pay()
    await refused(trigger(sandbox, payment, pb.TRIGGER_LATE_SUCCESS), Reason.ILLEGAL_TRANSITION)
    await refused(trigger(sandbox, payment, pb.TRIGGER_PAYOUT_RETURNED), Reason.ILLEGAL_TRANSITION)
    as_caller(OTHER)
    await refused(trigger(sandbox, payment, pb.TRIGGER_LATE_SUCCESS), Reason.NOT_OWNER)
    as_caller(ACME)
    unknown = payment._replace(id=bytes(16))
    await refused(trigger(sandbox, unknown, pb.TRIGGER_LATE_SUCCESS), Reason.RESOURCE_NOT_FOUND)


async def test_a_refund_comes_back_where_its_bank_had_not_decided(sandbox, shop):
    payment = await shop.pay()
    await create(sandbox, Behaviour.BEHAVIOUR_PENDING_SUCCESS, operation_kinds=[operation_pb2.OPERATION_KIND_REFUND])
    refund = await shop.refund(payment)
    name = payment_name(CAFE, refund.id).replace("payments/pay-", "refunds/ref-")
    request = pb.TriggerEventRequest(resource=name, request_id=asked(), trigger=pb.TRIGGER_REFUND_RETURNED)
    await sandbox.TriggerEvent(request, None)
    (operation,) = await shop.operations(refund.id)
    assert (operation.state, operation.code) == (OperationState.DECLINED, "ACCOUNT_CLOSED")


async def test_scenarios_are_listed_in_pages(sandbox):
    for _ in range(5):
        await create(sandbox, Behaviour.BEHAVIOUR_DECLINED)
    names, token = [], ""
    while True:
        answer = await sandbox.ListScenarios(pb.ListScenariosRequest(page_size=2, page_token=token), None)
        names += [scenario.name for scenario in answer.scenarios]
        token = answer.next_page_token
        if not token:
            break
    assert len(names) == 5
    assert names == sorted(set(names))


async def test_a_movement_that_no_operation_caused_is_booked_once_under_its_request_id(sandbox, shop):
    request = pb.PostBankEntryRequest(
        request_id=asked(), bank="sandbox-card", kind=statement_pb2.STATEMENT_LINE_KIND_TOP_UP, amount_minor=700,
        currency_code="CNY", text="OWN FUNDS",
    )  # fmt: skip
    replayed = [(await sandbox.PostBankEntry(request, None)).replayed for _ in range(2)]
    assert replayed == [False, True]
    day = shop.rails["sandbox-card"].bank.business_date
    await advance(sandbox, step=step(days=2))
    statement = await shop.rails["sandbox-card"].statement(day, "CNY")
    assert [(line.amount_minor, line.text) for line in statement.lines] == [(700, "OWN FUNDS")]
    request.bank, request.request_id = "nobody", asked()
    await refused(sandbox.PostBankEntry(request, None), Reason.RESOURCE_NOT_FOUND)
