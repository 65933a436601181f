"""Events, subscriptions and deliveries on the wire. Pure."""

from keelpay.api.event.v1 import delivery_pb2, event_pb2, subscription_pb2
from keelpay_server.book import ids
from keelpay_server.book.wire_render import stamp, stamp_or_none

from .delivery import Delivery
from .names import delivery_name, subscription_name
from .subscription import Subscription, valid_keys
from .telling import Told, event_id


def render_event(told: Told) -> event_pb2.Event:
    """Returns an event."""
    message = event_pb2.Event(
        id=told.id, book=told.book, sequence=told.sequence, resource=told.resource,
        resource_version=told.resource_version, type=told.type, merchant=told.merchant,
        create_time=stamp(told.wall_us), business_time=stamp_or_none(told.business_us),
    )  # fmt: skip
    message.data.update(told.data)
    return message


def render_subscription(row: Subscription, pending: int, wall_us: int) -> subscription_pb2.Subscription:
    """Returns a subscription.

    Args:
        row: It.
        pending: How many of its deliveries wait.
        wall_us: Now: keys that have expired are left out.
    """
    keys = [
        subscription_pb2.SubscriptionKey(
            key_id=key.id, create_time=stamp(key.create_time), expire_time=stamp_or_none(key.expire_time)
        )
        for key in valid_keys(row, wall_us)
    ]
    return subscription_pb2.Subscription(
        name=subscription_name(row.partner, row.id), uri=row.uri, event_types=row.event_types.split(),
        merchants=[f"merchants/{merchant}" for merchant in row.merchants.split()], description=row.description,
        state=subscription_pb2.Subscription.State.ValueType(row.state), state_version=row.state_version, keys=keys,
        pending_count=pending, create_time=stamp(row.create_time), update_time=stamp(row.update_time),
    )  # fmt: skip


def render_delivery(partner: str, row: Delivery) -> delivery_pb2.Delivery:
    """Returns a delivery of one of a partner's subscriptions."""
    return delivery_pb2.Delivery(
        name=delivery_name(partner, row.subscription, row.id), event=event_id(ids.book_of(row.id), row.sequence),
        event_type=row.event_type, state=delivery_pb2.Delivery.State.ValueType(row.state), attempt_count=row.attempts,
        response_status=row.status, latency_ms=row.latency_ms, failure=row.failure,
        attempt_time=stamp_or_none(row.attempt_time), next_attempt_time=stamp_or_none(row.next_time),
        create_time=stamp(row.create_time),
    )  # fmt: skip
