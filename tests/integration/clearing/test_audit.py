"""The audit on both databases: it finds what somebody changed behind the ledger's back, and sees one moment only."""

import pytest
from sqlalchemy import text

from keelpay_server.storage.opening import connect
from tests.integration.clearing.test_payouts import settle, submitted
from tests.integration.clearing.town import HoldRefund, open_town

TAMPERED = [
    ("UPDATE accounts SET credits = credits + 1 WHERE id = (SELECT max(id) FROM accounts)", "BALANCED"),
    ("UPDATE legs SET amount = amount + 1 WHERE sequence = (SELECT min(sequence) FROM legs)", "CHAINED"),
    ("DELETE FROM legs WHERE sequence = (SELECT max(sequence) FROM legs)", "CHAINED"),
    ("DELETE FROM journal WHERE last = (SELECT max(last) FROM journal)", "CHAINED"),
    ("UPDATE journal SET wall_time = wall_time + 1 WHERE first = 1", "CHAINED"),
    ("UPDATE payments SET captured = captured + 1", "BOUNDED"),
    ("UPDATE payments SET refunded = captured + 1", "BOUNDED"),
    ("UPDATE payouts SET in_transit = in_transit - 1", "EXPLAINED"),
    ("UPDATE refunds SET from_unsettled = from_unsettled + 1", "FLOORED"),
    ("UPDATE books SET sequence = sequence + 1", "CHAINED"),
]


async def tamper(url, sql):
    engine = connect(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(sql))
    finally:
        await engine.dispose()


async def live(town):
    """A little of everything."""
    await settle(town)
    payment = await town.take("cafe", 500, fee=3, cost=1)
    await town.do(HoldRefund(payment=payment.id, amount=100))
    await submitted(town)


async def test_an_untouched_book_holds_every_invariant(database_url):
    async with open_town(database_url, "cafe") as town:
        await live(town)
        verdict = await town.verdict()
        assert verdict.ok
        assert verdict.sequence == (await town.reader.book()).sequence
        checked = {finding.invariant.name: finding.checked for finding in verdict.findings}
        assert all(checked[name] for name in ("BALANCED", "FLOORED", "BOUNDED", "EXPLAINED", "COVERED", "CHAINED"))


@pytest.mark.parametrize(("sql", "invariant"), TAMPERED)
async def test_whatever_is_changed_behind_the_ledgers_back_is_found(database_url, sql, invariant):
    async with open_town(database_url, "cafe") as town:
        await live(town)
        await town.engine.worker.idle()
        await tamper(database_url, sql)
        found = {finding.invariant.name for finding in (await town.verdict()).findings if not finding.ok}
        assert invariant in found


async def test_an_examination_sees_one_moment_while_the_book_goes_on(database_url):
    async with open_town(database_url, "cafe") as town:
        await live(town)
        examination = town.audit.examine()
        await anext(examination)
        before = (await town.reader.book()).sequence
        for amount in range(1, 20):
            await town.take("cafe", amount)
        news = [one async for one in examination]
        assert news[-1].ok
        assert news[-1].sequence == before
