"""Magnitude: one coarse scale for amounts of all currencies, so that a payer's yen and yuan count together.

In: minor units and a currency. Out: about US cents, a whole number. Invariant: this scale decides how suspicious an
amount is and nothing else; no money is ever converted by it, so a table that is right within some ten percent serves.
"""

from typing import Final

from keelpay_server.ledger.currency import CURRENCIES

CENTS_PER_THOUSAND: Final = {
    "AED": 27_000, "AUD": 65_000, "BHD": 265_000, "BRL": 18_000, "CAD": 72_000, "CHF": 115_000, "CNY": 14_000,
    "CZK": 4_500, "DKK": 15_000, "EUR": 110_000, "GBP": 128_000, "HKD": 12_800, "HUF": 280, "IDR": 6, "ILS": 28_000,
    "INR": 1_180, "JPY": 670, "JOD": 141_000, "KRW": 72, "KWD": 325_000, "MOP": 12_400, "MXN": 5_300, "MYR": 23_000,
    "NOK": 9_500, "NZD": 59_000, "OMR": 260_000, "PHP": 1_750, "PLN": 26_000, "SAR": 26_600, "SEK": 9_800,
    "SGD": 76_000, "THB": 2_900, "TRY": 2_600, "TWD": 3_100, "USD": 100_000, "USDC": 100_000, "USDT": 100_000,
    "VND": 4, "ZAR": 5_500,
}  # fmt: skip
"""Central banks' yearly averages of 2025, rounded: US cents for a thousand of the currency."""

UNKNOWN: Final = 100_000
"""A currency without a row counts as if it were dollars: most are worth less, so caution errs on the strict side."""

_SCALES: Final[dict[str, tuple[int, int]]] = {
    row.code: (CENTS_PER_THOUSAND.get(row.code, UNKNOWN), 1000 * 10**row.exponent) for row in CURRENCIES
}


def magnitude(amount: int, currency: str) -> int:
    """Returns how large an amount is, in about US cents; at least 1.

    Args:
        amount: Minor units, positive.
        currency: A code of the ledger's table.
    """
    cents, divisor = _SCALES[currency]
    return max(1, amount * cents // divisor)
