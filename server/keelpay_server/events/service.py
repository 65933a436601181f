"""EventService on the wire: streams and lists of events; subscriptions are in service_subscriptions.py.

In: validated requests of authenticated callers. Out: events in order, with a cursor in every message.
Invariant: a caller is told of what it may see and nothing else; a stream that ends says where to go on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from keelpay.api.event.v1 import event_service_pb2
from keelpay_server.book.call import current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import own_partner
from keelpay_server.book.paging import SIZE_DEFAULT, Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid

from .alert import LIFE_S, Alert, Leaving
from .cursor import Cursors, Positions, check_reached
from .feed import Feed
from .seal import SecretSeal
from .selection import Selection, split_types
from .sender import Sender
from .service_render import render_event
from .service_subscriptions import SubscriptionMethods
from .telling import Told

MESSAGE_EVENTS_MAX: Final = 1_000
READS_MAX: Final = 25
"""Reads of the journal that one page makes at most; where little is selected, a page is short and has a token."""


class EventService(SubscriptionMethods):
    """Events (see the contract).

    Args:
        engines: The books, that of the subscriptions first.
        pager: Page tokens of subscriptions and deliveries.
        cursors: Cursors, and page tokens of events.
        seal: Seals the secrets of subscriptions.
        sender: Judges their addresses.
        leaving: Gives the drain, which the server makes after its servicers.
    """

    def __init__(
        self, engines: Sequence[Engine], pager: Pager, cursors: Cursors, seal: SecretSeal, sender: Sender,
        leaving: Callable[[], Leaving],
    ) -> None:  # fmt: skip
        super().__init__(engines[0], pager, seal, sender)
        self._engines, self._cursors, self._leaving = tuple(engines), cursors, leaving
        self._feeds = tuple(Feed(engine.book, engine.reader) for engine in engines)

    async def StreamEvents(
        self, request: event_service_pb2.StreamEventsRequest, context: Any
    ) -> AsyncIterator[event_service_pb2.StreamEventsResponse]:
        """See the contract."""
        selection = await self._selection(current().caller, request.merchant, request.event_types)
        positions = await self._begin(request)
        leaving = self._leaving()
        alert = Alert([engine.hub for engine in self._engines], leaving)
        clock = asyncio.get_running_loop().time
        due_s = clock()  # the first message comes at once: whoever has it has a cursor
        try:
            while not alert.leaving:
                await alert.arm()
                told, more = await self._read(positions, selection, MESSAGE_EVENTS_MAX)
                if told or clock() >= due_s:
                    due_s = clock() + LIFE_S
                    yield event_service_pb2.StreamEventsResponse(
                        events=map(render_event, told), cursor=self._cursors.write(positions)
                    )
                if not more:
                    await alert.wait(max(0.0, due_s - clock()))
        finally:
            alert.close()
        refusal = leaving.refusal()
        cursor = self._cursors.write(positions)
        raise Refused(refusal.reason, refusal.message, retry_after_ms=refusal.retry_after_ms, cursor=cursor)

    async def ListEvents(
        self, request: event_service_pb2.ListEventsRequest, context: object
    ) -> event_service_pb2.ListEventsResponse:
        """See the contract."""
        call = current()
        selection = await self._selection(call.caller, request.merchant, request.event_types, request)
        scope = "\n".join((
            call.method, call.caller.actor, request.merchant, request.resource, " ".join(request.event_types),
            str(selection.start_us), str(selection.end_us),
        ))  # fmt: skip
        if request.page_token:
            positions = self._cursors.read(request.page_token, scope, reason=Reason.PAGE_TOKEN_INVALID)
        else:
            positions = {feed.book: await feed.place_of(selection.start_us) for feed in self._feeds}
        size = request.page_size or SIZE_DEFAULT
        told: list[Told] = []
        more = True
        for _ in range(READS_MAX):
            part, more = await self._read(positions, selection, size - len(told))
            told += part
            if not more or len(told) == size:
                break
        return event_service_pb2.ListEventsResponse(
            events=map(render_event, told), cursor=self._cursors.write(positions),
            next_page_token=self._cursors.write(positions, scope) if more else "",
        )  # fmt: skip

    async def _read(self, positions: Positions, selection: Selection, limit: int) -> tuple[list[Told], bool]:
        """Returns the next events of all books and whether there are more, and moves the positions on."""
        told: list[Told] = []
        more = False
        for feed in self._feeds:
            if len(told) == limit:
                return told, True
            part = await feed.read(positions.get(feed.book, 0), selection, limit - len(told))
            positions[feed.book] = part.position
            told += part.events
            more = more or part.more
        return told, more

    async def _begin(self, request: event_service_pb2.StreamEventsRequest) -> Positions:
        """Returns where a stream begins.

        Raises:
            Refused: CURSOR_INVALID.
        """
        now = {feed.book: (await feed.reader.book()).sequence for feed in self._feeds}
        if not request.cursor:
            return dict.fromkeys(now, 0) if request.from_beginning else now
        positions = self._cursors.read(request.cursor)
        if positions.keys() - now.keys():
            raise Refused(Reason.CURSOR_INVALID, "the cursor speaks of a book that is not served here")
        for book, sequence in now.items():
            check_reached(positions, book, sequence)
        return positions

    async def _selection(
        self,
        caller: Caller,
        merchant: str,
        event_types: Sequence[str],
        listed: event_service_pb2.ListEventsRequest | None = None,
    ) -> Selection:
        """Returns what a caller asks for, within what it may see.

        Raises:
            Refused: RESOURCE_NOT_FOUND for a merchant of nobody, NOT_OWNER for one of somebody else; FIELD_INVALID.
        """
        name = merchant.removeprefix("merchants/")
        if name:
            row = await self._reader.get(Merchant, name)
            if row is None:
                raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
            own_partner(caller, row.partner)
        types, nouns = split_types(event_types)
        start_us = end_us = 0
        if listed is not None:
            start_us = listed.start_time.ToMicroseconds() if listed.HasField("start_time") else 0
            end_us = listed.end_time.ToMicroseconds() if listed.HasField("end_time") else 0
            if listed.HasField("end_time") and end_us <= start_us:
                invalid("end_time", "must be after start_time")
        return Selection(
            partner=None if caller.kind == CallerKind.OPERATOR else caller.partner,
            merchants=frozenset((name,)) if name else frozenset(), types=types, nouns=nouns,
            resource=listed.resource if listed is not None else "", start_us=start_us, end_us=end_us,
        )  # fmt: skip
