"""PartnerQuota: how often one partner did something sensitive today, counted where it cannot be lost.

In: a day of the wall clock (UTC) and the limit. Out: the counted row, or a refusal. Invariant: whoever holds a
partner's key, no more than the limit of a day gets through.
"""

from typing import NamedTuple

from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import DAY_US
from keelpay_server.book.world import World


class PartnerQuota(NamedTuple):
    """One counter.

    Attributes:
        id: `<partner>/<what>`.
        day: Days since the epoch, UTC.
        used: How often on that day.
    """

    id: str
    day: int
    used: int


def quota_needs(need: Need, partner: str, what: str) -> None:
    """Names what `count` reads."""
    need.row(PartnerQuota, f"{partner}/{what}")


def count(world: World, partner: str, what: str, limit: int) -> PartnerQuota:
    """Returns the counter after one more.

    Raises:
        Refused: RATE_LIMITED until the day ends.
    """
    key = f"{partner}/{what}"
    day, passed_us = divmod(world.wall_us, DAY_US)
    row = world.get(PartnerQuota, key)
    so_far = row.used if row is not None and row.day == day else 0
    if so_far >= limit:
        wait_ms = (DAY_US - passed_us) // 1000
        raise Refused(Reason.RATE_LIMITED, f"{what}: {limit} a day", retry_after_ms=wait_ms, limit=str(limit))
    return PartnerQuota(key, day, so_far + 1)
