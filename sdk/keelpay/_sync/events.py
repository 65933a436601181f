# Generated from sdk/keelpay/_async/events.py by sdk/generate_sync.py: do not edit.
"""Events: a stream to hold, pages to read, addresses to send to."""

from collections.abc import Sequence
from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay._progress import EventProgress
from keelpay._times import to_timestamp
from keelpay.api.event.v1 import event_service_pb2, subscription_pb2, subscription_request_pb2
from keelpay.api.event.v1.event_service_pb2_grpc import EventServiceStub
from keelpay.enums import DeliveryState
from keelpay.models.event import Delivery, Event, NewSecret, Subscription
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager
from .watch import PATIENCE_S, EventStream


class Events:
    """Everything that happens, in order: `client.events`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = EventServiceStub(connection.channel)

    def stream(
        self,
        *,
        cursor: str = "",
        from_beginning: bool = False,
        merchant: str | Named = "",
        types: Sequence[str] = (),
        patience_s: float = PATIENCE_S,
    ) -> EventStream:
        """Streams events as they happen, for ever, and mends itself when it breaks.

        Args:
            cursor: Where an earlier stream stopped: its `cursor`. Empty: from now on.
            from_beginning: From the first event that is kept on, where `cursor` is empty.
            merchant: Only events of this merchant; empty for all that the caller may see.
            types: Only these, as `payment.captured` or `payment.*`; empty for all.
            patience_s: How long a break may last before its error is raised.
        """
        first = event_service_pb2.StreamEventsRequest(
            cursor=cursor, from_beginning=from_beginning, merchant=name_of(merchant), event_types=types
        )
        progress = EventProgress(first)
        return EventStream(self._connection, self._stub.StreamEvents, progress, patience_s=patience_s)

    def list(
        self,
        *,
        merchant: str | Named = "",
        resource: str | Named = "",
        types: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Event]:
        """Lists past events in the order they happened.

        Args:
            merchant: Of this merchant; the client's default if neither it nor a resource is given.
            resource: About this resource.
            types: Only these, as `payment.captured` or `payment.*`; empty for all.
            since: Only those of this time or later, by the wall clock.
            until: Only those before this time.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = event_service_pb2.ListEventsRequest(
            merchant=name_of(merchant) or ("" if name_of(resource) else self._defaults.merchant),
            resource=name_of(resource),
            event_types=types,
            start_time=to_timestamp(since),
            end_time=to_timestamp(until),
            page_size=page_size,
        )
        return pager(
            self._connection,
            self._stub.ListEvents,
            request,
            lambda answer: map(Event.of, answer.events),
            timeout_s=timeout_s,
        )

    def create_subscription(
        self,
        uri: str,
        *,
        types: Sequence[str] = (),
        merchants: Sequence[str] = (),
        description: str = "",
        partner: str | Named | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> NewSecret:
        """Makes a subscription: webhooks of what happens from now on. Its secret is shown this once.

        Args:
            uri: Where to: https, public.
            types: Types to send, as `payment.captured` or `payment.*`; empty for all.
            merchants: Only events of these merchants; empty for all.
            description: What it is for, at most 200 characters.
            partner: Whose; the client's default if not given.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            InvalidArgumentError: URL_REFUSED.
        """
        request = subscription_request_pb2.CreateSubscriptionRequest(
            parent=self._defaults.partner_or(partner),
            request_id=request_id or new_request_id(),
            subscription=subscription_pb2.Subscription(
                uri=uri, event_types=types, merchants=merchants, description=description
            ),
        )
        answer = self._connection.unary(self._stub.CreateSubscription, request, timeout_s=timeout_s)
        subscription_now = Subscription.of(answer.subscription, replayed=answer.replayed)
        return NewSecret(subscription=subscription_now, secret=answer.secret)

    def subscriptions(
        self, *, partner: str | Named | None = None, page_size: int = 0, timeout_s: float | None = None
    ) -> Pager[Subscription]:
        """Lists the subscriptions of a partner, the newest first."""
        request = subscription_request_pb2.ListSubscriptionsRequest(
            parent=self._defaults.partner_or(partner), page_size=page_size
        )
        return pager(
            self._connection,
            self._stub.ListSubscriptions,
            request,
            lambda answer: map(Subscription.of, answer.subscriptions),
            timeout_s=timeout_s,
        )

    def delete_subscription(
        self, subscription: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> None:
        """Ends a subscription: nothing is sent any more, and its deliveries are forgotten."""
        request = subscription_request_pb2.DeleteSubscriptionRequest(
            name=name_of(subscription), request_id=request_id or new_request_id()
        )
        self._connection.unary(self._stub.DeleteSubscription, request, timeout_s=timeout_s)

    def rotate_secret(
        self,
        subscription: str | Named,
        *,
        overlap_s: int = 0,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> NewSecret:
        """Makes a new secret.

        Args:
            subscription: Of which.
            overlap_s: How long the old ones go on signing, 0 to 604,800; 0 ends them at once, as after a leak.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = subscription_request_pb2.RotateSecretRequest(
            name=name_of(subscription), request_id=request_id or new_request_id(), overlap_s=overlap_s
        )
        answer = self._connection.unary(self._stub.RotateSecret, request, timeout_s=timeout_s)
        subscription_now = Subscription.of(answer.subscription, replayed=answer.replayed)
        return NewSecret(subscription=subscription_now, secret=answer.secret)

    def deliveries(
        self,
        subscription: str | Named,
        *,
        state: DeliveryState | str | None = None,
        event: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Delivery]:
        """Lists the deliveries of a subscription, the newest first."""
        request = subscription_request_pb2.ListDeliveriesRequest(
            parent=name_of(subscription),
            page_size=page_size,
            filter=conditions(since=since, until=until, state=member(DeliveryState, state), event=event),
        )
        return pager(
            self._connection,
            self._stub.ListDeliveries,
            request,
            lambda answer: map(Delivery.of, answer.deliveries),
            timeout_s=timeout_s,
        )

    def redeliver(
        self,
        subscription: str | Named,
        *,
        since: datetime,
        until: datetime | None = None,
        include_delivered: bool = False,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Subscription:
        """Sends the events of a stretch of time again, with the ids they had.

        Args:
            subscription: To which.
            since: Events from this time on, by the wall clock.
            until: Events before this time, at most 30 days later; None means up to now.
            include_delivered: Those that were delivered, too.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = subscription_request_pb2.RedeliverRequest(
            name=name_of(subscription),
            request_id=request_id or new_request_id(),
            start_time=to_timestamp(since),
            end_time=to_timestamp(until),
            include_delivered=include_delivered,
        )
        answer = self._connection.unary(self._stub.Redeliver, request, timeout_s=timeout_s)
        return Subscription.of(answer.subscription, replayed=answer.replayed)
