"""Card numbers: whether one can be right, and whose network it is.

In: digits and an expiry. Out: a brand, or a refusal. Invariant: no part of a number is ever in a text made here, except
that its last four digits are what people know it by.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

UNKNOWN_BRAND: Final = "card"
_BRANDS: Final = (
    ("34", "34", "amex"), ("37", "37", "amex"), ("300", "305", "diners"), ("36", "36", "diners"),
    ("38", "39", "diners"), ("3528", "3589", "jcb"), ("4", "4", "visa"), ("51", "55", "mastercard"),
    ("2221", "2720", "mastercard"), ("6011", "6011", "discover"), ("644", "649", "discover"), ("65", "65", "discover"),
    ("62", "62", "unionpay"), ("81", "81", "unionpay"),
)  # fmt: skip
"""First and last leading digits of a network's numbers (ISO/IEC 7812 issuer identification), and the network."""
TITLES: Final = {
    "amex": "American Express", "card": "Card", "diners": "Diners Club", "discover": "Discover", "jcb": "JCB",
    "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn_holds(digits: str) -> bool:
    """Returns whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += _DOUBLED[int(digit)] if place % 2 else int(digit)
    return total % 10 == 0


def brand_of(digits: str) -> str:
    """Returns the network of a card number, or UNKNOWN_BRAND."""
    for first, last, brand in _BRANDS:
        if first <= digits[: len(first)] <= last:
            return brand
    return UNKNOWN_BRAND


def check_card(digits: str, expire_month: int, expire_year: int, business_us: int) -> None:
    """Refuses a card that cannot be right.

    Args:
        digits: The number.
        expire_month: 1..12.
        expire_year: Four digits.
        business_us: Now, on the business clock; a card is good through its month of expiry, everywhere on earth.

    Raises:
        Refused: CARD_INVALID.
    """
    if not luhn_holds(digits):
        raise Refused(Reason.CARD_INVALID, "the check digit of the card number is wrong")
    today = _EPOCH + timedelta(microseconds=business_us, hours=-12)
    if (expire_year, expire_month) < (today.year, today.month):
        raise Refused(Reason.CARD_INVALID, "the card has expired")
