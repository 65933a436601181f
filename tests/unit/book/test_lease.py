"""Laws of leases: whose work is whose, until when, and when a lease is to be renewed."""

import pytest

from keelpay_server.book.changes import WALL, Work
from keelpay_server.book.lease import LEASE_US, NOBODY, Lease

LEASE = Lease("me", 900)
TASK = Work(b"1", "call", b"", WALL, 0)


def test_taken_work_is_its_owners_for_the_whole_length_and_not_a_moment_more():
    task = LEASE.take(TASK, 5000)
    assert (task.lease_owner, task.lease_until_us) == ("me", 5900)
    assert LEASE.holds(task, 5899)
    assert not LEASE.holds(task, 5900)
    assert not Lease("another", 900).holds(task, 5000)
    assert not LEASE.holds(TASK, -1)


@pytest.mark.parametrize("passed_us, worn", [(0, False), (299, False), (300, True), (900, True), (5000, True)])
def test_a_lease_is_worn_from_a_third_on(passed_us, worn):
    assert LEASE.is_worn(LEASE.until(5000), 5000 + passed_us) is worn


def test_nobody_keeps_nothing_and_a_lease_lasts_half_a_minute():
    assert NOBODY.owner == ""
    assert Lease("me").length_us == LEASE_US == 30_000_000
