"""What only the journal can show: its chain, its order, and who agreed to the debits of payers."""

import pytest

from keelpay_server.ledger.account import payer_balance
from keelpay_server.ledger.fact import Authority, Head, PaymentFact
from keelpay_server.ledger.finding import Invariant
from keelpay_server.ledger.leg import LegCode, Posting, leg
from keelpay_server.ledger.posting import bank, payment
from tests.property.ledger.model_book import BOOK, ModelBook, link
from tests.property.ledger.walk import CNY
from tests.unit.ledger.checking import broken, read_journal

USD = 840
ANY_ID = bytes(16)
MINE, STRANGERS = payer_balance(1, CNY), payer_balance(2, CNY)


def test_a_gap_in_the_journal_is_found(walk):
    batches = walk.book.batches
    assert Invariant.CHAINED in broken(read_journal(batches[:5] + batches[6:]), walk.book.head_row())


def test_a_gap_is_found_even_where_the_links_were_made_to_fit(walk):
    head, batches = b"", []
    for batch in (*walk.book.batches[:5], *walk.book.batches[6:]):
        head = link(head, BOOK, *batch[:5])
        batches.append(batch._replace(link=head))
    last = walk.book.batches[-1].last
    assert Invariant.CHAINED in broken(read_journal(batches), Head(last, head))


def test_a_changed_body_is_found_once(walk):
    batches = list(walk.book.batches)
    batches[5] = batches[5]._replace(body=batches[5].body + b" ")
    findings = list(read_journal(batches).findings(walk.book.head_row()))
    chained = findings[Invariant.CHAINED - 1]
    assert chained.detail == f"the link of event {batches[5].first} to {batches[5].last} does not fit"


def test_a_lost_end_of_the_journal_is_found(walk):
    assert Invariant.CHAINED in broken(read_journal(walk.book.batches[:-1]), walk.book.head_row())


def test_a_leg_without_an_event_or_out_of_its_place_is_found(walk):
    index = next(i for i, batch in enumerate(walk.book.batches) if len(batch.legs) > 1 and batch.legs[1].n != 0)
    batch = walk.book.batches[index]
    first, second, *others = batch.legs
    for legs in (
        (second, first, *others),
        (second, *others),
        (first._replace(sequence=batch.last + 1), second, *others),
        (first._replace(sequence=batch.first - 1), second, *others),
    ):
        batches = [*walk.book.batches[:index], batch._replace(legs=legs), *walk.book.batches[index + 1 :]]
        assert Invariant.CHAINED in broken(read_journal(batches), walk.book.head_row())


def test_an_event_that_is_not_numbered_is_found(walk):
    batches = list(walk.book.batches)
    sound = batches[5].events
    for events in ((), sound[1:], (*sound, sound[-1]), sound[::-1], (sound[0], sound[0], *sound[2:])):
        batches[5] = batches[5]._replace(events=events)
        assert Invariant.CHAINED in broken(read_journal(batches), walk.book.head_row())


def test_stored_leg_rows_are_compared_with_the_journal(walk):
    rows = walk.book.leg_rows_since(0)
    assert Invariant.CHAINED not in broken(read_journal(walk.book.batches, rows), walk.book.head_row())
    for changed in (rows[:-1], rows[1:], [*rows, rows[-1]], [rows[0]._replace(amount=1), *rows[1:]]):
        assert Invariant.CHAINED in broken(read_journal(walk.book.batches, changed), walk.book.head_row())


@pytest.mark.parametrize(
    ("authorities", "sound"),
    [
        ([Authority(MINE, 5, spent=True)], True),
        ([Authority(MINE, 2, spent=True), Authority(MINE, 3, spent=True)], True),
        ([], False),
        ([Authority(MINE, 4, spent=True)], False),
        ([Authority(MINE, 5, spent=False)], False),
        ([Authority(STRANGERS, 5, spent=True)], False),
        ([Authority(payer_balance(1, USD), 5, spent=True)], False),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_debit_of_a_balance_needs_its_payers_spent_authority(authorities, sound, at_once):
    book = ModelBook()
    book.apply(bank.top_up(bank=1, payer=1, currency=CNY, amount=100))
    parts = {"payer": 1, "merchant": 2, "window": 1, "currency": CNY, "amount": 5}
    if at_once:
        book.apply(payment.pay(**parts), *authorities)
    else:
        hold = payment.hold_balance(**parts)
        book.apply(payment.authorize(hold), *authorities)
        book.apply(payment.capture(hold, hold.capture(5), window=1))
    checker = read_journal(book.batches)
    checker.payments([PaymentFact(ANY_ID, CNY, 5, 5, 0, 0)])
    assert broken(checker, book.head_row()) == (set() if sound else {Invariant.AUTHORIZED})


def test_a_capture_beyond_the_agreed_hold_is_found():
    book = ModelBook()
    book.apply(bank.top_up(bank=1, payer=1, currency=CNY, amount=100))
    hold = payment.hold_balance(payer=1, merchant=2, window=1, currency=CNY, amount=5)
    book.apply(payment.authorize(hold), Authority(MINE, 5, spent=True))
    taken = leg(hold.debit, hold.credit, 6, LegCode.PAY)
    book.apply(Posting((taken,), hold.freed(hold.release())))
    assert Invariant.AUTHORIZED in broken(read_journal(book.batches), book.head_row())
