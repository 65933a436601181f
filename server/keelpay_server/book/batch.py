"""One batch: the commands of one commit, loaded in rounds, decided one after the other, each on its own.

In: commands, and a World that storage has filled. Out: one outcome a command, and the world's changes to save.
Invariant: a command that fails leaves no trace and no other command notices; a repeat answers as the first did.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .changes import Changes, Outcome
from .command import Command
from .lease import NOBODY, Lease
from .need import Need
from .projection import Projection
from .reaction import Reactions
from .reasons import Reason
from .refusal import Refused
from .request import RequestRow, recall, remember
from .world import Unloaded, World

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("keelpay.book")
DEFERRED = Outcome(None, b"", Refused(Reason.CONFLICT, "the batch could not see what this needs yet"))
"""Not an answer: the lane decides the command again in the next batch."""
DEPTH_MAX = 6


class Batch:
    """The commands of one commit.

    Attributes:
        outcomes: One a command, after `decide`.
        world: What it saw and changed, after `decide`.
    """

    __slots__ = ("_depth", "book", "commands", "lease", "outcomes", "projection", "reactions", "world")

    def __init__(
        self,
        book: int,
        commands: Sequence[Command],
        reactions: Reactions,
        projection: Projection | None,
        lease: Lease = NOBODY,
    ) -> None:
        self.book, self.commands, self.reactions, self.projection = book, commands, reactions, projection
        self.lease = lease
        self.outcomes: list[Outcome] = []
        self.world: World | None = None
        self._depth = max(DEPTH_MAX if c.emits else c.depth for c in commands)

    def request_keys(self) -> list[bytes]:
        """Returns the idempotency keys to look up."""
        return [c.request.key for c in self.commands if c.request is not None]

    def rounds(self, world: World) -> "Iterator[Need]":
        """Yields what to load, a round at a time; storage loads it into the world before asking on."""
        need = Need(world)
        for turn in range(self._depth):
            for command in self.commands:
                if command.depth > turn:
                    command.needs(need)
                if command.emits:
                    for reaction in self.reactions.get(command.emits, ()):
                        reaction.needs(command, need)
            if need.empty():
                return
            yield need
            need.clear()

    def decide(self, world: World) -> None:
        """Decides every command in order."""
        self.world = world
        world.lease = self.lease
        if self.projection is not None:
            world.counters = self.projection.view()
        run = self._run
        self.outcomes = [run(world, command) for command in self.commands]

    def committed(self) -> None:
        """Keeps what the batch counted; called once its commit is durable."""
        world = self.world
        if self.projection is not None and world is not None and world.events:
            self.projection.adopt(world.counters, world.sequence)

    def _run(self, world: World, command: Command) -> Outcome:
        request = command.request
        if request is not None and (seen := world.requests.get(request.key)) is not None:
            return Outcome(None, seen.entity, recall(seen, request), replayed=True)
        if command.deadline_us and command.deadline_us < world.wall_us:
            late = Refused(Reason.DEADLINE_TOO_SHORT, "its deadline passed in the queue; nothing was done")
            return Outcome(None, b"", late)
        world.caller = command.caller
        try:
            changes = command.decide(world)
            if command.emits:
                changes = self._react(world, command, changes)
            world.apply(changes)
        except Refused as refusal:
            if request is not None and refusal.reason.stored:
                self._remember(world, remember(request, b"", refusal, world.wall_us))
            return Outcome(None, b"", refusal)
        except Unloaded:
            return DEFERRED
        except Exception:  # a bug in one decision: it alone fails, nothing of it was applied
            _log.exception("a decision failed: %s", type(command).__name__)
            return Outcome(None, b"", Refused(Reason.INTERNAL))
        row, refusal_with_changes = changes.row, changes.refusal
        key = b"" if row is None else row[0]
        if request is not None:
            self._remember(world, remember(request, key, refusal_with_changes, world.wall_us))
        return Outcome(row, key, refusal_with_changes, rows=changes.rows)

    def _react(self, world: World, command: Command, changes: Changes) -> Changes:
        for reaction in self.reactions.get(command.emits, ()):
            changes = changes.join(reaction.decide(command, changes, world))
        return changes

    @staticmethod
    def _remember(world: World, row: RequestRow) -> None:
        world.requests[row.id] = row
        world.new_requests.append(row)
