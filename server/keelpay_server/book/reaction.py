"""The reaction table: how a higher room acts in the same commit as a lower room's command.

In: the `emits` name of a command, wired to reactions by `app`. Out: further Changes of the same commit.
Invariant: lower rooms know no higher room; a reaction that refuses refuses the whole command.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from .changes import Changes
from .need import Need
from .world import World


class Reaction(Protocol):
    """What a higher room does when a command of a lower room is decided."""

    def needs(self, command: Any, need: Need) -> None:
        """Names what to load, as a command does; called once a round."""

    def decide(self, command: Any, changes: Changes, world: World) -> Changes:
        """Returns the further effect, given what the command itself is about to change."""


Reactions = Mapping[str, tuple[Reaction, ...]]
