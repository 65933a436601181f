"""Laws of size on both databases: 64 bits are the end, for a value and for a sum; what passes it fails alone."""

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.storage.schema.book import SUM_MAX
from tests.infrastructure.book_audit import audit
from tests.integration.book.things import BALANCE, MakeThing, OpenAccounts, TopUp


@pytest.mark.parametrize("amount", [1, SUM_MAX, (1 << 63) - 1, 1 << 63, 1 << 64, 1 << 200])
async def test_a_sum_beyond_its_bound_is_refused_alone_and_never_rounded(open_book, amount):
    await open_book.execute(OpenAccounts(funds=SUM_MAX))
    outcomes = await open_book.execute_many([MakeThing(amount=1), TopUp(amount=amount), MakeThing(amount=1)])
    assert [outcome.refusal and outcome.refusal.reason for outcome in outcomes] == [None, Reason.INTERNAL, None]
    balance = await open_book.reader.account(BALANCE)
    assert (balance.credits, balance.debits) == (SUM_MAX, 2)
    await audit(open_book.reader)


async def test_the_bound_itself_is_reached_exactly(open_book):
    await open_book.execute(OpenAccounts(funds=SUM_MAX - 1))
    await open_book.execute(TopUp(amount=1))
    await open_book.execute(MakeThing(amount=SUM_MAX))
    balance = await open_book.reader.account(BALANCE)
    assert (balance.credits, balance.debits) == (SUM_MAX, SUM_MAX)
    await audit(open_book.reader)
