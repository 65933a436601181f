"""Acts: what clearing does on two people's word, by kind of proposal, for the approvals' table in `app`.

In: the key of what was proposed. Out: the command that carries it out, and the one that drops it.
Invariant: a proposal carries a key only: what is done is what stood in the row that both people saw.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from keelpay_server.book.command import Command

from .adjustment import DropAdjustment, PostAdjustment
from .break_commands import ReopenBreak, ResolveBreak
from .payout_commands import CancelPayout, ReservePayout


class Act(NamedTuple):
    """What becomes of a proposal.

    Attributes:
        approve: Carries it out, by the key of its subject.
        reject: Drops it: the key of its subject, and the name of the reason for which carrying it out was refused, or
            empty where nobody approved it.
    """

    approve: Callable[[bytes], Command]
    reject: Callable[[bytes, str], Command]


ACTS: Final[dict[str, Act]] = {
    "payout.created": Act(lambda key: ReservePayout(payout=key), lambda key, why: CancelPayout(payout=key, why=why)),
    "break.proposed": Act(lambda key: ResolveBreak(disagreement=key), lambda key, _why: ReopenBreak(disagreement=key)),
    "adjustment.proposed": Act(
        lambda key: PostAdjustment(adjustment=key), lambda key, _why: DropAdjustment(adjustment=key)
    ),
}
"""By the name under which the proposing command emits: its reaction stores a proposal of that kind, whose key is the
`proposal` of the row and whose subject is the row's key."""
