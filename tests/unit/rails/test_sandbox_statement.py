"""A closed day's statement says what the bank did, unless a difference was ordered."""

from datetime import timedelta

import pytest

from keelpay_server.book.rail import StatementLineKind, StatementUnavailableError
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.magic import instrument_of

ACCOUNT = BankProfile(bank="sandbox-account", behaviour=Behaviour.ACCOUNT)


def told(statement):
    return [(line.kind.name, line.amount_minor, line.reference) for line in statement.lines]


def test_captures_are_stated_net_of_cost_and_refunds_and_payouts_whole(counter):
    payment = counter.authorize(10_000)
    taken = counter.capture(payment, 10_000)
    refund, payout = counter.refund(payment, 500), counter.pay(700)
    counter.authorize(5)
    counter.authorize(capture=True, instrument=instrument_of("do-not-honor"))
    statement = counter.close_day()
    assert taken.cost_minor == 45
    assert told(statement) == [
        ("CAPTURE_SETTLEMENT", 9955, taken.key), ("REFUND", -500, refund.key), ("PAYOUT", -700, payout.key),
    ]  # fmt: skip
    assert [line.line_number for line in statement.lines] == [1, 2, 3]
    assert (statement.opening_balance_minor, statement.closing_balance_minor, statement.number) == (0, 8755, 1)
    assert {line.date for line in statement.lines} == {taken.value_date}


def test_a_gross_bank_states_each_cost_as_a_fee(make_counter):
    counter = make_counter(ACCOUNT)
    payment = counter.authorize(10_000, capture=True)
    assert told(counter.close_day()) == [("CAPTURE_SETTLEMENT", 10_000, payment.key), ("FEE", -10, payment.key)]


def test_statements_follow_each_other_without_a_gap(counter):
    counter.authorize(1000, capture=True)
    first = counter.close_day()
    empty = counter.close_day()
    counter.pay(100)
    third = counter.close_day()
    assert [first.number, empty.number, third.number] == [1, 2, 3]
    assert empty.lines == ()
    assert first.closing_balance_minor == empty.opening_balance_minor == third.opening_balance_minor
    assert counter.bank.statement(first.date, "CNY") == first


def test_an_open_day_and_an_unknown_account_have_no_statement(counter):
    counter.authorize(capture=True)
    with pytest.raises(StatementUnavailableError, match="not closed"):
        counter.bank.statement(counter.bank.business_date, "CNY")
    day = counter.close_day().date
    with pytest.raises(StatementUnavailableError, match="no account"):
        counter.bank.statement(day, "USD")


def test_the_day_ends_by_the_clock_too_and_late_decisions_stand_on_their_own_day(counter):
    counter.authorize(capture=True)
    day = counter.bank.business_date
    counter.wait(12 * 3600 - 1)  # one second before midnight
    late = counter.authorize(2000, capture=True, instrument=instrument_of("pending-success"))
    counter.wait(3600)
    assert counter.query(late).value_date.toordinal() == day.toordinal() + 1
    assert len(counter.bank.statement(day, "CNY").lines) == 1
    assert [line.reference for line in counter.close_day().lines] == [late.key]


def test_a_payout_returned_before_its_line_leaves_no_trace(counter):
    payout = counter.pay(900, instrument=instrument_of("payout-returned-before-line"))
    assert payout.outcome.name == "SUCCEEDED"
    counter.wait(2)
    assert counter.query(payout).outcome.name == "RETURNED"
    assert told(counter.close_day()) == []


def test_a_payout_returned_after_its_line_comes_back_by_a_line(counter):
    payout = counter.pay(900, instrument=instrument_of("payout-returned-after-line"))
    assert told(counter.close_day()) == [("PAYOUT", -900, payout.key)]
    counter.wait(86_400)
    assert counter.query(payout).outcome.name == "RETURNED"
    back = counter.bank.statement(payout.value_date + timedelta(days=1), "CNY")
    assert told(back) == [("PAYOUT_RETURN", 900, payout.key)]
    assert back.closing_balance_minor == 0


def test_movements_without_an_operation_are_stated(counter):
    payment = counter.authorize(1000, capture=True)
    key = counter.bank.post_entry(StatementLineKind.TOP_UP, 5000, "CNY", text="capital")
    counter.bank.post_entry(StatementLineKind.CHARGEBACK, -1000, "CNY", operation_key=payment.key)
    lines = counter.close_day().lines
    assert [(line.kind.name, line.amount_minor) for line in lines] == [
        ("CAPTURE_SETTLEMENT", 996), ("TOP_UP", 5000), ("CHARGEBACK", -1000),
    ]  # fmt: skip
    assert (lines[1].natural_key, lines[1].text, lines[2].reference) == (key, "capital", payment.key)


@pytest.mark.parametrize(
    "difference,today,tomorrow",
    [
        ({"day_shift": None}, [], []),
        ({"day_shift": 1}, [], [996]),
        ({"twice": True}, [996, 996], []),
        ({"delta": 4}, [1000], []),
    ],
)
def test_an_ordered_difference_is_stated_and_the_statement_still_adds_up(counter, difference, today, tomorrow):
    payment = counter.authorize(1000, capture=True)
    assert counter.bank.misstate(payment.key, **difference)
    first, second = counter.close_day(), counter.close_day()
    assert [line.amount_minor for line in first.lines] == today
    assert [line.amount_minor for line in second.lines] == tomorrow
    assert len({line.natural_key for line in first.lines}) == len(today)
    for statement in (first, second):
        moved = sum(line.amount_minor for line in statement.lines)
        assert statement.opening_balance_minor + moved == statement.closing_balance_minor
    assert not counter.bank.misstate(payment.key, **difference)


def test_everything_answered_is_there_after_the_bank_comes_back(make_counter, tmp_path):
    path = tmp_path / "bank.sqlite"
    before = make_counter(path=path)
    payment = before.authorize(capture=True)
    pending = before.authorize(2000, capture=True, instrument=instrument_of("pending-success"))
    before.bank.advance(days=3)
    day = before.bank.business_date
    statement = before.bank.statement(payment.value_date, "CNY")
    before.bank.close()
    after = make_counter(path=path)
    assert after.bank.business_date == day
    assert after.query(payment) == payment
    assert after.query(pending).outcome.name == "SUCCEEDED"
    assert after.bank.statement(payment.value_date, "CNY") == statement
