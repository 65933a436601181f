"""The sandbox bank is as strict as a real one."""

import pytest

from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.magic import instrument_of

ACCOUNT = BankProfile(bank="sandbox-account", behaviour=Behaviour.ACCOUNT)
WALLET = BankProfile(bank="sandbox-wallet", behaviour=Behaviour.WALLET)


def test_a_key_seen_before_is_answered_with_what_became_of_it(counter, said):
    first = counter.authorize(key=bytes(16))
    assert counter.authorize(key=bytes(16)) == first
    assert said(counter.authorize(2000, key=bytes(16))) == ("MISMATCH", "MISMATCH")
    assert counter.query(first) == first


def test_declines_are_remembered(counter, said):
    first = counter.authorize(instrument=instrument_of("stolen-instrument"))
    assert said(first) == ("DECLINED", "STOLEN_INSTRUMENT")
    assert counter.query(first) == first


def test_a_request_without_a_proper_key_leaves_nothing_behind(counter, said):
    assert said(counter.authorize(key=b"short")) == ("FAILED", "INVALID_REQUEST")
    assert said(counter.bank.query([b"short"])[0]) == ("NOT_FOUND", "")


@pytest.mark.parametrize(
    "fields,code",
    [
        ({"amount": 0}, "INVALID_REQUEST"),
        ({"amount": -5}, "INVALID_REQUEST"),
        ({"currency": "XXX"}, "UNSUPPORTED"),
        ({"instrument": ""}, "INVALID_REQUEST"),
    ],
)
def test_requests_that_nobody_could_carry_out_fail(counter, said, fields, code):
    assert said(counter.authorize(**fields)) == ("FAILED", code)


def test_captures_never_exceed_the_authorization(counter, said):
    payment = counter.authorize()
    assert said(counter.capture(payment, 1001)) == ("FAILED", "AMOUNT_EXCEEDS_AUTHORIZED")
    assert said(counter.capture(payment, 600)) == ("SUCCEEDED", "")
    assert said(counter.capture(payment, 401)) == ("FAILED", "AMOUNT_EXCEEDS_AUTHORIZED")
    assert said(counter.capture(payment, 400)) == ("SUCCEEDED", "")
    assert said(counter.void(payment)) == ("FAILED", "ALREADY_CAPTURED")


def test_a_void_after_a_part_gives_back_the_rest_alone(counter, said):
    payment = counter.authorize()
    counter.capture(payment, 600)
    void = counter.void(payment)
    assert (said(void), void.amount_minor) == (("SUCCEEDED", ""), 400)
    assert said(counter.capture(payment, 1)) == ("FAILED", "AMOUNT_EXCEEDS_AUTHORIZED")
    assert said(counter.refund(payment, 600)) == ("SUCCEEDED", "")


def test_a_voided_authorization_takes_no_capture_and_a_second_void_gives_nothing(counter, said):
    payment = counter.authorize()
    assert counter.void(payment).amount_minor == 1000
    assert said(counter.capture(payment)) == ("FAILED", "ALREADY_VOIDED")
    again = counter.void(payment)
    assert (said(again), again.amount_minor) == (("SUCCEEDED", ""), 0)


def test_an_unknown_authorization_is_fenced_by_its_void(counter, said):
    key = b"late".rjust(16)
    assert said(counter.ask("VOID", original_key=key).result) == ("SUCCEEDED", "")
    assert said(counter.authorize(key=key)) == ("FAILED", "ALREADY_VOIDED")
    assert said(counter.bank.query([key])[0]) == ("FAILED", "ALREADY_VOIDED")


def test_refunds_pending_ones_included_never_exceed_the_capture(counter, said):
    payment = counter.authorize(capture=True)
    pending = counter.refund(payment, 700, instrument=instrument_of("pending-decline"))
    assert said(pending) == ("PENDING", "")
    assert said(counter.refund(payment, 301)) == ("FAILED", "AMOUNT_EXCEEDS_CAPTURED")
    counter.wait(2)
    assert said(counter.query(pending)) == ("DECLINED", "DO_NOT_HONOR")
    assert said(counter.refund(payment, 1000)) == ("SUCCEEDED", "")
    assert said(counter.refund(payment, 1)) == ("FAILED", "AMOUNT_EXCEEDS_CAPTURED")


def test_a_closed_account_declines_the_refund_until_it_goes_another_way(counter, said):
    payment = counter.authorize(capture=True, instrument=instrument_of("refund-account-closed"))
    assert said(counter.refund(payment)) == ("DECLINED", "ACCOUNT_CLOSED")
    assert said(counter.refund(payment, instrument="tok-other")) == ("SUCCEEDED", "")


def test_a_reservation_ends_with_its_hold(counter, said):
    payment = counter.authorize()
    counter.wait(7 * 86_400 + 1)
    assert said(counter.capture(payment)) == ("FAILED", "AUTHORIZATION_EXPIRED")


