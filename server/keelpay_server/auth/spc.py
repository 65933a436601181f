"""Secure Payment Confirmation: the browser showed payee, amount and instrument itself, and signed what it showed.

In: the `payment` member of clientDataJSON and the terms the server stored. Out: nothing, or a refusal naming the
member that differs. Invariant: every displayed member is compared exactly, the amount as the text of its currency's
exponent; members we do not know are not ours to judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import base64url
from .assertion_failure import AssertionFailure, AssertionRefused, require
from .client_data import ClientData
from .cose_key import signature_holds
from .relying_party import RelyingParty
from .terms import PaymentTerms


class Logo(NamedTuple):
    """The mark of somebody who stands behind an instrument: its bank, its network.

    Attributes:
        url: URL (or data URL) of the picture.
        label: Its name, for who cannot see it; never empty.
    """

    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpcTerms:
    """What the browser was asked to show.

    Attributes:
        payee_name: The payee's name, or None where only an origin was given.
        payee_origin: The payee's https origin, or None where only a name was given.
        currency: ISO 4217 code or registered token.
        value: The total as decimal text, such as `12.50`.
        instrument_name: The instrument's display name.
        instrument_icon: URL (or data URL) of its icon.
        instrument_details: A further line about it, or None.
        logos: The logos offered, in order.
    """

    payee_name: str | None
    payee_origin: str | None
    currency: str
    value: str
    instrument_name: str
    instrument_icon: str
    instrument_details: str | None = None
    logos: tuple[Logo, ...] = ()


@dataclass(frozen=True, slots=True)
class BrowserBinding:
    """What the browser's own key proved.

    Attributes:
        key: The browser-bound public key (COSE) whose signature held, or None where the browser has none.
    """

    key: bytes | None


def decimal_text(amount_minor: int, exponent: int) -> str:
    """An amount as the decimal text PaymentRequest takes: 1250 with exponent 2 is `12.50`, with exponent 0 `1250`.

    Args:
        amount_minor: Minor units, 0 or more.
        exponent: Digits after the point, 0 or more (ISO 4217 or the token's registration).
    """
    digits = str(amount_minor).rjust(exponent + 1, "0")
    return digits if exponent == 0 else f"{digits[:-exponent]}.{digits[-exponent:]}"


def spc_terms(
    terms: PaymentTerms,
    *,
    exponent: int,
    payee_origin: str | None,
    instrument_icon: str,
    instrument_details: str | None = None,
    logos: tuple[Logo, ...] = (),
) -> SpcTerms:
    """What the browser shows for these payment terms.

    Args:
        terms: The terms in the challenge.
        exponent: The currency's digits after the point.
        payee_origin: The payee's https origin, if it is to be shown.
        instrument_icon: URL of the instrument's icon.
        instrument_details: A further line about the instrument.
        logos: The logos offered.
    """
    return SpcTerms(
        payee_name=terms.payee_name,
        payee_origin=payee_origin,
        currency=terms.currency,
        value=decimal_text(terms.amount_minor, exponent),
        instrument_name=terms.instrument_display,
        instrument_icon=instrument_icon,
        instrument_details=instrument_details,
        logos=logos,
    )


def check_payment(client: ClientData, terms: SpcTerms, party: RelyingParty) -> None:
    """Compares what the browser signed with what the server stored, member by member.

    Raises:
        AssertionRefused: PAYMENT_* naming the first member that differs.
    """
    payment = client.payment
    if payment is None:
        raise AssertionRefused(AssertionFailure.PAYMENT_MISSING, "no payment member")
    # Older browsers write `rp`; where both are present they must agree (specification, rpId member).
    names = [payment[name] for name in ("rpId", "rp") if name in payment]
    require(bool(names) and all(name == party.rp_id for name in names), AssertionFailure.PAYMENT_RP_ID, "payment.rpId")
    top_origin = payment.get("topOrigin")
    require(
        isinstance(top_origin, str) and (top_origin == client.origin or top_origin in party.embedders),
        AssertionFailure.PAYMENT_TOP_ORIGIN,
        "payment.topOrigin",
    )
    require(payment.get("payeeName") == terms.payee_name, AssertionFailure.PAYMENT_PAYEE_NAME, "payment.payeeName")
    require(
        payment.get("payeeOrigin") == terms.payee_origin, AssertionFailure.PAYMENT_PAYEE_ORIGIN, "payment.payeeOrigin"
    )
    total = _object(payment, "total")
    require(total.get("currency") == terms.currency, AssertionFailure.PAYMENT_CURRENCY, "payment.total.currency")
    require(total.get("value") == terms.value, AssertionFailure.PAYMENT_VALUE, "payment.total.value")
    instrument = _object(payment, "instrument")
    require(
        instrument.get("displayName") == terms.instrument_name
        and instrument.get("icon") == terms.instrument_icon
        # An empty line and no line look alike; browsers write either.
        and (instrument.get("details") or None) == terms.instrument_details,
        AssertionFailure.PAYMENT_INSTRUMENT,
        "payment.instrument",
    )
    require(_logos_offered(payment.get("paymentEntitiesLogos"), terms.logos), AssertionFailure.PAYMENT_LOGOS, "logos")


def check_browser_binding(client: ClientData, client_bytes: bytes, extensions: Mapping[str, Any]) -> BrowserBinding:
    """Verifies the browser-bound signature, a second signature over clientDataJSON by a key of this one browser.

    A missing signature is no failure: it is an additional signal, which most browsers do not give.

    Raises:
        AssertionRefused: BROWSER_BOUND_KEY where there is a signature that does not hold.
    """
    key_text = (client.payment or {}).get("browserBoundPublicKey")
    signature_text = _object(_object(extensions, "payment"), "browserBoundSignature").get("signature")
    if not key_text or not signature_text:
        return BrowserBinding(None)
    try:
        key = base64url.decode(key_text)
        holds = signature_holds(key, base64url.decode(signature_text), client_bytes)
    except (ValueError, TypeError) as error:
        raise AssertionRefused(AssertionFailure.BROWSER_BOUND_KEY, "unreadable") from error
    require(holds, AssertionFailure.BROWSER_BOUND_KEY, "its signature does not hold")
    return BrowserBinding(key)


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _logos_offered(shown: Any, offered: tuple[Logo, ...]) -> bool:
    """Whether the logos shown are some of those offered, in their order.

    A browser shows as many as it has room for, and writes an empty url for a picture that it could not fetch.
    """
    if shown is None:
        return True
    if not isinstance(shown, list) or not all(isinstance(each, dict) for each in shown):
        return False
    rest = iter(offered)
    return all(any(_is_logo(each, logo) for logo in rest) for each in shown)


def _is_logo(shown: Mapping[str, Any], offered: Logo) -> bool:
    return shown.get("label") == offered.label and shown.get("url") in {offered.url, ""}
