"""What Secure Payment Confirmation shows besides the terms: how it is stored, and what the browser makes of both.

In: the icon, the digits of the currency. Out: the members that the browser signs, and a stored text. Invariant:
what was stored reads back as it was, so that what is verified is what was shown.
"""

import json
from dataclasses import dataclass

from .spc import Logo, SpcTerms, spc_terms
from .terms import PaymentTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class SpcDisplay:
    """What Secure Payment Confirmation showed besides the terms (members as in SpcTerms).

    Attributes:
        exponent: The currency's digits after the point.
        payee_origin: The payee's https origin, or None.
        instrument_icon: URL of the instrument's icon.
        instrument_details: A further line about the instrument, or None.
        logos: The logos offered.
    """

    exponent: int
    payee_origin: str | None
    instrument_icon: str
    instrument_details: str | None = None
    logos: tuple[Logo, ...] = ()


def displayed(terms: PaymentTerms, display: SpcDisplay) -> SpcTerms:
    """Returns what the browser shows for payment terms."""
    return spc_terms(
        terms, exponent=display.exponent, payee_origin=display.payee_origin,
        instrument_icon=display.instrument_icon, instrument_details=display.instrument_details, logos=display.logos,
    )  # fmt: skip


def write_display(display: SpcDisplay | None) -> str:
    """Returns the stored form of what is shown besides the terms."""
    if display is None:
        return ""
    return json.dumps(
        {
            "exponent": display.exponent, "payee_origin": display.payee_origin,
            "instrument_icon": display.instrument_icon, "instrument_details": display.instrument_details,
            "logos": list(display.logos),
        }
    )  # fmt: skip


def read_display(text: str) -> SpcDisplay | None:
    """Reads it back."""
    if not text:
        return None
    members = json.loads(text)
    return SpcDisplay(**{**members, "logos": tuple(Logo(*logo) for logo in members["logos"])})
