"""Signals: what is known of a payment at the moment risk is asked.

In: filled by gateway, or from the facts of a payment made elsewhere. Out: read by features, lists and decisions.
Invariant: identifiers are stable; equal ones mean the same payer, card, device, payee or address.
"""

from typing import NamedTuple

from .consent import UNSAID, Consent


class Signals(NamedTuple):
    """One payment, as risk sees it.

    Attributes:
        payment: Its key, or `subject_of` a payment that is not made here.
        payer: `<partner>/<the partner's own id of the person>`; empty for a guest.
        merchant: Id of the merchant to be paid.
        amount: Minor units.
        currency: Its code.
        instrument: Key, or digest or token, of the card, account or wallet; empty if unknown.
        device: Stable id of the device; empty if unknown.
        address: Network address in text form, or the token of a delivery address; empty if unknown.
        payee: Token of who receives the money where it is not the merchant; else empty.
        channel: Number of the contract's Channel.
        region: ISO 3166 code of where it happens.
        confirmed: The payer has confirmed this very payment with a passkey: a step-up is already met.
        mandate: A mandate of the payer covers it.
        asked: The payer is still to be asked, whatever risk says: an approval proves nothing yet.
        consent: How the payer said yes, by which passkey and from where.
        external: The partner's own number of a payment that is not made here; else empty.
        previous: Key of the latest decision on this payment, or None for the first.
    """

    payment: bytes
    payer: str
    merchant: str
    amount: int
    currency: str
    instrument: bytes | str = b""
    device: str = ""
    address: str = ""
    payee: str = ""
    channel: int = 0
    region: str = ""
    confirmed: bool = False
    mandate: bool = False
    asked: bool = False
    consent: Consent = UNSAID
    external: str = ""
    previous: bytes | None = None