def test_payments_out_and_refunds_stop_at_the_reserve(make_counter, said):
    counter = make_counter(BankProfile(overdraft_minor=0))
    assert said(counter.pay(1)) == ("FAILED", "RESERVE_INSUFFICIENT")
    payment = counter.authorize(capture=True)
    assert said(counter.refund(payment, 1000)) == ("FAILED", "RESERVE_INSUFFICIENT")
    assert said(counter.pay(996)) == ("SUCCEEDED", "")
    assert said(counter.pay(1)) == ("FAILED", "RESERVE_INSUFFICIENT")


def test_the_account_bank_takes_money_at_once_or_not_at_all(make_counter, said):
    counter = make_counter(ACCOUNT)
    assert said(counter.authorize()) == ("FAILED", "UNSUPPORTED")
    assert said(counter.authorize(capture=True)) == ("SUCCEEDED", "")


def test_the_wallet_captures_once(make_counter, said):
    counter = make_counter(WALLET)
    payment = counter.authorize()
    assert said(counter.capture(payment, 600)) == ("SUCCEEDED", "")
    assert said(counter.capture(payment, 400)) == ("FAILED", "UNSUPPORTED")


def test_a_wallet_payment_waits_for_the_app(make_counter, said):
    counter = make_counter(WALLET)
    payment = counter.authorize(capture=True, instrument=instrument_of("app-approval"))
    assert said(payment) == ("PENDING", "")
    assert payment.challenge.name == "APP_APPROVAL"
    assert payment.challenge_uri.startswith("sandbox-wallet://approve/")
    counter.wait(1)
    assert said(counter.query(payment)) == ("PENDING", "")
    counter.wait(1)
    assert said(counter.query(payment)) == ("SUCCEEDED", "")
    assert said(counter.refund(payment)) == ("SUCCEEDED", "")


@pytest.mark.parametrize(
    "payload,outcome", [(b"approve", ("SUCCEEDED", "")), (b"reject", ("DECLINED", "REJECTED_BY_PAYER"))]
)
def test_a_redirected_payer_decides_once(counter, said, payload, outcome):
    payment = counter.authorize(instrument=instrument_of("redirect"))
    assert payment.challenge_uri.startswith("https://")
    assert said(counter.bank.resume(payment.key, payload)) == outcome
    assert said(counter.bank.resume(payment.key, b"reject")) == outcome
    counter.wait(1000)
    assert said(counter.query(payment)) == outcome


def test_a_redirect_expires(counter, said):
    payment = counter.authorize(instrument=instrument_of("redirect"))
    counter.wait(901)
    assert said(counter.bank.resume(payment.key, b"approve")) == ("DECLINED", "CHALLENGE_EXPIRED")
    assert said(counter.bank.resume(bytes(16), b"approve")) == ("NOT_FOUND", "")


def test_a_voided_pending_operation_never_succeeds(counter, said):
    payment = counter.authorize(capture=True, instrument=instrument_of("pending-success"))
    assert said(counter.void(payment)) == ("SUCCEEDED", "")
    counter.wait(10)
    assert said(counter.query(payment)) == ("FAILED", "ALREADY_VOIDED")
    assert counter.bank.business_date
    with pytest.raises(Exception, match="no account"):
        counter.close_day()


def test_silent_and_contradicted_operations_are_carried_out(counter, said):
    silent = counter.ask("AUTHORIZE", amount_minor=9_990_016, currency="CNY", instrument="tok-x")
    assert silent.silent
    assert said(counter.query(silent.result)) == ("SUCCEEDED", "")
    lied = counter.authorize(9_990_020)
    assert said(lied) == ("FAILED", "PROCESSING_ERROR")
    assert said(counter.query(lied)) == ("SUCCEEDED", "")


def test_a_lost_request_is_carried_out_when_it_is_sent_again(counter, said):
    key = counter.key()
    lost = counter.ask("AUTHORIZE", key=key, amount_minor=9_990_017, currency="CNY", instrument="tok-x")
    assert lost.silent
    assert said(counter.query(lost.result)) == ("NOT_FOUND", "")
    assert said(counter.authorize(9_990_017, key=key)) == ("SUCCEEDED", "")


def test_an_ordered_scenario_befalls_the_next_operations_it_can_befall(counter, said):
    payment = counter.authorize()
    counter.bank.force("insufficient-funds", 2)
    assert said(counter.capture(payment)) == ("SUCCEEDED", "")
    assert said(counter.authorize())[0] == "DECLINED"
    assert said(counter.authorize())[0] == "DECLINED"
    assert said(counter.authorize())[0] == "SUCCEEDED"
    with pytest.raises(KeyError):
        counter.bank.force("no-such-scenario", 1)


def test_the_bank_tells_late_decisions_and_closed_days_until_told_is_taken(counter):
    payment = counter.authorize(capture=True, instrument=instrument_of("pending-success"))
    assert counter.bank.notices(10) == []
    counter.wait(2)
    ((notice, result),) = counter.bank.notices(10)
    assert (result.key, result.outcome.name) == (payment.key, "SUCCEEDED")
    counter.bank.drop_notice(notice.id)
    counter.bank.advance(days=1)
    ((closed, nothing),) = counter.bank.notices(10)
    assert (closed.currency, nothing) == ("CNY", None)
