"""What a walk remembers of payments, refunds, payouts and breaks: as little as its next step needs."""

from dataclasses import dataclass

from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.posting import refund


@dataclass
class Payment:
    merchant: int
    bank: int
    payer: int
    authorized: int
    discount: int
    hold: Hold
    captured: int = 0
    fee: int = 0
    discounted: int = 0
    refunded: int = 0
    refund_pending: int = 0
    fee_back: int = 0
    promotion_back: int = 0


@dataclass
class Refund:
    payment: Payment
    funding: refund.Funding
    bank: int
    state: str = "RESERVED"


@dataclass
class Payout:
    hold: Hold
    state: str = "RESERVED"


@dataclass
class Break:
    """Money of a bank in suspense; the amount is above zero where we have too much."""

    bank: int
    amount: int
    state: str = "OPEN"
    via: int = 0
