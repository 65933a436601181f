"""What partners do with subscriptions: make, rotate, delete.

In: parsed requests, the verdict on the address, a sealed new secret. Out: Changes. Pure.
Invariant: a subscription begins after everything that has happened; a deleted one keeps no secret and sends nothing.
"""

from dataclasses import dataclass

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .subscription import COUNT_MAX, Key, Subscription, SubscriptionState, event_of, rotate, touch, write_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSubscription(Command):
    """Makes a subscription.

    Attributes:
        partner: Whose.
        uri: Where to.
        verdict: Why that address cannot be used; empty where it can. Found out before the queue, told here, so that a
            repeat answers as the first did whatever the address has come to.
        event_types: Types to send; empty for all.
        merchants: Ids of merchants; empty for all.
        description: In the partner's words.
        key: Its first key; the times are set here.
    """

    partner: str
    uri: str
    verdict: str
    event_types: tuple[str, ...]
    merchants: tuple[str, ...]
    description: str
    key: Key

    def needs(self, need: Need) -> None:
        """The partner's subscriptions, the merchants."""
        need.all(Subscription, "live_of", self.partner)
        for merchant in self.merchants:
            need.row(Merchant, merchant)

    def decide(self, world: World) -> Changes:
        """Makes it.

        Raises:
            Refused: URL_REFUSED, RESOURCE_NOT_FOUND (a merchant), COUNT_LIMIT_REACHED.
        """
        if self.verdict:
            raise Refused(Reason.URL_REFUSED, f"uri: {self.verdict}")
        for name in self.merchants:
            if world.require(Merchant, name).partner != self.partner:
                raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
        if len(world.all(Subscription, "live_of", self.partner)) >= COUNT_MAX:
            raise Refused(Reason.COUNT_LIMIT_REACHED, max_count=str(COUNT_MAX))
        now = world.wall_us
        row = Subscription(
            world.new_id(), self.partner, self.partner, self.uri, " ".join(dict.fromkeys(self.event_types)),
            " ".join(dict.fromkeys(self.merchants)), self.description, int(SubscriptionState.ACTIVE), 1,
            write_keys((self.key._replace(create_time=now, expire_time=0),)),
            world.sequence + 1,  # the event of its own making comes first, and is not sent
            0, 0, 0, now, now,
        )  # fmt: skip
        return Changes(row, events=(event_of(row, "created"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSubscription(Command):
    """Something done to a live subscription of a partner."""

    partner: str
    subscription: bytes

    def needs(self, need: Need) -> None:
        """The subscription."""
        need.row(Subscription, self.subscription)

    def require(self, world: World) -> Subscription:
        """Returns the subscription.

        Raises:
            Refused: RESOURCE_NOT_FOUND where it is not this partner's, or not any more.
        """
        row = world.require(Subscription, self.subscription)
        if row.live_of != self.partner:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="subscription")
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret(ChangeSubscription):
    """Makes a new secret; `overlap_s` is how long those before still sign."""

    key: Key
    overlap_s: int

    def decide(self, world: World) -> Changes:
        """Makes it.

        Raises:
            Refused: RESOURCE_NOT_FOUND, COUNT_LIMIT_REACHED.
        """
        now = world.wall_us
        row = rotate(self.require(world), self.key._replace(create_time=now, expire_time=0), now, self.overlap_s)
        return Changes(row, events=(event_of(row, "secret_rotated"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSubscription(ChangeSubscription):
    """Ends a subscription; its secrets are forgotten at once."""

    def decide(self, world: World) -> Changes:
        """Ends it.

        Raises:
            Refused: RESOURCE_NOT_FOUND.
        """
        row = touch(self.require(world), world.wall_us, live_of=None, keys="[]")
        return Changes(row, events=(event_of(row, "deleted"),), done=(row.id,))
