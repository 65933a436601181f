"""What the payer has to do before a payment can go on."""

from dataclasses import dataclass
from datetime import datetime

from .confirmation import Confirmation
from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Biometric(Model):
    """Confirm with a finger or face.

    Attributes:
        confirmation: The pending confirmation; None if none is pending: `client.payments.confirm` starts one.
    """

    confirmation: Confirmation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Model):
    """Go to a page or app of the bank or wallet, and come back.

    Attributes:
        url: Where to send the payer.
        qr_code: The text of a QR code that does the same from another device; empty if there is none.
    """

    url: str
    qr_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Model):
    """Nothing but patience.

    Attributes:
        text: What is waited for, one sentence for the payer.
        expected_time: When it should be over; None if nobody can say.
    """

    text: str
    expected_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction(Model):
    """What the payer has to do; exactly one is set.

    Attributes:
        biometric: Confirm with a finger or face.
        redirect: Go to the bank's or wallet's page.
        wait: Wait.
    """

    biometric: Biometric | None
    redirect: Redirect | None
    wait: Wait | None
