"""Who pays a refund: the merchant's money as it is now, our fee in proportion, and what to load to know both.

In: a refund that has no money yet. Out: its funding, or None where the merchant's money does not cover it.
Invariant: over all refunds of a payment, the fee given back is the fee's share of what was given back, rounded down.
"""

from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.world import World
from keelpay_server.clearing.settlement import settled_needs
from keelpay_server.clearing.window import Window, WindowState, open_window
from keelpay_server.ledger.account import merchant_owed, refund_transit
from keelpay_server.ledger.money import prorated
from keelpay_server.ledger.posting.refund import Funding, FundingError, fund

from .payment import Payment
from .refund import FUNDED, Refund, RefundPolicy, RefundSource


def funding_needs(need: Need, merchant: str, payment: bytes) -> None:
    """Asks for the merchant and the payment's other refunds, then for what the merchant has."""
    found = need.row(Merchant, merchant)
    windows = need.all(Window, "state", WindowState.OPEN)
    need.all(Refund, "payment", payment)
    if found is None:
        return
    need.account(found.available())
    for window in windows:
        if window.id == found.window_opened:
            need.account(found.unsettled(window.id))


def return_needs(need: Need, refund: Refund) -> None:
    """Asks for what giving the money back to its sources depends on."""
    need.account(refund_transit(refund.transit, refund.currency_number))
    if refund.owner:
        settled_needs(need, refund.owner, refund.window)
        need.account(merchant_owed(refund.owner, refund.currency_number))


def find_funds(
    world: World, refund: Refund, payment: Payment, merchant: Merchant, policy: RefundPolicy
) -> Funding | None:
    """Returns who pays a refund now, or None where the merchant's money does not cover it and it may not owe us."""
    window = open_window(world, merchant)
    opened = merchant.window_opened == window.id
    try:
        return fund(
            merchant=merchant.number, currency=refund.currency_number, window=window.id, amount=refund.amount,
            available_room=max(0, world.headroom(merchant.available())),
            unsettled_room=max(0, world.headroom(merchant.unsettled(window.id))) if opened else 0,
            may_owe=policy.may_owe, fee=fee_returned(world, refund, payment) if policy.return_fee else 0,
        )  # fmt: skip
    except FundingError:
        return None


def fee_returned(world: World, refund: Refund, payment: Payment) -> int:
    """Returns what of our fee goes back with a refund, minor units: 0..its amount."""
    others = [
        other
        for other in world.all(Refund, "payment", payment.id)
        if other.id != refund.id and other.state in FUNDED and other.source == RefundSource.MERCHANT
    ]
    part = refund.amount + sum(other.amount for other in others)
    due = prorated(payment.fee, part, payment.captured, sum(other.from_fee for other in others))
    return min(due, refund.amount)
