"""Each invariant is broken on purpose in an otherwise sound book, and exactly that finding must say so."""

from fractions import Fraction

import pytest

from keelpay_server.ledger.account import merchant_owed, payer_balance, refund_transit
from keelpay_server.ledger.fact import (
    AccountRow,
    Authority,
    Checkpoint,
    Head,
    OpenItem,
    PaymentFact,
    RequestFact,
)
from keelpay_server.ledger.finding import EXAMPLES_MAX, Invariant, Tally
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.invariant import Checker
from keelpay_server.ledger.leg import LegCode, Posting, leg
from keelpay_server.ledger.posting import bank, payment
from tests.property.ledger import facts
from tests.property.ledger.model_book import BOOK, ModelBook, link
from tests.property.ledger.walk import CNY
from tests.unit.ledger.checking import broken, read_journal

USD = 840
ANY_ID = bytes(16)
AT = {"bank": 1, "currency": CNY, "amount": 70}


def test_a_sound_book_has_no_fault_and_everything_was_looked_at(walk):
    findings = list(facts.check(walk).findings(walk.book.head_row()))
    assert [(finding.ok, finding.detail) for finding in findings] == [(True, "")] * 8
    assert all(finding.checked > 0 for finding in findings)


def test_an_empty_book_is_sound_and_says_that_nothing_was_checked():
    findings = list(Checker(BOOK, link).findings(Head(0, b"")))
    assert all(finding.ok and not finding.checked for finding in findings)


# ---- 1


@pytest.mark.parametrize("column", [1, 2, 3, 4])
def test_a_balance_that_is_not_the_sum_of_its_legs_is_found(walk, column):
    checker = Checker(BOOK, link)
    checker.journal(walk.book.batches)
    first, *others = walk.book.rows()
    values = list(first)
    values[column] += 1
    checker.accounts([AccountRow(*values), *others])
    assert Invariant.BALANCED in broken(checker, walk.book.head_row())


def test_a_missing_a_doubled_and_an_unknown_account_are_found(walk):
    rows = walk.book.rows()
    for changed in (rows[1:], [*rows, rows[0]], [*rows, AccountRow(255, 0, 0, 0, 0)]):
        checker = Checker(BOOK, link)
        checker.journal(walk.book.batches)
        checker.accounts(changed)
        assert Invariant.BALANCED in broken(checker, walk.book.head_row())


def test_a_leg_that_joins_two_currencies_is_found():
    book = ModelBook()
    book.apply(Posting(((merchant_owed(1, CNY), refund_transit(1, USD), 5, LegCode.REFUND),)))
    assert broken(read_journal(book.batches), book.head_row()) >= {Invariant.BALANCED}


@pytest.mark.parametrize("amount", [0, -5])
def test_a_leg_that_moves_nothing_or_backwards_is_found(amount):
    book = ModelBook()
    book.apply(Posting(((merchant_owed(1, CNY), merchant_owed(2, CNY), amount, LegCode.REFUND),)))
    assert Invariant.BALANCED in broken(read_journal(book.batches), book.head_row())


def test_accounts_that_are_not_stored_at_all_are_found(walk):
    checker = Checker(BOOK, link)
    checker.journal(walk.book.batches)
    assert Invariant.BALANCED in broken(checker, walk.book.head_row())


# ---- 2


def test_a_floored_account_below_zero_is_found_even_if_it_recovers():
    book = ModelBook()
    taken = leg(payer_balance(1, CNY), payer_balance(2, CNY), 5, LegCode.PAY)
    book.apply(bank.top_up(bank=1, payer=2, currency=CNY, amount=5))
    book.write(Posting((taken,)), (Authority(taken[0], 5, spent=True),))
    book.write(bank.top_up(bank=1, payer=1, currency=CNY, amount=5))
    checker = read_journal(book.batches)
    checker.payments([PaymentFact(ANY_ID, CNY, 5, 5, 0, 0)])
    assert broken(checker, book.head_row()) == {Invariant.FLOORED}


def test_the_bank_reserve_has_its_floor_on_the_other_side_even_if_it_recovers():
    book = ModelBook()
    book.write(Posting(tuple((credit, debit, n, code) for debit, credit, n, code in bank.surplus(**AT).legs)))
    book.write(bank.surplus(**AT))
    assert broken(read_journal(book.batches), book.head_row()) == {Invariant.FLOORED}


