"""Refunds through the real engine, sandbox banks and books; the checker runs after each test."""

import pytest

from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.operation import OperationKind, OperationState
from keelpay_server.gateway.refund import LagCause, Refund, RefundSource, RefundState
from keelpay_server.gateway.refund_advance import NO_FUNDS, NOT_REROUTED, refund_handlers
from keelpay_server.gateway.refund_commands import CancelRefund, CreateRefund, RerouteRefund
from keelpay_server.gateway.refund_progress import RETRY_S
from keelpay_server.gateway.stray import Stray

from .shop import ACME, CAFE, DAY, POLICY, SECOND, Put

_S = RefundState


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason
    return refusal.value


async def test_a_refund_to_a_card_ends_when_the_bank_has_done_it(shop):
    payment = await shop.pay(10_000)
    refund = await shop.refund(payment, 4_000)
    assert (refund.state, refund.from_fee, refund.in_transit, refund.operation) == (_S.SUCCEEDED, 40, 4_000, None)
    payment = await shop.payment(payment.id)
    assert (payment.refund_pending, payment.refunded) == (0, 4_000)
    assert await shop.work(refund.id) is None


async def test_a_submitted_refund_has_its_operation_on_disk_with_the_original(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment)
    (asked,) = await shop.operations(refund.id)
    assert (refund.state, asked.kind, asked.original) == (_S.SUBMITTED, OperationKind.REFUND, payment.authorization)
    assert (await shop.payment(payment.id)).refund_pending == 10_000


async def test_many_refunds_give_the_whole_fee_back_and_no_more(shop):
    payment = await shop.pay(9_999)
    parts = [await shop.refund(payment, amount) for amount in (3_333, 3_333, 3_333)]
    assert sum(part.from_fee for part in parts) == payment.fee == 100
    assert (await shop.payment(payment.id)).refundable == 0


async def test_a_refund_beyond_what_is_captured_changes_nothing(shop):
    payment = await shop.pay(10_000)
    await shop.refund(payment, 6_000)
    refusal = await refused(shop.refund(payment, 4_001), Reason.REFUND_EXCEEDS_CAPTURED)
    assert refusal.metadata == {"refundable_minor": "4000"}
    assert refusal.message == "40.01 CNY was asked for, 40.00 CNY can be refunded"
    assert (await shop.payment(payment.id)).refunded == 6_000
    await shop.refund(payment)
    assert (await refused(shop.refund(payment), Reason.REFUND_EXCEEDS_CAPTURED)).message == "nothing is left to refund"


async def test_a_refund_in_another_currency_is_refused(shop):
    payment = await shop.pay()
    await refused(shop.refund(payment, 1, currency="USD"), Reason.CURRENCY_MISMATCH)


async def test_a_number_names_one_refund_and_a_repeat_answers_with_it(shop):
    payment = await shop.pay(10_000)

    def ask(name, amount, number="r-once"):
        return CreateRefund(
            request=shop.asked(name), caller=ACME, merchant=CAFE, number=number, payment=payment.id, amount=amount,
            policy=POLICY,
        )  # fmt: skip

    first = await shop.engine.execute(ask("one", 100))
    again = await shop.engine.execute(ask("one", 100))
    assert (again.key, again.replayed) == (first.row.id, True)
    await refused(shop.engine.execute(ask("two", 100)), Reason.MERCHANT_NUMBER_TAKEN)
    await shop.settle()
    assert (await shop.payment(payment.id)).refunded == 100


async def test_a_refund_to_a_balance_is_done_in_one_commit(shop):
    await shop.fill(100_000)
    payment = await shop.pay_from_balance(30_000)
    assert await shop.held() == (70_000, 0)
    outcome = await shop.engine.execute(
        CreateRefund(caller=ACME, merchant=CAFE, number="r", payment=payment.id, amount=20_000, policy=POLICY)
    )
    refund = outcome.row
    assert (refund.state, refund.in_transit, refund.operations) == (_S.SUCCEEDED, 0, 0)
    assert refund.due_time - refund.create_time <= 61 * SECOND
    assert await shop.held() == (90_000, 0)
    assert "refund.succeeded" in await shop.events()


