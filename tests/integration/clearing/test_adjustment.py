"""An adjustment of a merchant's money of a window: taken in while the window is not settled, refused after."""

import pytest

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.adjustment import PostAdjustment, ProposeAdjustment
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow
from keelpay_server.ledger.account import number
from keelpay_server.ledger.chart import Chart
from tests.integration.clearing.town import open_town

OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")


async def waived(town, window):
    """An adjustment that gives six fen of our fees back to the cafe's window."""
    cafe = await town.reader.get(Merchant, "cafe")
    legs = ((number(Chart.FEE_INCOME, 156), cafe.unsettled(window), 6),)
    return await town.do(ProposeAdjustment(caller=OPERATOR, legs=legs, comment="fee waived"))


async def settle(town):
    await town.do(CloseWindow(window=1))

    async def done():
        return (await town.reader.get(Window, 1)).state == WindowState.SETTLED

    await town.until(done)


async def test_what_is_adjusted_in_an_open_window_settles_with_it(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000, fee=6)
        await town.do(PostAdjustment(adjustment=(await waived(town, 1)).id))
        await settle(town)
        assert await town.balance((await town.reader.get(Merchant, "cafe")).available()) == 1000
        await town.prove()


@pytest.mark.parametrize("when", ["asked for", "approved"])
async def test_nothing_is_added_to_a_settled_window_where_it_would_rest_for_ever(database_url, when):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000, fee=6)
        row = await waived(town, 1) if when == "approved" else None
        await settle(town)
        with pytest.raises(Refused) as refused:
            await (waived(town, 1) if row is None else town.do(PostAdjustment(adjustment=row.id)))
        assert refused.value.reason is Reason.FIELD_INVALID
        await town.prove()
