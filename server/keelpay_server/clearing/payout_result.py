"""What a bank's answer and a statement's lines do to a payout.

In: a submitted payout, an answer or a matched line. Out: its next state and what that posts.
Invariant: a bank's answer never moves 1000; a payout that came back is available again once, however often it is told.
"""

import json

from keelpay_server.book.changes import Changes
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.account import bank_reserve, parse, suspense
from keelpay_server.ledger.leg import LegCode, Posting, leg
from keelpay_server.ledger.posting import payout as posting
from keelpay_server.ledger.posting.payment import bank_cost

from .payout import Payout, PayoutState, event_of, move, touch

SENT = frozenset({PayoutState.SUBMITTED, PayoutState.PAID, PayoutState.RETURNED})
"""States in which the money may have left."""
ENDED_BADLY = frozenset({PayoutState.FAILED, PayoutState.RETURNED})


def record_paid(world: World, payout: Payout, cost: int) -> Changes:
    """The bank says that it has paid: nothing of it moves until its statement shows it; what it charges is our cost."""
    if payout.state != PayoutState.SUBMITTED:
        return Changes(payout)
    transit = parse(payout.hold_credit)
    legs = bank_cost(bank=transit.owner, currency=transit.currency, amount=cost).legs if cost else ()
    payout = move(payout, PayoutState.PAID, world.business_us, pay_time=world.business_us)
    return Changes(payout, legs=legs, events=(event_of(payout),))


def record_failure(world: World, payout: Payout, to: PayoutState, code: str) -> Changes:
    """The bank refused it (FAILED) or the payee's bank sent it back (RETURNED).

    Before the statement has shown it, the amount is available again at once. After that the money is at the other bank
    until a line shows it coming back: the answer changes the state only.
    """
    if payout.state in ENDED_BADLY:
        return Changes(payout)
    failure = json.dumps({"code": code, "time": world.business_us})
    back = posting.returned_unsent(payout.hold) if payout.in_transit else Posting()
    payout = move(payout, to, world.business_us, failure=failure, in_transit=0)
    return Changes(payout, legs=back.legs, events=(event_of(payout, code=code),))


def match_sent(world: World, payout: Payout, line: bytes) -> Changes:
    """The statement shows the payout leaving.

    If it had been given back already on the bank's word, the money that left is suspense until its return is shown.

    Raises:
        Refused: CONFLICT for a payout that was never submitted, that the bank refused, or whose line is known.
    """
    if payout.line is not None or payout.state not in SENT:
        raise Refused(Reason.CONFLICT, "no line is expected for this payout")
    if payout.in_transit:
        posted = posting.sent(payout.hold)
        payout = touch(payout, world.business_us, in_transit=0, line=line)
    else:
        transit = parse(payout.hold_credit)
        accounts = suspense(transit.owner, transit.currency), bank_reserve(transit.owner, transit.currency)
        posted = Posting((leg(*accounts, payout.amount, LegCode.PAYOUT_SENT),))
        payout = touch(payout, world.business_us, in_suspense=payout.amount, line=line)
    return Changes(payout, legs=posted.legs, events=(event_of(payout, "reconciled", line=line),))


def match_returned(world: World, payout: Payout, line: bytes) -> Changes:
    """The statement shows the payout coming back.

    Raises:
        Refused: CONFLICT for a payout that no statement shows leaving, or whose return is known.
    """
    if payout.line is None or payout.return_line is not None:
        raise Refused(Reason.CONFLICT, "no return is expected for this payout")
    if payout.in_suspense:
        transit = parse(payout.hold_credit)
        accounts = bank_reserve(transit.owner, transit.currency), suspense(transit.owner, transit.currency)
        posted = Posting((leg(*accounts, payout.amount, LegCode.PAYOUT_RETURNED),))
    else:
        posted = posting.returned_sent(payout.hold)
    business_us = world.business_us
    if payout.state == PayoutState.SUBMITTED:
        payout = move(payout, PayoutState.PAID, business_us, pay_time=business_us)
    if payout.state == PayoutState.PAID:
        failure = json.dumps({"code": "RETURNED", "time": business_us})
        payout = move(payout, PayoutState.RETURNED, business_us, failure=failure)
    payout = touch(payout, business_us, in_suspense=0, return_line=line)
    return Changes(payout, legs=posted.legs, events=(event_of(payout, "returned", line=line),))
