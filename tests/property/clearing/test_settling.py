"""Random merchants, captures, refunds and cut-offs: settling leaves nothing unexplained and loses nothing."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Page
from keelpay_server.clearing.settlement import Settlement, read_lines, total
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow
from tests.integration.clearing.town import HoldRefund, SendRefund, open_town

MERCHANTS = ("cafe", "shop", "bar")
STEP = st.one_of(
    st.tuples(st.just("take"), st.sampled_from(MERCHANTS), st.integers(1, 10_000)),
    st.tuples(st.just("hold"), st.integers(0, 50), st.integers(1, 100)),
    st.tuples(st.just("send"), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("close"), st.just(0), st.just(0)),
)


async def open_number(town):
    (window,) = await town.reader.find(Window, {"state": WindowState.OPEN})
    return window.id


async def all_settled(town):
    rows = await town.reader.find(Window, {"state": WindowState.CLOSED})
    return not rows


async def walk(town, steps):
    payments, refunds = [], []
    for what, one, two in steps:
        if what == "take":
            payments.append(await town.take(one, two, fee=two // 100, cost=two // 500))
        elif what == "hold" and payments:
            payment = payments.pop(one % len(payments))
            row = await town.reader.get(Merchant, payment.merchant)
            if row.window_opened == await open_number(town) and payment.captured - payment.fee >= two:
                account = await town.reader.account(row.unsettled(row.window_opened))
                if account.credits - account.debits - account.pending_debits >= two:
                    refunds.append(await town.do(HoldRefund(payment=payment.id, amount=two)))
        elif what == "send" and refunds:
            await town.do(SendRefund(refund=refunds.pop(one % len(refunds)).id))
        elif what == "close":
            await town.do(CloseWindow(window=await open_number(town)))
    await town.do(CloseWindow(window=await open_number(town)))
    await town.until(lambda: all_settled(town), 30)
    return refunds


async def check(town, waiting):
    await town.prove()
    settlements = await town.reader.find(Settlement, {}, Page(1000))
    available = 0
    for name in MERCHANTS:
        available += await town.balance((await town.reader.get(Merchant, name)).available())
    assert sum(row.net for row in settlements) == available
    for row in settlements:
        assert total(read_lines(row.lines)) == row.net
        merchant = await town.reader.get(Merchant, row.merchant)
        account = await town.reader.account(merchant.unsettled(row.window))
        assert account.credits - account.debits - account.pending_debits == 0
    held = sum(refund.amount for refund in waiting)
    left = 0
    for row in settlements:
        merchant = await town.reader.get(Merchant, row.merchant)
        left += await town.balance(merchant.unsettled(row.window))
    assert left == held


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=30), st.integers(1, 3))
def test_settling_explains_every_fen(steps, portion):
    async def run():
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'book.sqlite'}"
            async with open_town(url, *MERCHANTS, portion=portion) as town:
                await check(town, await walk(town, steps))

    asyncio.run(run())
