"""Timeline: the business clock of a test installation, moved forward to where the next thing happens.

In: seconds since the first simulated day began. Out: a clock that shows that moment. Invariant: forward only; the first
day of the traffic begins with the business clock's next midnight, so that nothing of it lies in the past.
"""

from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from keelpay import AsyncClient

from .cast import CALENDAR
from .connection import Callers
from .patience import PATIENCE_S
from .transaction import DAY_S


class Timeline:
    """The clocks of one run.

    Args:
        client: Of an operator, who may move the clock; the sandbox banks go along.
        first_midnight: When the first day begins.
    """

    def __init__(self, client: AsyncClient, first_midnight: datetime) -> None:
        self._client = client
        self.first_midnight = first_midnight

    @classmethod
    async def begin(cls, callers: Callers) -> Self:
        """Reads the clock and lays the first day on its next one."""
        return cls(callers.maker, midnight_after(await business_time(callers.maker)))

    def at(self, time_s: int) -> datetime:
        """Returns the business time of a moment of the run."""
        return self.first_midnight + timedelta(seconds=time_s)

    def midnight(self, day: int) -> datetime:
        """Returns when a day of the run begins."""
        return self.at(day * DAY_S)

    def date(self, day: int) -> str:
        """Returns the date of a day of the run, where the merchants are."""
        return self.midnight(day).astimezone(ZoneInfo(CALENDAR.time_zone)).date().isoformat()

    async def go_to(self, moment: datetime) -> None:
        """Moves the clock to a moment, unless it has passed already."""
        if moment > await business_time(self._client):
            await self._client.sandbox.advance_clock(moment, timeout_s=PATIENCE_S)


async def business_time(client: AsyncClient) -> datetime:
    """Returns what the business clock shows."""
    clock = await client.sandbox.clock(timeout_s=PATIENCE_S)
    assert clock.business_time is not None, "a clock shows a time"
    return clock.business_time


def midnight_after(moment: datetime) -> datetime:
    """Returns the next midnight where the merchants are."""
    zone = ZoneInfo(CALENDAR.time_zone)
    day = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
