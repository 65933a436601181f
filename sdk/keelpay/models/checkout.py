"""Checkout: a link to one of our pages, what the page shows, the ways to pay, and the receipt."""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import ClassVar

from keelpay.api.gateway.v1 import checkout_pb2
from keelpay.enums import Authentication, Channel, PayerTokenKind, PaymentState, Reason
from keelpay.errors import ConfigurationError
from keelpay.money import Money
from keelpay.payment_method import PaymentMethod, payer_of

from .model import Model
from .passkey import Registration
from .payment import Payment
from .reason import reason_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerLink(Model):
    """A link to one of our pages for one payer. Whoever opens it first has it: hand it to that person alone.

    Attributes:
        url: The whole URL; the secret stands behind the `#`.
        kind: What it is good for.
        payer: `partners/{p}/payers/{u}`.
        payment: `merchants/{m}/payments/{p}`; empty unless it is good for one.
        expire_time: Until when it can be opened.
    """

    url: str
    kind: PayerTokenKind
    payer: str
    payment: str
    expire_time: datetime | None

    @property
    def token(self) -> str:
        """The secret alone, for an app that opens the session itself: `client.sessions.open`."""
        return self.url.partition("#")[2]

    def qr_svg(self, *, scale: int = 4, border: int = 4) -> str:
        """The URL as a QR code, an SVG document without script or style, to be shown by a shop's own screen.

        Args:
            scale: Units a module.
            border: Modules of quiet zone around it; ISO/IEC 18004 asks for 4.

        Raises:
            ConfigurationError: The extra `keelpay[qr]` is not installed.
        """
        try:
            import segno
        except ImportError as error:
            raise ConfigurationError("a QR code needs the extra: pip install 'keelpay[qr]'") from error
        code = segno.make_qr(self.url, error="m")
        svg = BytesIO()
        code.save(svg, kind="svg", scale=scale, border=border, xmldecl=False, svgclass=None, lineclass=None)
        return svg.getvalue().decode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateAllowance(Model):
    """What a mandate allows now.

    Attributes:
        payment_max: The most for one payment.
        left: What may still be paid under it today.
        expire_time: When it ends.
    """

    payment_max: Money
    left: Money
    expire_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOption(Model):
    """One way in which a payer may pay one payment.

    Attributes:
        display: What a person recognises it by, exactly as it is signed.
        brand: The network, bank or wallet; empty for the balance.
        available: It can be used for this payment now.
        authentication: Who says so: the payer's finger, an earlier mandate, or the payer's own wallet.
        balance: What is there to spend; only for the balance, and not on a device that its payer never confirmed on.
        selected: It is the payment's way of paying now, its mandate included.
        recommended: It is the one to offer first.
        allowance: The limits of the mandate that it is paid under; None without one.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"method", "obstacle"})

    display: str
    brand: str
    available: bool
    authentication: Authentication
    balance: Money | None
    selected: bool
    recommended: bool
    allowance: MandateAllowance | None

    @property
    def method(self) -> PaymentMethod:
        """The way itself, for `client.payments.choose`."""
        method = self._message.method
        return PaymentMethod(
            channel=Channel(method.channel),
            payer=payer_of(method.instrument),
            instrument=method.instrument,
            rail=method.rail,
            under_mandate=method.mandate,
        )

    @property
    def obstacle(self) -> Reason | None:
        """Why it cannot be used; None where it can, or where a newer server gives a reason unknown here."""
        return reason_of(self._message.obstacle)

    @property
    def _message(self) -> checkout_pb2.PaymentOption:
        if not isinstance(self.raw, checkout_pb2.PaymentOption):
            raise TypeError("this option was not made by the server")
        return self.raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout(Model):
    """One payment as its payer sees it before paying.

    Attributes:
        payment: The payment as it is now.
        merchant_display_name: Who is paid, exactly as the payer signs it.
        description: What is bought.
        merchant_number: The merchant's own number of the order, or of the payment where there is none.
        options: The ways to pay, the best first.
        return_url: Where the payer goes back to; empty if the merchant gave nothing.
    """

    payment: Payment
    merchant_display_name: str
    description: str
    merchant_number: str
    options: tuple[PaymentOption, ...]
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateOffer(Model):
    """What a payer may allow one merchant to take without asking.

    Attributes:
        merchant: `merchants/{m}`.
        merchant_display_name: Who would be paid, as the payer reads it.
        payment_max_choices: Small round amounts, the smallest first, to choose the most for one payment from.
    """

    merchant: str
    merchant_display_name: str
    payment_max_choices: tuple[Money, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Model):
    """A page's session: what its first screen shows.

    Attributes:
        kind: What it is good for.
        payer: `partners/{p}/payers/{u}`.
        locale: The payer's language; empty if it is not known.
        rp_id: The relying party of passkeys.
        passkey_active: The payer has a passkey that may sign.
        spc_offered: A payment may be confirmed with Secure Payment Confirmation, where the browser has it.
        spc_registration: A new passkey should be made for it, where the browser has it.
        session_end_time: Until when `client.sessions.refresh` gives new tokens; None where no link opened it.
        checkout: What is paid; only in a session that pays.
        recovery: The recovery that waits for its passkey; only in a session that enrols.
        return_url: Where the payer goes back to from enrolling or managing; empty for nowhere.
        mandate_offer: What the merchant may be allowed that was asked about; None otherwise.
    """

    kind: PayerTokenKind
    payer: str
    locale: str
    rp_id: str
    passkey_active: bool
    spc_offered: bool
    spc_registration: bool
    session_end_time: datetime | None
    checkout: Checkout | None
    recovery: Registration | None
    return_url: str
    mandate_offer: MandateOffer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Model):
    """What a payer keeps of a payment.

    Attributes:
        payment: `merchants/{m}/payments/{p}`.
        merchant_number: The merchant's own number.
        merchant_display_name: Who was paid.
        description: What was bought.
        amount: What the payer agreed to pay.
        captured: What was taken so far.
        refunded: What was given back so far.
        refund_pending: What is on its way back.
        source_display: What it was paid from.
        authentication: Who said so.
        state: Where the payment stands.
        pay_time: When the money was reserved or taken.
        rail_reference: The bank's or wallet's own reference; empty for the balance.
        statement_descriptor: What the payer's bank statement shows.
        return_url: Where the payer goes back to; empty if the merchant gave nothing.
    """

    payment: str
    merchant_number: str
    merchant_display_name: str
    description: str
    amount: Money
    captured: Money
    refunded: Money
    refund_pending: Money
    source_display: str
    authentication: Authentication
    state: PaymentState
    pay_time: datetime | None
    rail_reference: str
    statement_descriptor: str
    return_url: str
