"""Need: what a batch must read before it can decide, gathered over a few rounds.

In: calls from the commands' `needs`. Out: keys by entity, groups by column, account numbers, for storage to load.
Invariant: nothing is asked for twice; a round that wants nothing new ends the loading.
"""

from typing import TypeVar

from .world import Key, World

Row = TypeVar("Row")


class Need:
    """The loading list of one round.

    Attributes:
        rows: Keys still to load, by entity.
        groups: (entity, column) to the values whose rows are all to be loaded.
        accounts: Numbers of floored accounts whose headroom is to be loaded.
    """

    __slots__ = ("accounts", "groups", "rows", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        """Starts a new round."""
        self.rows: dict[type, set[Key]] = {}
        self.groups: dict[tuple[type, str], set[Key]] = {}
        self.accounts: set[int] = set()

    def row(self, entity: type[Row], key: Key) -> Row | None:
        """Asks for one entity; returns it if an earlier round loaded it."""
        asked = self.world.asked.get(entity)
        if asked is None:
            asked = self.world.asked[entity] = set()
        if key in asked:
            rows = self.world.rows.get(entity)
            return None if rows is None else rows.get(key)
        asked.add(key)
        wanted = self.rows.get(entity)
        if wanted is None:
            wanted = self.rows[entity] = set()
        wanted.add(key)
        return None

    def all(self, entity: type[Row], column: str, value: Key) -> list[Row]:
        """Asks for every entity whose column has the value; returns them if an earlier round loaded them."""
        group = (entity, column, value)
        if group in self.world.groups:
            return self.world.all(entity, column, value)
        self.world.groups.add(group)
        self.groups.setdefault((entity, column), set()).add(value)
        return []

    def account(self, number: int) -> None:
        """Asks for the headroom of a floored account that the command lowers, or for the balance of another."""
        if number not in self.world.room:
            self.accounts.add(number)

    def empty(self) -> bool:
        """Tells whether this round wants nothing."""
        return not (self.rows or self.groups or self.accounts)
