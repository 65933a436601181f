"""Events, and where they are sent: subscriptions and deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keelpay.enums import DeliveryState, SubscriptionState

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Model):
    """One thing that happened. It carries ids, never names or numbers of people.

    Attributes:
        id: Unique for ever; the same event delivered twice has the same id.
        book: The book it happened in.
        sequence: Its place in the book, without gap.
        resource: What it is about, by its resource name.
        resource_version: `state_version` of the resource after it: apply only newer ones, and order is irrelevant.
        type: What happened, `payment.captured`; new types may come at any time.
        merchant: The merchant it concerns; empty if none.
        data: What else is worth telling; numbers of 64 bits are texts, states and the like names of the contract,
            which its enum reads: `PaymentState(event.data["state"])`.
        create_time: When it happened, by the wall clock.
        business_time: When it happened, by the business clock.
    """

    id: str
    book: int
    sequence: int
    resource: str
    resource_version: int
    type: str
    merchant: str
    data: Mapping[str, Any]
    create_time: datetime | None
    business_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionKey(Model):
    """A key that signs deliveries.

    Attributes:
        key_id: Tells keys apart.
        create_time: When it was made.
        expire_time: When it stops signing; None for the newest.
    """

    key_id: str
    create_time: datetime | None
    expire_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Model):
    """Where a partner wants events to be sent.

    Attributes:
        name: `partners/{p}/subscriptions/{s}`.
        uri: Where to.
        event_types: Types to send; empty for all.
        merchants: Only events of these merchants; empty for all.
        description: What it is for.
        state: Where it stands.
        state_version: Grows by one with every change.
        keys: The keys that sign now, the newest first.
        pending_count: Deliveries that wait, or will be tried again.
        create_time: When it was made.
        update_time: When it last changed.
    """

    name: str
    uri: str
    event_types: tuple[str, ...]
    merchants: tuple[str, ...]
    description: str
    state: SubscriptionState
    state_version: int
    keys: tuple[SubscriptionKey, ...]
    pending_count: int
    create_time: datetime | None
    update_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A subscription, and the secret that was just made. It is shown this once.

    Attributes:
        subscription: The subscription.
        secret: `whsec_...`; empty if the request was answered before, and then `rotate_secret` makes another.
    """

    subscription: Subscription
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Model):
    """One event on its way to one subscription.

    Attributes:
        name: `partners/{p}/subscriptions/{s}/deliveries/{d}`.
        event: Id of the event; sent as `webhook-id`.
        event_type: Type of the event.
        state: Where it stands.
        attempt_count: Attempts so far.
        response_status: HTTP status of the latest attempt; 0 if there was no answer.
        latency_ms: Time the latest attempt took.
        failure: Why the latest attempt failed; empty if it did not.
        attempt_time: When the latest attempt was made.
        next_attempt_time: When the next one is due.
        create_time: When the event happened.
    """

    name: str
    event: str
    event_type: str
    state: DeliveryState
    attempt_count: int
    response_status: int
    latency_ms: int
    failure: str
    attempt_time: datetime | None
    next_attempt_time: datetime | None
    create_time: datetime | None
