"""What a passkey may confirm while it is new, in every currency: amounts of about the same worth.

In: a currency. Out: the amount, minor units. Invariant: every currency that keelpay can count has a row, within a
factor of two of 2,000 CNY or 280 US dollars as of 2025; where a currency has moved further, the installation says so.
"""

from collections.abc import Mapping
from typing import Final

from keelpay_server.ledger.currency import CurrencyError, currency

# amount in the major unit -> codes
_TABLE: Final = {
    7: "CLF",
    100: "BHD KWD OMR XAD",
    200: "CHE CHF CHW EUR FKP GBP GIP JOD KYD SHP",
    300: "BMD BSD PAB USD USDC USDT USN",
    500: "AUD AWG AZN BAM BBD BND BZD CAD FJD MXV NZD SGD XCG",
    700: "BOV GEL TND TOP WST XCD",
    1_000: "AED BRL BYN ILS LYD MYR PEN PGK PLN QAR RON SAR TMT",
    2_000: "BOB CNY DKK GTQ HKD MOP SBD SVC TTD UYI",
    3_000: "BWP COU GHS MAD NOK SCR SEK TJS",
    5_000: "CUP CZK ERN HNL LSL MDL MVR MXN NAD SLE STN SZL UYW ZAR ZMW ZWG",
    10_000: "EGP MKD MRU MUR NIO SRD THB TRY TWD UAH UYU",
    20_000: "AFN ALL CVE DOP ETB GMD INR KGS PHP RSD RUB",
    30_000: "BDT BTN DZD GYD HTG ISK JMD KES KPW MZN NPR VES VED VUV XPF YER",
    40_000: "JPY",
    50_000: "DJF LKR LRD PKR",
    100_000: "AMD CRC HUF KMF KZT SDG SOS XAF XOF",
    300_000: "AOA ARS CLP IQD KRW NGN RWF",
    500_000: "CDF BIF MMK MWK TZS",
    1_000_000: "COP KHR MGA MNT SSP SYP UGX",
    2_000_000: "GNF PYG",
    4_000_000: "IDR LAK UZS",
    7_000_000: "VND",
    20_000_000: "IRR LBP",
}
LIMITS: Final = {code: major for major, codes in _TABLE.items() for code in codes.split()}
"""Currency to amount, in its major unit."""


def limit_minor(code: str, own: Mapping[str, int]) -> int:
    """Returns the most that a new passkey may confirm at a time, minor units; 0 for no currency.

    Args:
        code: The currency.
        own: What the installation chose instead, in the major unit.
    """
    try:
        minor = 10 ** currency(code).exponent
    except CurrencyError:
        return 0
    return int(own.get(code, LIMITS[code]) * minor)
