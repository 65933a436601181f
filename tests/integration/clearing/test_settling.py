"""Windows and settlements on both databases: nothing is lost, nothing is settled twice, every fen is explained."""

import pytest

from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing.settlement import Settlement, is_settled, lines_of, read_lines, settled_needs, total
from keelpay_server.clearing.settlement_commands import AdvanceWindow, SettleMerchant
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow
from tests.integration.clearing.town import Admit, HoldRefund, SendRefund, open_town


async def settled(town, number):
    async def state():
        window = await town.reader.get(Window, number)
        return window if window.state == WindowState.SETTLED else None

    return await town.until(state)


async def settlements(town):
    return await town.reader.find(Settlement, {}, Page(1000))


async def test_the_first_merchant_of_a_calendar_opens_its_window_and_the_second_shares_it(database_url):
    async with open_town(database_url, "cafe", "shop") as town:
        (window,) = await town.reader.find(Window, {})
        assert (window.id, window.state, window.currency) == (1, WindowState.OPEN, "CNY")
        await town.do(Admit(name="bar", calendar="Europe/Berlin@18:30"))
        assert [w.id for w in await town.reader.find(Window, {"state": WindowState.OPEN})] == [1, 2]


async def test_closing_a_window_cuts_it_at_a_sequence_and_opens_the_next_in_the_same_commit(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        closed = await town.do(CloseWindow(window=1))
        after = await town.take("cafe", 500)
        following = await town.reader.get(Window, 2)
        assert following.first_sequence == closed.last_sequence + 1
        assert following.state == WindowState.OPEN
        cafe_legs = [leg for leg in await town.reader.legs(first=following.first_sequence) if leg.amount == 500]
        assert len(cafe_legs) == 1
        assert after is not None


async def test_a_closed_window_is_not_closed_again(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.do(CloseWindow(window=1))
        with pytest.raises(Refused) as refused:
            await town.do(CloseWindow(window=1))
        assert refused.value.reason is Reason.ILLEGAL_TRANSITION


async def test_the_business_clock_closes_a_window_at_its_cut_off(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        assert (await town.reader.get(Window, 1)).state == WindowState.OPEN
        await town.engine.store.advance(86_400_000_000)
        town.engine.worker.nudge()
        window = await settled(town, 1)
        assert window.close_time >= window.cut_off_time
        assert window.settle_time <= window.due_time


async def test_a_settlement_is_the_sum_of_its_legs_and_its_net_is_available(database_url):
    async with open_town(database_url, "cafe", "shop") as town:
        for amount in (1000, 2500, 333):
            await town.take("cafe", amount, fee=amount // 100, cost=2)
        await town.take("shop", 70)
        await town.do(CloseWindow(window=1))
        await settled(town, 1)
        cafe, shop = await settlements(town)
        assert (cafe.gross, cafe.fees, cafe.net) == (3833, 38, 3795)
        assert shop.net == 70
        for row in (cafe, shop):
            merchant = await town.reader.get(Merchant, row.merchant)
            assert total(read_lines(row.lines)) == row.net == await town.balance(merchant.available())
            turnovers = await town.reader.turnovers(merchant.unsettled(1), merchant.unsettled(1))
            assert lines_of(turnovers, 0) == read_lines(row.lines)
        await town.prove()


async def test_what_a_refund_has_reserved_stays_behind_and_settles_when_it_resolves(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 1000)
        refund = await town.do(HoldRefund(payment=payment.id, amount=400))
        await town.do(CloseWindow(window=1))
        await settled(town, 1)
        (row,) = await settlements(town)
        assert (row.net, row.reserved) == (600, 400)
        await town.prove()
        await town.do(SendRefund(refund=refund.id))
        await town.prove()


async def test_many_merchants_settle_in_portions(database_url):
    names = [f"m{n}" for n in range(7)]
    async with open_town(database_url, *names, portion=3) as town:
        for n, name in enumerate(names):
            await town.take(name, 100 + n)
        await town.do(CloseWindow(window=1))
        window = await settled(town, 1)
        assert window.settled_count == 7
        assert sorted(row.net for row in await settlements(town)) == [100 + n for n in range(7)]
        await town.prove()


async def test_a_portion_that_was_done_before_a_crash_is_not_done_again(database_url):
    async with open_town(database_url, "cafe", "shop", portion=1) as town:
        await town.take("cafe", 100)
        await town.take("shop", 200)
        await town.engine.worker.close()
        await town.do(CloseWindow(window=1))
        window = await town.reader.get(Window, 1)
        commands, last = await town.settling._commands(window, town.reader)
        assert (len(commands), last) == (1, False)
        first = await town.do(commands[0])
        again = await town.do(commands[0])
        assert first.net == again.net == 100
        for _ in range(4):
            window = await town.reader.get(Window, 1)
            if window.state == WindowState.CLOSED:
                await town.settling._settle(window)
        assert (await town.reader.get(Window, 1)).state == WindowState.SETTLED
        assert [row.net for row in await settlements(town)] == [100, 200]
        await town.prove()


async def test_two_processes_that_settle_the_same_portion_advance_the_window_once(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 100)
        await town.engine.worker.close()
        await town.do(CloseWindow(window=1))
        window = await town.reader.get(Window, 1)
        commands, _ = await town.settling._commands(window, town.reader)
        await town.engine.execute_many([*commands, *commands])
        step = AdvanceWindow(window=1, after=0, through=commands[0].account, count=1, last=True)
        await town.engine.execute_many([step, step])
        assert (await town.reader.get(Window, 1)).settled_count == 1
        await town.prove()


async def test_figures_that_are_not_true_any_more_are_refused(database_url):
    async with open_town(database_url, "cafe") as town:
        payment = await town.take("cafe", 100)
        await town.engine.worker.close()
        await town.do(HoldRefund(payment=payment.id, amount=30))
        await town.do(CloseWindow(window=1))
        window = await town.reader.get(Window, 1)
        ((command,), _) = await town.settling._commands(window, town.reader)
        stale = SettleMerchant(account=command.account, merchant="cafe", lines=command.lines[:1], through=1)
        with pytest.raises(Refused) as refused:
            await town.do(stale)
        assert refused.value.reason is Reason.CONFLICT
        assert (await town.do(command)).net == 70


async def test_a_window_without_merchants_settles_too(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.do(CloseWindow(window=1))
        assert (await settled(town, 1)).settled_count == 0
        assert await settlements(town) == []


def test_whether_a_window_is_settled_is_asked_by_the_merchants_number():
    world = World(1, 0, b"", 1, 1, 1, 1)
    need = Need(world)
    settled_needs(need, 5, 3)
    assert need.rows
    assert not is_settled(world, 5, 3)