def test_a_hold_that_is_missing_too_much_or_out_of_its_bounds_is_found(walk):
    sound = facts.check(walk)
    some = next(one for one in facts.holds(walk) if one.rest)
    for extra in (some, Hold(some.debit, some.credit, 5, captured=6), Hold(some.debit, some.credit, 5, -1, 6)):
        checker = facts.check(walk)
        checker.holds([extra])
        assert broken(checker, walk.book.head_row()) == {Invariant.FLOORED}
    assert broken(sound, walk.book.head_row()) == set()


# ---- 3


@pytest.mark.parametrize(
    ("authorized", "captured", "refunded", "refund_pending"),
    [(10, 11, 0, 0), (10, 5, 6, 0), (10, 5, 3, 3), (10, 5, -1, 3), (10, 5, 3, -1), (10, 0, 0, 0)],
)
def test_a_payment_out_of_its_bounds_or_without_its_legs_is_found(authorized, captured, refunded, refund_pending):
    book = ModelBook()
    hold = payment.hold_bank(bank=1, merchant=2, window=1, currency=CNY, amount=5)
    book.apply(payment.authorize(hold))
    book.apply(payment.capture(hold, hold.capture(5), window=1))
    checker = read_journal(book.batches)
    checker.payments([PaymentFact(ANY_ID, CNY, authorized, captured, refunded, refund_pending)])
    assert broken(checker, book.head_row()) == {Invariant.BOUNDED}


# ---- 4


def test_money_in_transit_that_nothing_explains_is_found(walk):
    for account in (refund_transit(21, CNY), refund_transit(99, CNY)):
        checker = facts.check(walk)
        checker.open_items([OpenItem(account, 1)])
        assert broken(checker, walk.book.head_row()) == {Invariant.EXPLAINED}


# ---- 5


def covered_book():
    """CNY lacks 30 (a cost paid with payers' money), USD has 10 to spare."""
    book = ModelBook()
    book.apply(bank.top_up(bank=1, payer=1, currency=CNY, amount=100))
    book.apply(payment.bank_cost(bank=1, currency=CNY, amount=30))
    book.apply(bank.capital(bank=1, currency=USD, amount=10))
    return book


@pytest.mark.parametrize(
    ("rates", "faults"),
    [
        ({}, {Invariant.COVERED}),
        ({CNY: Fraction(1), USD: Fraction(3)}, set()),
        ({CNY: Fraction(1), USD: Fraction(29, 10)}, {Invariant.COVERED}),
        ({USD: Fraction(1000)}, {Invariant.COVERED}),
    ],
)
def test_what_we_owe_must_be_covered_at_the_stated_rates(rates, faults):
    book = covered_book()
    assert broken(read_journal(book.batches), book.head_row(), rates=rates) == faults


def test_what_is_short_is_told_as_people_read_it():
    book = covered_book()
    (finding,) = [each for each in read_journal(book.batches).findings(book.head_row()) if not each.ok]
    assert finding.detail == "0.30 CNY more is owed than there is"


# ---- 7


@pytest.mark.parametrize(
    ("entities", "refused", "sound"),
    [(1, False, True), (0, True, True), (1, True, True), (0, False, False), (2, False, False)],
)
def test_an_acknowledged_request_exists_exactly_once(walk, entities, refused, sound):
    checker = facts.check(walk)
    checker.requests([RequestFact(ANY_ID, refused, entities)])
    assert broken(checker, walk.book.head_row()) == (set() if sound else {Invariant.ACKNOWLEDGED})


# ---- checkpoints and findings


def test_a_checkpoint_with_a_wrong_balance_is_found_later(walk):
    checkpoint = facts.check(walk).checkpoint()
    balances = dict(checkpoint.balances)
    balances[next(iter(balances))] = (1, 2, 3, 4)
    checker = facts.check(walk, Checkpoint(checkpoint.head, balances, checkpoint.captured))
    assert broken(checker, walk.book.head_row()) == {Invariant.BALANCED}


def test_a_finding_describes_the_first_faults_and_counts_the_others():
    tally = Tally(Invariant.BOUNDED)
    for n in range(EXAMPLES_MAX + 3):
        tally.fault(f"fault {n}")
    detail = tally.finding().detail
    assert detail.startswith("fault 0; fault 1; ")
    assert detail.endswith("fault 9; and 3 more")