async def test_an_unknown_outcome_is_asked_for_and_never_sent_twice(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-timeout"))
    refund = await shop.refund(payment)
    assert refund.state == _S.SUBMITTED
    (asked,) = await shop.operations(refund.id)
    assert asked.state == OperationState.UNKNOWN
    await shop.dispatcher.ask_now(asked)
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED
    assert len(await shop.operations(refund.id)) == 1


async def test_a_closed_account_makes_a_refund_abnormal_and_the_balance_takes_it(shop):
    refund = await abnormal(shop)
    assert refund.code == "ACCOUNT_CLOSED"
    assert (refund.in_transit, (await shop.payment(refund.payment)).refund_pending) == (10_000, 10_000)
    done = await shop.run(RerouteRefund(refund=refund.id))
    assert (done.state, done.channel, done.bank, done.in_transit) == (_S.SUCCEEDED, 2, "", 0)
    assert await shop.held() == (10_000, 0)
    assert (await shop.payment(refund.payment)).refunded == 10_000


async def test_a_refund_is_rerouted_to_another_card_at_the_same_bank(shop):
    refund = await abnormal(shop)
    other = await shop.instrument("other-card")
    sent = await shop.run(RerouteRefund(refund=refund.id, instrument=other.id))
    await shop.settle()
    assert (sent.state, sent.instrument) == (_S.SUBMITTED, other.id)
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED
    first, second = await shop.operations(refund.id)
    assert (second.kind, second.token, second.original) == (OperationKind.REFUND, "other-card", first.original)


async def test_a_refund_is_rerouted_to_another_bank_and_its_money_with_it(shop):
    refund = await abnormal(shop)
    wallet = await shop.instrument("a-wallet", bank="sandbox-wallet", channel=1)
    await shop.run(RerouteRefund(refund=refund.id, instrument=wallet.id))
    await shop.settle()
    refund = await shop.get(Refund, refund.id)
    old, new = await shop.bank(), await shop.bank("sandbox-wallet")
    assert (refund.state, refund.transit) == (_S.SUCCEEDED, new.number)
    assert (await shop.balance(old.refund_transit("CNY")), await shop.balance(new.refund_transit("CNY"))) == (
        (0, 0), (10_000, 0),
    )  # fmt: skip
    assert (await shop.operations(refund.id))[1].kind == OperationKind.PAY


async def test_only_an_abnormal_refund_is_rerouted_and_only_to_the_same_payer(shop):
    refund = await abnormal(shop)
    strange = await shop.instrument("card", payer="acme/ben")
    await refused(shop.run(RerouteRefund(refund=refund.id, instrument=strange.id)), Reason.RESOURCE_NOT_FOUND)
    removed = await shop.instrument("card", state=2)
    await refused(shop.run(RerouteRefund(refund=refund.id, instrument=removed.id)), Reason.INSTRUMENT_NOT_USABLE)
    done = await shop.refund(await shop.pay(500))
    await refused(shop.run(RerouteRefund(refund=done.id)), Reason.ILLEGAL_TRANSITION)


async def test_an_abnormal_refund_that_nobody_reroutes_goes_back_to_the_merchant(shop):
    refund = await abnormal(shop)
    before = await merchant_money(shop)
    await shop.advance(8 * DAY)
    late = await shop.get(Refund, refund.id)
    assert (late.state, late.lagging, late.lag_cause) == (_S.ABNORMAL, True, LagCause.PAYER_ACCOUNT)
    await shop.advance(32 * DAY)
    failed = await shop.get(Refund, refund.id)
    assert (failed.state, failed.code, failed.in_transit) == (_S.FAILED, NOT_REROUTED, 0)
    assert await merchant_money(shop) - before == 10_000 - refund.from_fee
    assert (await shop.payment(refund.payment)).refundable == 10_000
    assert await shop.work(refund.id) is None


async def test_a_refund_waits_for_the_merchants_money_and_goes_on_when_it_comes(shop):
    shop.policy = POLICY._replace(return_fee=False)
    shop.handlers.update(waiting_handlers(shop))
    payment = await shop.pay(10_000)
    refund = await shop.refund(payment)
    assert (refund.state, refund.owner, refund.held) == (_S.CREATED, 0, False)
    await shop.advance(8 * DAY)
    late = await shop.get(Refund, refund.id)
    assert (late.state, late.lagging, late.lag_cause) == (_S.CREATED, True, LagCause.MERCHANT_FUNDS)
    await shop.pay(10_000)
    await shop.advance(3600 * SECOND)
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED


async def test_a_refund_that_never_finds_its_money_fails(shop):
    shop.policy = POLICY._replace(return_fee=False)
    shop.handlers.update(waiting_handlers(shop))
    payment = await shop.pay(10_000)
    refund = await shop.refund(payment)
    await shop.advance(40 * DAY)
    refund = await shop.get(Refund, refund.id)
    assert (refund.state, refund.code) == (_S.FAILED, NO_FUNDS)
    assert (await shop.payment(payment.id)).refund_pending == 0


async def test_by_policy_the_merchant_owes_what_is_missing(shop):
    shop.policy = POLICY._replace(return_fee=False, may_owe=True)
    refund = await shop.refund(await shop.pay(10_000))
    assert (refund.state, refund.from_unsettled, refund.from_owed) == (_S.SUCCEEDED, 9_900, 100)


async def test_a_waiting_refund_can_be_called_off_and_a_sent_one_cannot(shop):
    shop.policy = POLICY._replace(return_fee=False)
    payment = await shop.pay(10_000)
    waiting = await shop.refund(payment)
    ended = await shop.run(CancelRefund(refund=waiting.id))
    assert (ended.state, await shop.work(waiting.id)) == (_S.CANCELLED, None)
    assert (await shop.payment(payment.id)).refundable == 10_000
    sent = await shop.refund(payment, 5_000)
    await refused(shop.run(CancelRefund(refund=sent.id)), Reason.ILLEGAL_TRANSITION)


async def test_a_refund_is_reserved_while_its_payment_is_at_the_bank_and_sent_afterwards(shop):
    payment = await shop.pay(10_000)
    await shop.run(Put(rows=(payment._replace(operation=payment.authorization),)))
    first, second = await shop.refund(payment, 1_000), await shop.refund(payment, 2_000)
    assert (first.state, first.held, first.operations) == (_S.RESERVED, True, 0)
    await shop.run(CancelRefund(refund=second.id))
    assert await shop.audit() == []
    busy = await shop.payment(payment.id)
    await shop.run(Put(rows=(busy._replace(operation=None),)))
    await shop.advance(5 * SECOND)
    assert (await shop.get(Refund, first.id)).state == _S.SUCCEEDED
    assert (await shop.payment(payment.id)).refunded == 1_000


async def test_a_refund_the_bank_cannot_process_is_sent_again_with_a_new_key_then_fails(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    before = await merchant_money(shop)
    refund = await shop.refund(payment, 1_000)
    for delay_s in (*RETRY_S, 0):
        asked = (await shop.operations(refund.id))[-1]
        await shop.answer(asked, OperationOutcome.FAILED, "PROCESSING_ERROR")
        assert (await shop.get(Refund, refund.id)).operation is None
        await shop.advance(delay_s * SECOND)
    refund = await shop.get(Refund, refund.id)
    operations = await shop.operations(refund.id)
    assert (refund.state, refund.code) == (_S.FAILED, "PROCESSING_ERROR")
    assert [operation.number for operation in operations] == [1, 2, 3, 4, 5, 6, 7]
    assert len({operation.id for operation in operations}) == 7
    assert await merchant_money(shop) == before
    assert (await shop.payment(payment.id)).refundable == 10_000


async def test_a_refund_succeeds_at_its_second_try(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment, 1_000)
    await shop.answer((await shop.operations(refund.id))[0], OperationOutcome.FAILED, "PROCESSING_ERROR")
    await shop.advance(RETRY_S[0] * SECOND)
    second = (await shop.operations(refund.id))[1]
    await shop.answer(second, OperationOutcome.SUCCEEDED, cost=3)
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED


async def test_a_decline_that_is_not_the_accounts_fault_fails_the_refund(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment)
    (asked,) = await shop.operations(refund.id)
    await shop.answer(asked, OperationOutcome.DECLINED, "DO_NOT_HONOR")
    assert (await shop.get(Refund, refund.id)).state == _S.FAILED


async def test_a_failed_refund_of_a_settled_window_is_available_at_once(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment, 4_000)
    await shop.close_window()
    merchant = await shop.merchant()
    before, _ = await shop.balance(merchant.available())
    await shop.answer((await shop.operations(refund.id))[0], OperationOutcome.DECLINED, "DO_NOT_HONOR")
    assert (await shop.balance(merchant.available()))[0] - before == 4_000 - refund.from_fee


async def test_a_silent_bank_makes_a_refund_late_and_success_stays_late(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment)
    await shop.advance(8 * DAY)
    late = await shop.get(Refund, refund.id)
    assert (late.lagging, late.lag_cause) == (True, LagCause.BANK)
    assert await shop.work(refund.id) is None
    await shop.answer((await shop.operations(refund.id))[0], OperationOutcome.SUCCEEDED)
    done = await shop.get(Refund, refund.id)
    assert (done.state, done.lagging, done.lag_cause) == (_S.SUCCEEDED, True, LagCause.BANK)
    assert (await shop.events()).count("refund.lagging") == 1


async def test_a_bank_that_sends_what_it_declined_has_sent_it(shop):
    refund = await abnormal(shop)
    await shop.answer((await shop.operations(refund.id))[0], OperationOutcome.SUCCEEDED)
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED


async def test_a_refund_that_was_sent_after_it_had_failed_is_an_open_item(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-pending"))
    refund = await shop.refund(payment)
    (asked,) = await shop.operations(refund.id)
    await shop.answer(asked, OperationOutcome.DECLINED, "DO_NOT_HONOR")
    await shop.answer(asked, OperationOutcome.SUCCEEDED)
    refund = await shop.get(Refund, refund.id)
    stray = await shop.get(Stray, asked.id)
    assert (refund.state, refund.in_transit, refund.in_suspense) == (_S.FAILED, 0, 0)
    assert (stray.in_transit, stray.in_suspense) == (10_000, -10_000)


async def test_a_late_success_goes_back_to_the_payer_and_touches_no_merchant(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-late-decline"))
    (asked,) = await shop.operations(payment.id)
    await shop.answer(asked, OperationOutcome.DECLINED, "DO_NOT_HONOR")
    before = await merchant_money(shop)
    await shop.answer(asked, OperationOutcome.SUCCEEDED)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert (refund.source, refund.amount, refund.number) == (RefundSource.SUSPENSE, 10_000, "")
    assert await merchant_money(shop) == before
    payment = await shop.payment(payment.id)
    assert (payment.captured, payment.refunded, payment.refund_pending) == (0, 0, 0)


async def test_a_suspense_refund_that_fails_waits_in_suspense(shop):
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-pending-for-ever"))
    (asked,) = await shop.operations(payment.id)
    await shop.answer(asked, OperationOutcome.DECLINED, "DO_NOT_HONOR")
    await shop.answer(asked, OperationOutcome.SUCCEEDED)
    (refund,) = await shop.reader.find(Refund, {"payment": payment.id})
    assert (refund.state, refund.in_transit, refund.in_suspense) == (_S.FAILED, 0, 10_000)
    assert refund.code == "ORIGINAL_NOT_FOUND"  # whatever the bank had said


async def abnormal(shop):
    """A refund of 10,000 whose payer's account is closed."""
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-account-closed"))
    refund = await shop.refund(payment)
    assert refund.state == _S.ABNORMAL
    return refund


async def merchant_money(shop):
    """Everything the merchant has, less what it owes."""
    merchant = await shop.merchant()
    numbers = [merchant.available(), merchant.owed()]
    numbers += [merchant.unsettled(window) for window in range(1, merchant.window_opened + 1)]
    return sum([(await shop.balance(number))[0] - (await shop.balance(number))[1] for number in numbers])


def waiting_handlers(shop):
    """The work of refunds under the shop's policy of now."""
    return refund_handlers(shop.engine, shop.policy)
