"""The outbox: finds in the journal what each subscription wants, and has its deliveries made.

In: the journal as it grows. Out: QueueDeliveries commands. Invariant: every event from a subscription's position on is
looked at; the position is moved by the command alone, so any number of processes may look at once, and one that dies
leaves nothing behind.
"""

import asyncio
import logging
from collections import defaultdict
from typing import Any, Final

from keelpay_server.book import journal
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page, StorageLost
from keelpay_server.book.refusal import Refused

from .delivery import Find
from .delivery_commands import Intake, QueueDeliveries
from .feed import ROWS_MAX, Feed
from .selection import Selection
from .subscription import Subscription, selection_of

_log = logging.getLogger("keelpay.events")
FINDS_MAX: Final = 2_000
"""From so many deliveries on, what was found is committed before the search goes on."""
LAG_MAX: Final = 10_000
"""So many events without a find are looked at again at most after a restart."""
IDLE_S: Final = 15.0
PAUSE_S: Final = 0.05
"""Between two turns, so that under load a turn serves many commits."""
NOBODY_S: Final = 1.0
"""The same while there is no subscription: the first one waits so long at most, and misses nothing."""
RETRY_S: Final = 1.0
_SUBSCRIPTIONS_READ: Final = 1_000


class Outbox:
    """Looks for what subscriptions want, in one book.

    Args:
        engine: The book.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, engine.reader
        self._owners = Feed(engine.book, engine.reader).owners
        self._seen: dict[bytes, tuple[int, int]] = {}
        self._selections: dict[tuple[bytes, int], Selection] = {}
        self._pause_s = PAUSE_S
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, all day long."""
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def close(self) -> None:
        """Stops looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> bool:
        """Looks at the next part of the journal; returns whether there is more.

        Raises:
            StorageLost: The database cannot be reached.
            Refused: The lane is full or closing.
        """
        subscriptions = await self._live()
        self._pause_s = PAUSE_S if subscriptions else NOBODY_S
        if not subscriptions:
            return False
        places = {row.id: self._place(row) for row in subscriptions}
        self._seen = {key: self._seen[key] for key in places.keys() & self._seen.keys()}
        rows = await self._reader.journal(min(places.values()), ROWS_MAX)
        by_partner: defaultdict[str, list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            by_partner[subscription.partner].append(subscription)
        finds: dict[bytes, list[Find]] = {key: [] for key in places}
        count, reached = 0, 0
        for row in rows:
            events = journal.decode(row.body).events
            partners = await self._owners.learn({event[5] for event in events})
            for event in events:
                for subscription in by_partner.get(partners.get(event[5], ""), ()):
                    if event[0] > places[subscription.id] and self._selection(subscription).wants(event[1], event[5]):
                        finds[subscription.id].append(Find(event[0], event[1], row.wall_time))
                        count += 1
            reached = row.last
            if count >= FINDS_MAX:
                break
        await self._keep(subscriptions, places, finds, reached)
        return len(rows) == ROWS_MAX or count >= FINDS_MAX

    async def _keep(
        self, subscriptions: list[Subscription], places: dict[bytes, int], finds: dict[bytes, list[Find]], reached: int
    ) -> None:
        intakes = []
        for row in subscriptions:
            if places[row.id] < reached:
                if finds[row.id] or reached - row.position >= LAG_MAX:
                    intakes.append(Intake(row.id, row.position, reached, tuple(finds[row.id])))
                else:
                    self._seen[row.id] = (row.position, reached)
        if intakes:
            await self._engine.execute(QueueDeliveries(intakes=tuple(intakes)))

    def _place(self, row: Subscription) -> int:
        """Returns from where on to look: further than the position, where that part was looked at and held nothing."""
        position, looked = self._seen.get(row.id, (-1, 0))
        return max(looked, row.position) if position == row.position else row.position

    def _selection(self, row: Subscription) -> Selection:
        key = (row.id, row.create_time)  # what it wants never changes
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) > _SUBSCRIPTIONS_READ:
                self._selections.clear()
            found = self._selections[key] = selection_of(row)
        return found

    async def _live(self) -> list[Subscription]:
        found: list[Subscription] = []
        after: Any = None
        while True:
            page = Page(_SUBSCRIPTIONS_READ, after, order="live_of")
            rows = await self._reader.find(Subscription, {"live_of__gt": ""}, page)
            found += rows
            if len(rows) < page.size:
                return found
            after = (rows[-1].live_of, rows[-1].id)

    async def _run(self) -> None:
        while True:
            # Armed before looking: what is committed meanwhile ends the wait at once.
            grown = asyncio.create_task(self._engine.hub.wait(None, IDLE_S))
            try:
                await asyncio.sleep(self._pause_s)
                if not await self.turn():
                    await grown
            except (StorageLost, Refused) as error:
                _log.warning("webhooks wait: %s", error)
                await asyncio.sleep(RETRY_S)
            except Exception:
                _log.exception("looking for what subscriptions want failed")
                await asyncio.sleep(RETRY_S)
            finally:
                grown.cancel()
