"""Subscription: where a partner wants its events sent, by which keys they are signed, and how well it goes.

In: the partner's decisions, the outcomes of deliveries. Out: the subscription after the step. Pure.
Invariant: `position` moves forward only, in the commit that makes the deliveries up to it; secrets are kept sealed.
"""

import json
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import WALL, Event, Work
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import DAY_US, SECOND_US
from keelpay_server.book.world import World

from .names import SUBSCRIPTION, stream_of
from .selection import Selection, split_types

DELIVER: Final = "webhook.deliver"
"""Kind of the work of sending a subscription's due deliveries; its row bears the subscription's key."""
COUNT_MAX: Final = 20
"""Subscriptions of one partner."""
KEYS_MAX: Final = 3
"""Keys of one subscription that sign at once."""
FAILING_AFTER_US: Final = DAY_US
"""Without one success for this long, a subscription is FAILING."""
PAUSE_DIVISOR: Final = 24
"""While FAILING it is tried once, then left alone for this part of the time it has been failing: ever more rarely."""


class SubscriptionState(IntEnum):
    """Where it stands, numbered as in the contract."""

    ACTIVE = 1
    FAILING = 2


class Key(NamedTuple):
    """A key that signs deliveries; `expire_time` is 0 for the newest, `sealed` the secret as `seal` keeps it."""

    id: str
    sealed: str
    create_time: int
    expire_time: int


class Subscription(NamedTuple):
    """One subscription. Times on the wall clock.

    Attributes:
        id: Server-made id.
        partner: Whose it is.
        live_of: The partner as long as it lives; None once it was deleted.
        uri: Where to.
        event_types: Types to send, space-separated; empty for all.
        merchants: Only events of these, space-separated; empty for all.
        description: In the partner's words.
        state: A SubscriptionState.
        state_version: Counts what its owner can see change.
        keys: JSON of its keys, the newest first.
        position: The last sequence for which deliveries were made.
        queued: Counts the times deliveries were queued, so that a round of sending notices what came meanwhile.
        failing_since: When the first failure after the latest success was; 0 while it goes well.
        resume_time: Nothing is sent before; 0 for at once.
        create_time: When it was made.
        update_time: When it last changed.
    """

    id: bytes
    partner: str
    live_of: str | None
    uri: str
    event_types: str
    merchants: str
    description: str
    state: int
    state_version: int
    keys: str
    position: int
    queued: int
    failing_since: int
    resume_time: int
    create_time: int
    update_time: int


def read_keys(subscription: Subscription) -> tuple[Key, ...]:
    """Returns its keys, the newest first."""
    return tuple(Key(*row) for row in json.loads(subscription.keys))


def write_keys(keys: Sequence[Key]) -> str:
    """Returns keys as they are stored."""
    return json.dumps(keys, separators=(",", ":"))


def valid_keys(subscription: Subscription, wall_us: int) -> tuple[Key, ...]:
    """Returns the keys that sign now, the newest first."""
    return tuple(key for key in read_keys(subscription) if not key.expire_time or key.expire_time > wall_us)


def selection_of(subscription: Subscription) -> Selection:
    """Returns what it wants and may see."""
    types, nouns = split_types(subscription.event_types.split())
    merchants = frozenset(subscription.merchants.split())
    return Selection(partner=subscription.partner, merchants=merchants, types=types, nouns=nouns)


def event_of(subscription: Subscription, what: str) -> Event:
    """Returns the event of a subscription's step, such as `subscription.failing`."""
    owner = stream_of(subscription.partner)
    data = {"state": int(subscription.state)}
    return Event(f"subscription.{what}", SUBSCRIPTION, subscription.id, subscription.state_version, owner, data)


def touch(subscription: Subscription, wall_us: int, **changes: Any) -> Subscription:
    """Returns it with other fields, one version on."""
    version = subscription.state_version + 1
    return subscription._replace(state_version=version, update_time=wall_us, **changes)


def rotate(subscription: Subscription, key: Key, wall_us: int, overlap_s: int) -> Subscription:
    """Returns it with a new key; those before go on signing for a while, or end at once.

    Args:
        subscription: It.
        key: The new key.
        wall_us: Now.
        overlap_s: How long the others still sign, in seconds; 0 ends them.

    Raises:
        Refused: COUNT_LIMIT_REACHED where too many would sign at once.
    """
    end_us = wall_us + overlap_s * SECOND_US
    others = tuple(
        old._replace(expire_time=min(old.expire_time or end_us, end_us))
        for old in valid_keys(subscription, wall_us) if overlap_s
    )  # fmt: skip
    if len(others) >= KEYS_MAX:
        raise Refused(Reason.COUNT_LIMIT_REACHED, f"{len(others)} secrets are valid already", max_count=str(KEYS_MAX))
    return touch(subscription, wall_us, keys=write_keys((key, *others)))


def after_success(subscription: Subscription, wall_us: int) -> Subscription:
    """Returns it after a delivery that arrived: whatever was wrong is forgotten."""
    if not subscription.failing_since:
        return subscription
    if subscription.state == SubscriptionState.FAILING:
        subscription = touch(subscription, wall_us, state=int(SubscriptionState.ACTIVE))
    return subscription._replace(failing_since=0, resume_time=0)


def after_failure(subscription: Subscription, wall_us: int) -> Subscription:
    """Returns it after a round in which nothing arrived."""
    since = subscription.failing_since or wall_us
    subscription = subscription._replace(failing_since=since)
    if wall_us - since < FAILING_AFTER_US:
        return subscription
    if subscription.state != SubscriptionState.FAILING:
        subscription = touch(subscription, wall_us, state=int(SubscriptionState.FAILING))
    return subscription._replace(resume_time=wall_us + (wall_us - since) // PAUSE_DIVISOR)


def wake_needs(need: Need, subscription: bytes) -> Subscription | None:
    """Names what `wake` reads; returns the subscription if an earlier round loaded it."""
    need.row(Work, subscription)
    return need.row(Subscription, subscription)


def wake(world: World, subscription: Subscription) -> tuple[Work, ...]:
    """Returns the work of sending what was just queued, where nobody is at it or about to be."""
    task = world.get(Work, subscription.id)
    due = max(world.wall_us, subscription.resume_time)
    if task is not None and (task.lease_until_us > world.wall_us or task.due_time <= due):
        return ()
    return (Work(subscription.id, DELIVER, subscription.id, WALL, due),)
