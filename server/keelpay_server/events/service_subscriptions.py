"""Subscriptions and deliveries on the wire: the second half of EventService.

In: validated requests of authenticated callers. Out: subscriptions as they are after their commit.
Invariant: a secret is drawn here, sealed at once, and shown in the one answer that made it.
"""

import secrets
from typing import Final

from keelpay.api.event.v1 import delivery_pb2, event_service_pb2_grpc, subscription_request_pb2
from keelpay_server.book.call import Call, current
from keelpay_server.book.changes import Outcome
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, parse_filter, time_of
from keelpay_server.book.ownership import own_partner
from keelpay_server.book.paging import SIZE_DEFAULT, Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.times import DAY_US

from .delivery import Delivery, DeliveryState
from .delivery_commands import Redeliver
from .names import STREAM_PREFIX, parse_subscription
from .seal import NONCE_BYTES, SECRET_BYTES, SecretSeal, shown
from .sender import Sender
from .service_render import render_delivery, render_subscription
from .subscription import Key, Subscription
from .subscription_commands import CreateSubscription, DeleteSubscription, RotateSecret
from .telling import event_id

REDELIVERED_MAX: Final = 5_000
"""Deliveries that one request queues again."""
REDELIVERED_DAYS_MAX: Final = 30
_KEY_ID_BYTES: Final = 4
_STATE_PREFIX: Final = "STATE_"


