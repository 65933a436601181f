"""What settling a merchant's closed window posts (T+1).

In: what is free on the window's account and what the merchant owes. Out: the legs that make it available.
Invariant: nothing that a refund has reserved is settled; it settles when the refund resolves.
"""

from keelpay_server.ledger.account import merchant_available, merchant_owed, merchant_unsettled
from keelpay_server.ledger.leg import LegCode, Posting, leg


def settle(*, merchant: int, window: int, currency: int, free: int, owed: int) -> Posting:
    """Moves a window's free money to the merchant: first 2100 -> 1230 what it owes, then 2100 -> 2110 the rest.

    Args:
        merchant: the merchant's owner number.
        window: a closed window.
        currency: the currency's number.
        free: the headroom of the window's account (its balance less what refunds reserve), >= 0.
        owed: the posted balance of the merchant's 1230, >= 0.
    """
    source = merchant_unsettled(merchant, currency, window)
    repaid = min(free, owed)
    legs = []
    if repaid:
        legs.append(leg(source, merchant_owed(merchant, currency), repaid, LegCode.REPAY))
    if free > repaid:
        legs.append(leg(source, merchant_available(merchant, currency), free - repaid, LegCode.SETTLE))
    return Posting(tuple(legs))
