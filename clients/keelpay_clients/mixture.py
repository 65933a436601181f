"""Mixture: the shares in which traffic is mixed, and how whole things are divided by shares.

In: a count and weights. Out: whole numbers that add up to the count. Invariant: nothing is lost and nothing is drawn by
chance: a hundred payments of which 78 % go by wallet are 78 payments.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple


class Way(Enum):
    """The way in which a payer pays."""

    WALLET = "wallet"
    CARD = "card"
    BALANCE = "balance"
    BANK = "bank"


class WayShare(NamedTuple):
    """One way's share of all payments."""

    way: Way
    permille: int


class RegionShare(NamedTuple):
    """One region's share of all customers."""

    code: str
    title: str
    permille: int


WAYS: Final = (
    WayShare(Way.WALLET, 780),
    WayShare(Way.CARD, 150),
    WayShare(Way.BALANCE, 50),
    WayShare(Way.BANK, 20),
)
"""External wallets 78 %, bank cards 15 %, other 7 % (docs/product.md: traffic shape)."""

REGIONS: Final = (
    RegionShare("CN-EAST", "East China", 350),
    RegionShare("CN-NORTH", "North China", 280),
    RegionShare("CN-SOUTH", "South China", 220),
    RegionShare("CN-WEST", "elsewhere", 150),
)
"""From the same paragraph."""


def apportion(count: int, weights: Sequence[int]) -> list[int]:
    """Divides a count by weights: largest remainder, ties to the first.

    Args:
        count: At least 0.
        weights: At least one, none below 0, their sum above 0.
    """
    total = sum(weights)
    parts = [count * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(count * weights[place] % total))
    for place in by_remainder[: count - sum(parts)]:
        parts[place] += 1
    return parts
