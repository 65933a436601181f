"""Amounts are integers of minor units; whatever divides them conserves their sum.

In: amounts, weights, basis points, decimal text. Out: integers, or text for people.
Invariant: no float and no lost unit; every division states how it rounds and where the remainder goes.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from keelpay_server.ledger.currency import Currency, CurrencyError, currency

INT64_MAX = 2**63 - 1
"""The largest total of an account: balances are 64-bit integers in the database and on the wire."""

AMOUNT_MAX = 10**15
"""The largest amount of one payment, refund or payout.

It is below 2**53, so an amount survives a JSON reader that knows only doubles, and an account can take more than
9,000 of the largest amounts before a 64-bit total ends (a century of real traffic: a nation's payments of one day are
of that order). In CNY it is ten thousand billion yuan, in a token of six decimals a billion tokens.
"""

BASIS_POINTS = 10_000
"""Basis points of a whole."""

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,18}))?")


class AmountError(ValueError):
    """A text or number is not an amount of this currency, or lies outside the bounds."""


class Rounding(IntEnum):
    """Where a share goes that is not a whole number of minor units."""

    DOWN = 1
    HALF_UP = 2
    UP = 3


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divides an amount by weights so that the parts add up to it (method of the largest remainder).

    Every part is its exact share rounded down or up. The units left over go to the largest remainders, among equal
    remainders to the earlier part.

    Args:
        amount: minor units, >= 0.
        weights: >= 0, at least one above zero.

    Raises:
        AmountError: a negative amount or weight, or weights that add up to zero.
    """
    total = sum(weights)
    if amount < 0 or total <= 0 or min(weights) < 0:
        raise AmountError(f"cannot split {amount} by weights that add up to {total}")
    parts, remainders = [], []
    for weight in weights:
        part, remainder = divmod(amount * weight, total)
        parts.append(part)
        remainders.append(remainder)
    left = amount - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left]:
        parts[index] += 1
    return parts


def share(amount: int, numerator: int, denominator: int, rounding: Rounding) -> int:
    """The part numerator/denominator of an amount.

    Args:
        amount: minor units, >= 0.
        numerator: >= 0.
        denominator: > 0.
        rounding: which whole number of minor units a fraction becomes.

    Raises:
        AmountError: an argument outside its bounds.
    """
    if amount < 0 or numerator < 0 or denominator <= 0:
        raise AmountError(f"cannot take {numerator}/{denominator} of {amount}")
    product = amount * numerator
    if rounding is Rounding.DOWN:
        return product // denominator
    if rounding is Rounding.HALF_UP:
        return (2 * product + denominator) // (2 * denominator)
    return -(-product // denominator)


def share_bp(amount: int, basis_points: int, rounding: Rounding) -> int:
    """The part of an amount that basis points (1/10,000) name. Bounds and errors as `share`."""
    return share(amount, basis_points, BASIS_POINTS, rounding)


def prorated(total: int, part: int, whole: int, taken: int) -> int:
    """What is due now of a total that follows a growing part of a whole.

    A fee given back with partial refunds is the case: after each refund the sum given back is total * part / whole,
    rounded down, so the last refund (part == whole) returns exactly what is left and nothing is lost on the way.

    Args:
        total: minor units to hand out in all, >= 0.
        part: how much of the whole is reached, this step included; 0 <= part <= whole.
        whole: > 0.
        taken: minor units handed out before, >= 0.

    Raises:
        AmountError: an argument outside its bounds.
    """
    if not 0 <= part <= whole or taken < 0:
        raise AmountError(f"cannot prorate {total} by {part}/{whole} after {taken}")
    return max(share(total, part, whole, Rounding.DOWN) - taken, 0)


def format_minor(amount_minor: int, currency: Currency) -> str:
    """Minor units as decimal text with the currency's digits, as "12.30" (CNY) or "1230" (JPY); "-0.05" below zero."""
    sign, digits = "-" * (amount_minor < 0), str(abs(amount_minor))
    if not currency.exponent:
        return sign + digits
    digits = digits.rjust(currency.exponent + 1, "0")
    return f"{sign}{digits[: -currency.exponent]}.{digits[-currency.exponent :]}"


def amount_text(amount_minor: int, code: str) -> str:
    """An amount as people read it, as "12.30 CNY"; minor units of a currency that is not known here."""
    try:
        return f"{format_minor(amount_minor, currency(code))} {code}"
    except CurrencyError:
        return f"{amount_minor} minor units of {code}"


def parse_minor(text: str, currency: Currency) -> int:
    """Decimal text as minor units: "12.30", "12.3" and "12" of CNY are 1230, 1230 and 1200.

    Nothing is rounded or guessed: no sign, no spaces, no grouping, no exponent, no more decimals than the currency has.

    Raises:
        AmountError: the text is not such a number, or the amount is above AMOUNT_MAX.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise AmountError("an amount is digits, and at most one point with digits after it")
    whole, decimals = match[1], match[2] or ""
    if len(decimals) > currency.exponent:
        raise AmountError(f"{currency.code} has {currency.exponent} decimals")
    amount = int(whole + decimals.ljust(currency.exponent, "0"))
    if amount > AMOUNT_MAX:
        raise AmountError(f"an amount is at most {AMOUNT_MAX} minor units")
    return amount
