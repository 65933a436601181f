"""Method: the way a payment is to be paid, as a request chooses it.

In: channel, instrument, mandate, and the rail that serves them. Out: the payment with that way of paying.
Invariant: a confirmation of the old way is worth nothing.
"""

from typing import NamedTuple

from .payment import Payment


class Method(NamedTuple):
    """A way of paying.

    Attributes:
        channel: The contract's Channel.
        instrument: Key, or None for a balance.
        mandate: Key, or None.
        bank: The rail that serves it; empty for a balance.
        token: The rail's token of the instrument.
    """

    channel: int
    instrument: bytes | None
    mandate: bytes | None
    bank: str
    token: str


def apply_method(payment: Payment, method: Method | None, device: str = "", return_uri: str = "") -> Payment:
    """Returns the payment with another way of paying, device and way back; None and empty keep what it has."""
    payment = payment._replace(device=device or payment.device, return_uri=return_uri or payment.return_uri)
    if method is None:
        return payment
    old = Method(payment.channel, payment.instrument, payment.mandate, payment.bank, payment.token)
    if method == old:
        return payment
    return payment._replace(**method._asdict(), stepped_up=False, confirmation=None)
