"""Laws of the sandbox bank's page: a ticket cannot be guessed, and decides once, for whoever decided."""

import pytest

from keelpay_server.book.sandbox_bank import ChallengeState
from keelpay_server.rails.sandbox.challenge import ticket_of
from keelpay_server.rails.sandbox.magic import instrument_of

PAGE = "https://pay.example/sandbox-bank"
BACK = "https://shop.example/done"
MINE, THEIRS = "request-1", "request-2"


@pytest.fixture
def counter(make_counter):
    made = make_counter()
    made.bank._page = PAGE
    return made


def redirected(counter, **fields):
    fields = {"instrument": instrument_of("redirect"), "descriptor": "BLUE DOOR", "return_uri": BACK} | fields
    payment = counter.authorize(1250, **fields)
    return payment, payment.challenge_uri.removeprefix(f"{PAGE}#")


def answer(counter, ticket, request=MINE, *, approved=True):
    return counter.bank.answer_challenge(ticket, request, approved=approved)


def test_the_page_is_told_what_the_bank_was_asked(counter):
    _, ticket = redirected(counter)
    counter.wait(60)
    challenge = counter.bank.challenge(ticket)
    assert challenge._replace(state=challenge.state.name) == (
        "OPEN", "sandbox-card", "BLUE DOOR", 1250, "CNY", 840 * 1_000_000, BACK,
    )  # fmt: skip


def test_the_address_is_the_same_however_often_it_is_told(counter):
    payment, _ = redirected(counter, key=b"k" * 16)
    again, _ = redirected(counter, key=b"k" * 16)
    assert again.challenge_uri == payment.challenge_uri == counter.query(payment).challenge_uri


def test_without_a_page_the_address_says_that_nobody_is_there(make_counter):
    payment = make_counter().authorize(instrument=instrument_of("redirect"))
    assert payment.challenge_uri.startswith("https://bank.example/challenge/")


def test_who_knows_the_operation_does_not_know_the_ticket(make_counter, counter):
    payment, ticket = redirected(counter)
    others = make_counter()
    foreign = ticket_of(others.bank._store.secret, payment.key)
    for guess in (foreign, ticket[:-1] + ("A" if ticket[-1] != "A" else "E"), "A" * 43, ticket.swapcase()):
        assert not counter.bank.knows(guess)
        assert counter.bank.challenge(guess) is None
        assert answer(counter, guess) is None
    assert counter.bank.knows(ticket)


@pytest.mark.parametrize("approved,state", [(True, ChallengeState.APPROVED), (False, ChallengeState.REFUSED)])
def test_an_answer_counts_once_and_is_repeated_to_who_gave_it_alone(counter, said, approved, state):
    payment, ticket = redirected(counter)
    first = answer(counter, ticket, approved=approved)
    assert (first.challenge.state, first.replayed) == (state, False)
    again = answer(counter, ticket, approved=not approved)
    assert (again.challenge.state, again.replayed, again.result) == (state, True, first.result)
    assert answer(counter, ticket, THEIRS, approved=approved) is None
    assert counter.bank.challenge(ticket) is None
    assert said(counter.query(payment)) == (("SUCCEEDED", "") if approved else ("DECLINED", "REJECTED_BY_PAYER"))


def test_after_its_time_an_answer_decides_nothing_and_is_told_why(counter, said):
    payment, ticket = redirected(counter)
    counter.wait(901)
    assert counter.bank.challenge(ticket).state is ChallengeState.EXPIRED
    late = answer(counter, ticket)
    assert (late.challenge.state, late.result.code) == (ChallengeState.EXPIRED, "CHALLENGE_EXPIRED")
    assert said(counter.query(payment)) == ("DECLINED", "CHALLENGE_EXPIRED")


def test_what_was_called_off_meanwhile_cannot_be_approved(counter, said):
    payment, ticket = redirected(counter)
    counter.void(payment)
    assert counter.bank.challenge(ticket) is None
    assert answer(counter, ticket) is None
    assert said(counter.query(payment)) == ("FAILED", "ALREADY_VOIDED")


def test_a_ticket_and_its_answer_outlive_the_banks_process(make_counter, tmp_path):
    before = make_counter(path=tmp_path / "bank.sqlite")
    before.bank._page = PAGE
    _, ticket = redirected(before)
    answer(before, ticket)
    before.bank.close()
    after = make_counter(path=tmp_path / "bank.sqlite")
    assert answer(after, ticket).replayed
    assert answer(after, ticket, THEIRS) is None
