"""Delivery: one event on its way to one subscription, tried again over days.

In: what became of an attempt. Out: the delivery after it. Pure.
Invariant: a delivery is made once for an event and a subscription; it ends DELIVERED or FAILED, and only being asked
for again brings it back.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import DAY_US, SECOND_US

RETRY_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Waits between attempts, in seconds: three days and three hours together (Standard Webhooks, "Retry schedule")."""
GIVE_UP_US: Final = 4 * DAY_US
"""After this long a delivery that could not be tried often enough fails too."""
_SUCCESS: Final = range(200, 300)


class DeliveryState(IntEnum):
    """Where it stands, numbered as in the contract."""

    PENDING = 1
    DELIVERED = 2
    FAILED = 3


TRANSITIONS: Final[dict[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}


class Delivery(NamedTuple):
    """One delivery. Times on the wall clock.

    Attributes:
        id: Server-made id; the ids of a subscription's deliveries are in the order of their events.
        subscription: Where to.
        sequence: Sequence of the event in the book.
        event_type: Its type.
        state: A DeliveryState.
        attempts: How often it was tried.
        tries: How often since it was queued last.
        status: HTTP status of the latest attempt, or 0.
        latency_ms: How long that took.
        failure: Why it failed, or empty.
        attempt_time: When it was, or 0.
        next_time: When the next one is due; 0 once it ended.
        queue_time: When it was queued last.
        create_time: When the event happened.
    """

    id: bytes
    subscription: bytes
    sequence: int
    event_type: str
    state: int
    attempts: int
    tries: int
    status: int
    latency_ms: int
    failure: str
    attempt_time: int
    next_time: int
    queue_time: int
    create_time: int


class Attempt(NamedTuple):
    """What became of one attempt.

    Attributes:
        delivery: Which.
        status: HTTP status, or 0 if there was no answer.
        failure: Why it did not arrive; empty if it did.
        latency_ms: How long it took.
        time_us: When it began, wall clock.
    """

    delivery: bytes
    status: int
    failure: str
    latency_ms: int
    time_us: int


class Find(NamedTuple):
    """An event that a subscription wants: its sequence, type and time (wall clock)."""

    sequence: int
    event_type: str
    time_us: int


def new_delivery(key: bytes, subscription: bytes, find: Find, wall_us: int) -> Delivery:
    """Returns the delivery of an event, due at once."""
    return Delivery(
        key, subscription, find.sequence, find.event_type, int(DeliveryState.PENDING), 0, 0, 0, 0, "", 0, wall_us,
        wall_us, find.time_us,
    )  # fmt: skip


def arrived(status: int) -> bool:
    """Whether a status means that the event arrived."""
    return status in _SUCCESS


def after_attempt(delivery: Delivery, attempt: Attempt, wall_us: int) -> Delivery:
    """Returns the delivery after an attempt: delivered, due again later, or given up."""
    tries = delivery.tries + 1
    delivery = delivery._replace(
        attempts=delivery.attempts + 1, tries=tries, status=attempt.status, latency_ms=attempt.latency_ms,
        failure=attempt.failure, attempt_time=attempt.time_us,
    )  # fmt: skip
    if not attempt.failure:
        return _end(delivery, DeliveryState.DELIVERED)
    if tries > len(RETRY_S) or is_stale(delivery, wall_us):
        return _end(delivery, DeliveryState.FAILED)
    return delivery._replace(next_time=wall_us + RETRY_S[tries - 1] * SECOND_US)


def is_stale(delivery: Delivery, wall_us: int) -> bool:
    """Whether it has waited for too long to be tried any more."""
    return wall_us - delivery.queue_time >= GIVE_UP_US


def give_up(delivery: Delivery) -> Delivery:
    """Returns a delivery that is not tried any more."""
    return _end(delivery, DeliveryState.FAILED)


def queue_again(delivery: Delivery, wall_us: int) -> Delivery:
    """Returns a delivery that is due at once, with all its attempts before it."""
    if DeliveryState.PENDING not in TRANSITIONS[DeliveryState(delivery.state)]:
        refuse_transition("delivery", DeliveryState(delivery.state).name, DeliveryState.PENDING.name)
    return delivery._replace(state=int(DeliveryState.PENDING), tries=0, next_time=wall_us, queue_time=wall_us)


def _end(delivery: Delivery, to: DeliveryState) -> Delivery:
    if to not in TRANSITIONS[DeliveryState(delivery.state)]:
        refuse_transition("delivery", DeliveryState(delivery.state).name, to.name)
    return delivery._replace(state=int(to), next_time=0)
