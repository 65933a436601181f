"""A world in which everything is loaded: decisions of this room, one after another, without a database.

In: rows and balances to begin with. Out: the rows and balances the decisions leave. Invariant: `World.apply` itself
writes, so floors and sums are those of the product.
"""

from keelpay_server.book.world import World

START_US = 1_800_000_000_000_000


class Everything:
    """Contains whatever is asked for."""

    def __contains__(self, _key):
        return True


class Asked(dict):
    """Every entity was asked for, every key of it."""

    def get(self, _entity, _default=None):
        return Everything()


class OpenWorld(World):
    """See the module."""

    __slots__ = ()

    def __init__(self, rows, balances):
        super().__init__(1, 0, b"", START_US, START_US, 100, 1)
        self.asked, self.groups = Asked(), Everything()
        for row in rows:
            self.rows.setdefault(type(row), {})[row[0]] = row
        self.room.update(balances)

    def wait(self, by_us):
        """Both clocks go on."""
        self.wall_us += by_us
        self.business_us += by_us

    def do(self, command):
        """Decides and applies a command; returns the row it answers with."""
        changes = command.decide(self)
        self.apply(changes)
        return changes.row

    def of(self, entity):
        """Every row of an entity."""
        return list(self.rows.get(entity, {}).values())

    def net(self, account):
        """What the decisions have moved: credits less debits, posted and pending."""
        debits, credits_, pending_debits, pending_credits = self.moved.get(account, (0, 0, 0, 0))
        return credits_ - debits, pending_credits - pending_debits
