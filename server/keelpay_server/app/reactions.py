"""The tables between rooms: what a command makes happen in another room, and how approved proposals are rebuilt.

In: the names under which commands emit, the kinds of proposals. Out: reactions and rebuilds.
Invariant: one entry a name; a room that is not named here acts on nothing.
"""

from collections.abc import Mapping
from typing import Final

from keelpay_server.auth import merchant_commands
from keelpay_server.auth.proposal_commands import Rebuild
from keelpay_server.book.reaction import Reactions
from keelpay_server.clearing.window_commands import OpenFirstWindow
from keelpay_server.gateway import approvals
from keelpay_server.gateway.matched_line import TellSubject
from keelpay_server.gateway.payout_operation import SendPayout
from keelpay_server.gateway.rejection import PaymentDeclinedByPayer
from keelpay_server.gateway.resolved_break import SettleSubject, TrySettling
from keelpay_server.gateway.review import PaymentReviewed

REACTIONS: Final[Reactions] = {
    merchant_commands.CREATED: (OpenFirstWindow(),),
    "confirmation.rejected": (PaymentDeclinedByPayer(),),
    "review.decided": (PaymentReviewed(),),
    "payout.created": (approvals.AskSecondPerson(),),
    "payout.submitted": (SendPayout(),),
    "break.proposed": (TrySettling(), approvals.AskSecondPerson()),
    "adjustment.proposed": (approvals.AskSecondPerson(),),
    "proposal.dropped": (approvals.DropProposed(),),
    "line.matched": (TellSubject(),),
    "break.resolved": (SettleSubject(),),
}
REBUILDS: Final[Mapping[str, Rebuild]] = {
    merchant_commands.CHANGE_MONEY: merchant_commands.rebuild_money_change,
    **approvals.REBUILDS,
}