class SubscriptionMethods(event_service_pb2_grpc.EventServiceServicer):
    """What EventService does about subscriptions (see the contract).

    Args:
        engine: The book in which subscriptions live, and whose events they send.
        pager: Page tokens.
        seal: Seals the secrets.
        sender: Judges addresses.
    """

    def __init__(self, engine: Engine, pager: Pager, seal: SecretSeal, sender: Sender) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._seal, self._sender = seal, sender

    async def CreateSubscription(
        self, request: subscription_request_pb2.CreateSubscriptionRequest, context: object
    ) -> subscription_request_pb2.CreateSubscriptionResponse:
        """See the contract."""
        call = current()
        partner = request.parent.removeprefix(STREAM_PREFIX)
        own_partner(call.caller, partner)
        draft = request.subscription
        secret, key = self._new_key(partner)
        command = CreateSubscription(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            partner=partner, uri=draft.uri, verdict=await self._sender.verdict(draft.uri),
            event_types=tuple(draft.event_types), description=draft.description, key=key,
            merchants=tuple(name.removeprefix("merchants/") for name in draft.merchants),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Subscription, outcome)
        return subscription_request_pb2.CreateSubscriptionResponse(
            subscription=render_subscription(row, await self._pending(row), self._engine.wall()),
            secret="" if outcome.replayed else shown(secret), replayed=outcome.replayed,
        )  # fmt: skip

    async def ListSubscriptions(
        self, request: subscription_request_pb2.ListSubscriptionsRequest, context: object
    ) -> subscription_request_pb2.ListSubscriptionsResponse:
        """See the contract."""
        call = current()
        partner = request.parent.removeprefix(STREAM_PREFIX)
        own_partner(call.caller, partner)
        scope = f"{call.method}\n{request.parent}"
        page = self._pager.page(scope, request.page_size or SIZE_DEFAULT, request.page_token)
        rows = await self._reader.find(Subscription, {"live_of": partner}, page)
        now = self._engine.wall()
        return subscription_request_pb2.ListSubscriptionsResponse(
            subscriptions=[render_subscription(row, await self._pending(row), now) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def DeleteSubscription(
        self, request: subscription_request_pb2.DeleteSubscriptionRequest, context: object
    ) -> subscription_request_pb2.DeleteSubscriptionResponse:
        """See the contract."""
        call, partner, key = self._named(request.name)
        command = DeleteSubscription(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            partner=partner, subscription=key,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        return subscription_request_pb2.DeleteSubscriptionResponse(replayed=outcome.replayed)

    async def RotateSecret(
        self, request: subscription_request_pb2.RotateSecretRequest, context: object
    ) -> subscription_request_pb2.RotateSecretResponse:
        """See the contract."""
        call, partner, key = self._named(request.name)
        secret, new_key = self._new_key(partner)
        command = RotateSecret(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            partner=partner, subscription=key, key=new_key, overlap_s=request.overlap_s,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._answer(partner, outcome)
        return subscription_request_pb2.RotateSecretResponse(
            subscription=render_subscription(row, await self._pending(row), self._engine.wall()),
            secret="" if outcome.replayed else shown(secret), replayed=outcome.replayed,
        )  # fmt: skip

    async def ListDeliveries(
        self, request: subscription_request_pb2.ListDeliveriesRequest, context: object
    ) -> subscription_request_pb2.ListDeliveriesResponse:
        """See the contract."""
        call, partner, key = self._named(request.parent, "parent")
        row = await self._live(partner, key)
        where = {**parse_filter(request.filter, self._filters()), "subscription": row.id}
        scope = f"{call.method}\n{request.parent}\n{request.filter}"
        page = self._pager.page(scope, request.page_size or SIZE_DEFAULT, request.page_token)
        rows = await self._reader.find(Delivery, where, page)
        return subscription_request_pb2.ListDeliveriesResponse(
            deliveries=[render_delivery(partner, delivery) for delivery in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def Redeliver(
        self, request: subscription_request_pb2.RedeliverRequest, context: object
    ) -> subscription_request_pb2.RedeliverResponse:
        """See the contract. At most REDELIVERED_MAX at once.

        Raises:
            Refused: RESOURCE_NOT_FOUND, FIELD_INVALID, COUNT_LIMIT_REACHED.
        """
        call, partner, key = self._named(request.name)
        row = await self._live(partner, key)
        start_us = request.start_time.ToMicroseconds()
        end_us = request.end_time.ToMicroseconds() if request.HasField("end_time") else self._engine.wall()
        if request.HasField("end_time") and not start_us < end_us <= start_us + REDELIVERED_DAYS_MAX * DAY_US:
            invalid("end_time", f"must be after start_time, by at most {REDELIVERED_DAYS_MAX} days")
        command = Redeliver(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            partner=partner, subscription=key, include_delivered=request.include_delivered,
            deliveries=await self._between(row, start_us, end_us, delivered=request.include_delivered),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._answer(partner, outcome)
        return subscription_request_pb2.RedeliverResponse(
            subscription=render_subscription(row, await self._pending(row), self._engine.wall()),
            replayed=outcome.replayed,
        )

    def _named(self, name: str, field: str = "name") -> tuple[Call, str, bytes]:
        call = current()
        partner, key = parse_subscription(name, field)
        own_partner(call.caller, partner)
        return call, partner, key

    def _new_key(self, partner: str) -> tuple[bytes, Key]:
        secret, key_id = secrets.token_bytes(SECRET_BYTES), secrets.token_hex(_KEY_ID_BYTES)
        sealed = self._seal.seal(secret, secrets.token_bytes(NONCE_BYTES), partner, key_id)
        return secret, Key(key_id, sealed, 0, 0)

    async def _live(self, partner: str, key: bytes) -> Subscription:
        row = await self._reader.get(Subscription, key)
        if row is None or row.live_of != partner:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="subscription")
        return row

    async def _answer(self, partner: str, outcome: Outcome) -> Subscription:
        """Returns the subscription that a command changed; a repeat finds none after it was deleted."""
        row = await self._engine.answer(Subscription, outcome)
        if row.live_of != partner:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="subscription")
        return row

    async def _pending(self, row: Subscription) -> int:
        waiting = {"subscription": row.id, "state": int(DeliveryState.PENDING)}
        return await self._reader.count(Delivery, waiting)

    async def _between(self, row: Subscription, start_us: int, end_us: int, *, delivered: bool) -> tuple[bytes, ...]:
        """Returns the deliveries of a stretch of time.

        Raises:
            Refused: COUNT_LIMIT_REACHED.
        """
        where: dict[str, object] = {"subscription": row.id, "create_time__ge": start_us, "create_time__lt": end_us}
        if not delivered:
            where["state"] = [int(DeliveryState.PENDING), int(DeliveryState.FAILED)]
        if await self._reader.count(Delivery, where) > REDELIVERED_MAX:
            raise Refused(
                Reason.COUNT_LIMIT_REACHED, f"more than {REDELIVERED_MAX} deliveries; choose a shorter stretch of time",
                max_count=str(REDELIVERED_MAX),
            )  # fmt: skip
        return tuple(found.id for found in await self._reader.find(Delivery, where, Page(REDELIVERED_MAX)))

    def _filters(self) -> dict[str, Meaning]:
        return {"state": _state, "event": self._sequence, "create_time": time_of("create_time")}

    def _sequence(self, text: str) -> tuple[str, object]:
        sequence = int(text.partition("-")[2])
        if text != event_id(self._engine.book, sequence):
            raise ValueError(text)
        return "sequence", sequence


def _state(text: str) -> tuple[str, object]:
    """The meaning of `state`: a member's name, with or without the enum's prefix."""
    name = text if text.startswith(_STATE_PREFIX) else f"{_STATE_PREFIX}{text}"
    return "state", int(delivery_pb2.Delivery.State.Value(name))
