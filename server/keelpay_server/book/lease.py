"""Leases: which process has a row of work, and until when.

In: work that is due, the wall clock. Out: the same work with its owner and the end of the lease.
Invariant: a length is handed in with the owner's name and never changed; whoever's lease has ended has nothing.
"""

from typing import Final, NamedTuple

from .changes import Work
from .times import SECOND_US

LEASE_US: Final = 30 * SECOND_US
"""How long a process keeps work that it took, unless it ends it earlier or renews it."""


class Lease(NamedTuple):
    """How one process leases work.

    Attributes:
        owner: The process, by a name that is unique among those that share the database.
        length_us: How long each lease lasts, above zero.
    """

    owner: str
    length_us: int = LEASE_US

    def until(self, wall_us: int) -> int:
        """Returns when a lease ends that is taken or renewed now."""
        return wall_us + self.length_us

    def take(self, task: Work, wall_us: int) -> Work:
        """Returns work as the owner has it from now on."""
        return task._replace(lease_owner=self.owner, lease_until_us=self.until(wall_us))

    def holds(self, task: Work, wall_us: int) -> bool:
        """Tells whether the owner has the work now, as far as this row says."""
        return task.lease_owner == self.owner and task.lease_until_us > wall_us

    def is_worn(self, until_us: int, wall_us: int) -> bool:
        """Tells whether a third of a lease that ends at `until_us` has passed: time to renew it."""
        return until_us - wall_us <= self.length_us * 2 // 3


NOBODY: Final = Lease("")
"""For a world that no process decides in."""
