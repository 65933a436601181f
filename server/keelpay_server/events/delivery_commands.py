"""How deliveries come to be, end, and come back: three commands.

In: what the outbox found in the journal, what a round of sending brought, what a partner asks for again. Pure.
Invariant: a subscription's deliveries and its position are written in one commit, and only if the position still is
where the finder began: so any number of finders make each delivery once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.world import World

from .delivery import (
    Attempt,
    Delivery,
    DeliveryState,
    Find,
    after_attempt,
    give_up,
    new_delivery,
    queue_again,
)
from .subscription import (
    DELIVER,
    Subscription,
    after_failure,
    after_success,
    event_of,
    wake,
    wake_needs,
)
from .subscription_commands import ChangeSubscription


class Intake(NamedTuple):
    """What a part of the journal holds for one subscription.

    Attributes:
        subscription: Which.
        after: Its position as the finder knew it.
        up_to: The last sequence that was looked at.
        finds: The events in between that it wants, in order.
    """

    subscription: bytes
    after: int
    up_to: int
    finds: tuple[Find, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDeliveries(Command):
    """Makes the deliveries of new events, and moves the positions on."""

    intakes: tuple[Intake, ...]

    def needs(self, need: Need) -> None:
        """The subscriptions and their work."""
        for intake in self.intakes:
            wake_needs(need, intake.subscription)

    def decide(self, world: World) -> Changes:
        """Makes them; what another finder was faster with is left out. No event: it would be found in turn."""
        rows: list[Subscription | Delivery] = []
        work: list[Work] = []
        for intake in self.intakes:
            row = world.get(Subscription, intake.subscription)
            if row is None or row.live_of is None or row.position != intake.after:
                continue
            row = row._replace(position=intake.up_to)
            if intake.finds:
                row = row._replace(queued=row.queued + 1)
                work += wake(world, row)
            rows.append(row)
            rows += [new_delivery(world.new_id(), row.id, find, world.wall_us) for find in intake.finds]
        return Changes(rows=tuple(rows), work=tuple(work))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRound(Command):
    """Keeps what a round of sending brought, and says when the next one is due.

    Attributes:
        subscription: Whose.
        attempts: What became of each.
        stale: Deliveries that waited too long to be tried.
        queued: The subscription's count of queueings before the round looked.
        later_us: When the next delivery that the round left alone is due; 0 if there is none.
    """

    subscription: bytes
    attempts: tuple[Attempt, ...]
    stale: tuple[bytes, ...]
    queued: int
    later_us: int

    def needs(self, need: Need) -> None:
        """The subscription, its work, the deliveries."""
        wake_needs(need, self.subscription)
        for attempt in self.attempts:
            need.row(Delivery, attempt.delivery)
        for key in self.stale:
            need.row(Delivery, key)

    def decide(self, world: World) -> Changes:
        """Keeps it."""
        before = world.get(Subscription, self.subscription)
        if before is None or before.live_of is None:
            return Changes(done=(self.subscription,))
        now = world.wall_us
        rows = tuple(self._deliveries(world))
        row = before
        if any(not attempt.failure for attempt in self.attempts):
            row = after_success(row, now)
        elif self.attempts:
            row = after_failure(row, now)
        what = "failing" if row.resume_time else "recovered"
        events = (event_of(row, what),) if row.state != before.state else ()
        due = [delivery.next_time for delivery in rows if delivery.next_time]
        due += [self.later_us] if self.later_us else []
        due += [now] if row.queued != self.queued else []
        changes = Changes(rows=(*rows, row), events=events)
        if not due:
            return changes._replace(done=(row.id,))
        next_us = max(min(due), row.resume_time)
        return changes._replace(work=(Work(row.id, DELIVER, row.id, WALL, next_us),))

    def _deliveries(self, world: World) -> Iterator[Delivery]:
        """Yields the deliveries after the round; one that ended meanwhile stays as it is."""
        for attempt in self.attempts:
            delivery = world.get(Delivery, attempt.delivery)
            if delivery is not None and delivery.state == DeliveryState.PENDING:
                yield after_attempt(delivery, attempt, world.wall_us)
        for key in self.stale:
            delivery = world.get(Delivery, key)
            if delivery is not None and delivery.state == DeliveryState.PENDING:
                yield give_up(delivery)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliver(ChangeSubscription):
    """Sends deliveries again, with the event ids they had.

    Attributes:
        deliveries: Which; those of other subscriptions are left alone.
        include_delivered: Those that arrived, too.
    """

    deliveries: tuple[bytes, ...]
    include_delivered: bool

    def needs(self, need: Need) -> None:
        """The subscription, its work, the deliveries."""
        wake_needs(need, self.subscription)
        for key in self.deliveries:
            need.row(Delivery, key)

    def decide(self, world: World) -> Changes:
        """Queues them again.

        Raises:
            Refused: RESOURCE_NOT_FOUND.
        """
        row = self.require(world)
        row = row._replace(queued=row.queued + 1, resume_time=0)
        found = (world.get(Delivery, key) for key in self.deliveries)
        again = tuple(
            queue_again(delivery, world.wall_us)
            for delivery in found
            if delivery is not None and delivery.subscription == row.id
            if self.include_delivered or delivery.state != DeliveryState.DELIVERED
        )
        return Changes(row, again, work=wake(world, row) if again else ())
