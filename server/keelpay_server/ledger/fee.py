"""Fees: what a merchant pays us for captured money, as a table of basis points and fixed parts by channel.

In: the merchant's fee plan as JSON and what was captured so far. Out: the fee of all of it in minor units.
Invariant: the fee of many captures is the fee of their sum, and it never exceeds what was captured.
"""

import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

from keelpay_server.ledger.money import Rounding, share_bp

BASIS_POINTS_MAX: Final = 10_000
FIXED_MAX_MINOR: Final = 1_000_000_000


class FeePlanInvalid(ValueError):  # noqa: N818  (reads as what it says where it is caught)
    """The text is no fee plan."""


class FeeRate(NamedTuple):
    """What one channel costs: a share in basis points (0..10,000) and a fixed part in minor units (>= 0)."""

    basis_points: int
    fixed_minor: int


class FeePlan(NamedTuple):
    """A merchant's fees: the rate of most channels, and those that differ."""

    default: FeeRate
    channels: tuple[tuple[int, FeeRate], ...] = ()

    def rate(self, channel: int) -> FeeRate:
        """The rate of a channel of the contract."""
        for number, rate in self.channels:
            if number == channel:
                return rate
        return self.default


@lru_cache(maxsize=4096)
def parse_fee_plan(text: str) -> FeePlan:
    """A fee plan from its stored JSON: {"default": {"basis_points": 60, "fixed_minor": 0}, "channels": {"3": {...}}}.

    Raises:
        FeePlanInvalid: it is not such a document, or a number is out of its bounds.
    """
    try:
        document = json.loads(text)
        channels = tuple(sorted((int(number), _rate(rate)) for number, rate in document.get("channels", {}).items()))
        return FeePlan(_rate(document["default"]), channels)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FeePlanInvalid(f"not a fee plan: {error}") from error


def fee_plan_text(plan: FeePlan) -> str:
    """The JSON that is stored for a plan; equal plans give equal texts."""
    document: dict[str, Any] = {"default": plan.default._asdict()}
    if plan.channels:
        document["channels"] = {str(number): rate._asdict() for number, rate in plan.channels}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def fee_total(plan: FeePlan, channel: int, captured_minor: int) -> int:
    """The fee of everything captured so far, in minor units: a share rounded half up, and the fixed part once.

    Args:
        plan: the merchant's.
        channel: the payment's.
        captured_minor: >= 0; nothing captured costs nothing.
    """
    if not captured_minor:
        return 0
    rate = plan.rate(channel)
    return min(share_bp(captured_minor, rate.basis_points, Rounding.HALF_UP) + rate.fixed_minor, captured_minor)


def _rate(document: dict[str, Any]) -> FeeRate:
    rate = FeeRate(document["basis_points"], document.get("fixed_minor", 0))
    if not (type(rate.basis_points) is int and 0 <= rate.basis_points <= BASIS_POINTS_MAX):
        raise FeePlanInvalid(f"basis points must be 0..{BASIS_POINTS_MAX}")
    if not (type(rate.fixed_minor) is int and 0 <= rate.fixed_minor <= FIXED_MAX_MINOR):
        raise FeePlanInvalid(f"the fixed part must be 0..{FIXED_MAX_MINOR} minor units")
    return rate
