"""What a payment would do to the ledger, told before any money moves."""

from dataclasses import dataclass

from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLeg(Model):
    """One move of money between two accounts, as it would be written.

    Attributes:
        event: What would cause it: `authorize`, `capture`, `fee`.
        debit_account: The account debited, in readable form.
        credit_account: The account credited, in readable form.
        amount: How much.
        hold: It only reserves.
    """

    event: str
    debit_account: str
    credit_account: str
    amount: Money
    hold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPreview(Model):
    """What a payment would do to the ledger.

    Attributes:
        legs: Every leg in order, up to a complete capture.
        fee: What the merchant would pay.
        merchant_amount: What the merchant would get.
        confirmation_required: The payer would have to confirm; risk may ask for it even where this is False.
    """

    legs: tuple[PreviewLeg, ...]
    fee: Money
    merchant_amount: Money
    confirmation_required: bool
