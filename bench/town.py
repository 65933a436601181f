"""The town that benchmarks pay in: partners, their merchants, payers with a balance, a mandate and a wallet.

In: nothing. Out: names, the same in every run. Invariant: many enough that no payer, merchant or partner is a
bottleneck of its own (a partner may make 60,000 calls a minute), few enough that they are ready in seconds.
"""

from typing import Final, NamedTuple

PARTNERS: Final = 8
MERCHANTS: Final = 128
PAYERS: Final = 2048
CURRENCY: Final = "CNY"
REGION: Final = "CN"
CALENDAR: Final = "Asia/Shanghai@00:00"
FEE_PLAN: Final = '{"default": {"basis_points": 60, "fixed_minor": 0}}'
WALLET: Final = "sandbox-wallet"
"""The in-process bank of `unary_bank`."""
FUNDS_MINOR: Final = 10_000_000_000
"""What each payer has at first: more than any run spends."""
LIMIT_MINOR: Final = FUNDS_MINOR
"""Of each mandate, for one payment, a day and its life."""
AMOUNT_MIN_MINOR, AMOUNT_MAX_MINOR = 1_800, 2_200
"""Payments lie close together, so that none is unusual for its payer and risk approves them all."""
SCOPES: Final = frozenset({"payments.write", "payments.read"})


class Buyer(NamedTuple):
    """One payer and whom it pays.

    Attributes:
        partner: Id of the partner of both.
        payer: Resource name.
        merchant: Resource name.
        mandate: Resource name of the mandate that lets this merchant be paid from the balance.
        wallet: Resource name of the stored wallet.
        device: Id of the payer's phone.
    """

    partner: str
    payer: str
    merchant: str
    mandate: str
    wallet: str
    device: str


def partner_id(number: int) -> str:
    """Returns the id of a partner, 0..PARTNERS-1."""
    return f"partner-{number}"


def merchant_id(number: int) -> str:
    """Returns the id of a merchant, 0..MERCHANTS-1; its partner is number % PARTNERS."""
    return f"shop-{number}"


def payer_id(number: int) -> str:
    """Returns the id of a person at its partner, 0..PAYERS-1; merchant number % MERCHANTS is its shop."""
    return f"person-{number}"


def payer_key(number: int) -> str:
    """Returns the key of a payer, `<partner>/<person>`."""
    return f"{partner_id(number % PARTNERS)}/{payer_id(number)}"
