"""Money: an exact amount of one currency, parsed from what people write and printed as they read it.

In: a text such as "12.30" and a currency code. Out: minor units, and the same text again. Invariant: no floating point
number ever comes near an amount, and nothing is computed here: sums and shares are the ledger's.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

# Decimals of the minor unit: ISO 4217 with the amendments up to January 2026, and the registered tokens.
_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
        CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
        HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
        MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
        RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
        USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    6: "USDC USDT",
}
_EXPONENTS: Final = {code: exponent for exponent, codes in _CODES.items() for code in codes.split()}
_AMOUNT: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def exponent_of(currency_code: str) -> int:
    """Decimals of a currency's minor unit: JPY 0, CNY 2, KWD 3, USDC 6.

    Raises:
        ValueError: The code is neither ISO 4217 nor a registered token known to this version.
    """
    try:
        return _EXPONENTS[currency_code]
    except KeyError:
        raise ValueError(
            f"{currency_code!r} is not a currency known here: count its minor units yourself, Money(1230, 'CNY')"
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency.

    Attributes:
        amount_minor: The amount in the currency's smallest unit; negative only where it is a balance or difference.
        currency_code: ISO 4217 code or registered token.

    Raises:
        TypeError: They are not a whole number and a text, such as swapped ones.
    """

    amount_minor: int
    currency_code: str

    def __post_init__(self) -> None:
        """Refuses at once what would only fail when it is sent, far from where it was written."""
        if not _are_parts(self.amount_minor, self.currency_code):
            wrong = f"Money({self.amount_minor!r}, {self.currency_code!r})"
            raise TypeError(f"write minor units, then the currency, such as Money(1230, 'CNY'); got {wrong}")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency_code: str) -> Self:
        """Reads an amount as people write it: `Money.of("12.30", "CNY")` is 1230 fen.

        Args:
            amount: In the major unit, with a point and no grouping. A float is refused: 12.3 is not exactly 12.30.
            currency_code: ISO 4217 code or registered token.

        Raises:
            ValueError: It is no amount, has more decimals than the currency, or the currency is not known.
            TypeError: It is a float, or something else that is no amount.
        """
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise TypeError(f"write the amount as text, such as Money.of('12.30', 'CNY'); got {amount!r}")
        exponent = exponent_of(currency_code)
        text = f"{amount:f}" if isinstance(amount, Decimal) else str(amount)
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not an amount such as 12.30")
        sign, units, decimals = match.group(1), match.group(2), match.group(3) or ""
        if len(decimals) > exponent:
            raise ValueError(f"{currency_code} has {exponent} decimals, {text!r} has {len(decimals)}")
        return cls(int(f"{sign}{units}{decimals.ljust(exponent, '0')}"), currency_code)

    @property
    def amount(self) -> str:
        """The amount in the major unit: `12.30`.

        Raises:
            ValueError: The currency is not known here, so neither is where the point belongs.
        """
        exponent = exponent_of(self.currency_code)
        digits = str(abs(self.amount_minor)).rjust(exponent + 1, "0")
        sign = "-" if self.amount_minor < 0 else ""
        return f"{sign}{digits[: len(digits) - exponent]}.{digits[len(digits) - exponent :]}".rstrip(".")

    def __str__(self) -> str:
        try:
            return f"{self.amount} {self.currency_code}"
        except ValueError:
            return f"{self.amount_minor} minor units of {self.currency_code}"


def _are_parts(amount_minor: object, currency_code: object) -> bool:
    """Tells whether these are a whole number and a text, whatever their annotations promise."""
    return isinstance(amount_minor, int) and not isinstance(amount_minor, bool) and isinstance(currency_code, str)
