"""The courier: sends what is due to a subscription, a round at a time.

In: work of the kind `webhook.deliver`, one row a subscription. Out: signed requests, RecordRound commands.
Invariant: a delivery is recorded after it was tried, so one that was sent as a process died is sent again, with the
same id: at least once, never silently not.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.worker import Look

from .delivery import Attempt, Delivery, DeliveryState, is_stale
from .delivery_commands import RecordRound
from .feed import Feed
from .seal import SecretSeal
from .sender import Sender
from .subscription import Subscription, SubscriptionState, valid_keys
from .telling import Told, body

_log = logging.getLogger("keelpay.events")
ROUND_MAX: Final = 32
"""Deliveries tried at once for one subscription."""
STALE_MAX: Final = 500
"""Deliveries looked at in a round."""


class Courier:
    """Sends the webhooks of one book.

    Args:
        engine: The book.
        seal: Opens the secrets.
        sender: Sends.
    """

    def __init__(self, engine: Engine, seal: SecretSeal, sender: Sender) -> None:
        self._engine, self._reader, self._seal, self._sender = engine, engine.reader, seal, sender
        self._feed = Feed(engine.book, engine.reader)
        self._busy: set[bytes] = set()

    async def handle(self, tasks: list[Work], _look: Look) -> None:
        """Does a round for each subscription; one whose round is still under way here is left to it."""
        keys = [task.subject for task in tasks if task.subject not in self._busy]
        ended = await asyncio.gather(*(self._round(key) for key in keys), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                _log.error("a round of webhooks failed; it is done again when its lease ends", exc_info=error)

    async def _round(self, key: bytes) -> None:
        self._busy.add(key)
        try:
            record = await self._send(key)
        finally:
            # Before it is recorded: the commit may hand the next round over at once.
            self._busy.discard(key)
        await self._engine.execute(record)

    async def _send(self, key: bytes) -> RecordRound:
        """Tries what is due, and returns what is to be recorded."""
        row = await self._reader.get(Subscription, key)
        if row is None or row.live_of is None:
            return RecordRound(subscription=key, attempts=(), stale=(), queued=0, later_us=0)
        now = self._engine.wall()
        pending = {"subscription": key, "state": int(DeliveryState.PENDING)}
        waiting = await self._reader.find(Delivery, pending, Page(STALE_MAX, order="next_time"))
        due = [] if row.resume_time > now else [delivery for delivery in waiting if delivery.next_time <= now]
        stale = tuple(delivery.id for delivery in due if is_stale(delivery, now))
        fresh = [delivery for delivery in due if delivery.id not in stale]
        chosen = fresh[: 1 if row.state == SubscriptionState.FAILING else ROUND_MAX]
        touched = {*stale, *(delivery.id for delivery in chosen)}
        later = next((delivery.next_time for delivery in waiting if delivery.id not in touched), 0)
        if not later and len(waiting) == STALE_MAX:
            later = now
        told = await self._feed.some(delivery.sequence for delivery in chosen)
        attempts = await asyncio.gather(*(self._try(row, delivery, told[delivery.sequence]) for delivery in chosen))
        return RecordRound(subscription=key, attempts=tuple(attempts), stale=stale, queued=row.queued, later_us=later)

    async def _try(self, row: Subscription, delivery: Delivery, told: Told) -> Attempt:
        now = self._engine.wall()
        content = body(told)
        answer = await self._sender.post(row.uri, self._headers(row, told, content, now), content)
        return Attempt(delivery.id, answer.status, answer.failure, answer.latency_ms, now)

    def _headers(self, row: Subscription, told: Told, content: bytes, now_us: int) -> dict[str, str]:
        """Returns the headers of Standard Webhooks: one signature for each key that is valid."""
        moment = datetime.fromtimestamp(now_us // SECOND_US, UTC)
        text = content.decode()
        signatures = [
            Webhook(self._seal.open(key.sealed, row.partner, key.id)).sign(told.id, moment, text)
            for key in valid_keys(row, now_us)
        ]
        return {
            "webhook-id": told.id, "webhook-timestamp": str(now_us // SECOND_US),
            "webhook-signature": " ".join(signatures),
        }  # fmt: skip
