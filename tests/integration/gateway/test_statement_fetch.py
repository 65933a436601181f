"""Laws of fetching statements: each closed day once, in order, none left out, whenever the account began."""

from keelpay_server.clearing.bank_statement import Statement, StatementState
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.clearing.statement_fetch import StatementFetch
from keelpay_server.storage.channel import SqlChannelRecords
from tests.integration.gateway.shop import DAY, Shop

DAY_S = 86_400


async def fetching(shop: Shop) -> StatementFetch:
    fetch = StatementFetch(shop.engine, shop.rails)
    reconciling = Reconciling(shop.engine, SqlChannelRecords(shop.reader))
    shop.handlers.update({**fetch.handlers(), **reconciling.handlers()})
    await fetch.begin()
    return fetch


async def pass_a_day(shop: Shop) -> None:
    shop.pass_bank_time(DAY_S)
    await shop.advance(DAY)


async def imported(shop: Shop) -> list[Statement]:
    rows = await shop.reader.find(Statement, {"bank": "sandbox-card", "state": int(StatementState.IMPORTED)})
    return sorted(rows, key=lambda row: row.from_time)


async def test_a_closed_day_is_imported_without_hands(shop: Shop) -> None:
    await fetching(shop)
    await shop.pay(10_000)
    await pass_a_day(shop)
    (statement,) = await imported(shop)
    assert statement.line_count >= 1


async def test_days_follow_each_other_without_a_gap(shop: Shop) -> None:
    await fetching(shop)
    for _ in range(3):
        await shop.pay(10_000)
        await pass_a_day(shop)
    statements = await imported(shop)
    assert len(statements) == 3
    assert [row.from_time for row in statements[1:]] == [row.to_time for row in statements[:-1]]


async def test_an_account_that_begins_later_is_fetched_from_its_first_day(shop: Shop) -> None:
    await fetching(shop)
    await pass_a_day(shop)
    await shop.pay(10_000)
    await pass_a_day(shop)
    (statement,) = await imported(shop)
    assert statement.opening == 0
    assert statement.line_count >= 1


async def test_to_begin_again_leaves_the_schedule_alone(shop: Shop) -> None:
    fetch = await fetching(shop)
    await fetch.begin()
    await shop.pay(10_000)
    await pass_a_day(shop)
    await fetch.begin()
    await shop.do_due()
    assert len(await imported(shop)) == 1


async def test_a_bank_that_tells_another_banks_statement_is_not_believed(shop: Shop) -> None:
    await fetching(shop)
    rail = shop.rails["sandbox-card"]
    honest = rail.statement

    async def foreign(day, currency):
        return (await honest(day, currency))._replace(bank="sandbox-wallet")

    rail.statement = foreign
    await shop.pay(10_000)
    await pass_a_day(shop)
    assert await shop.reader.find(Statement, {"bank": "sandbox-wallet"}) == []
    assert await imported(shop) == []
    rail.statement = honest
    await pass_a_day(shop)
    assert len(await imported(shop)) >= 1
