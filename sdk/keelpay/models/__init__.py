"""What the server tells, as frozen values: one class a noun of the contract, each with its protobuf as `raw`."""

from .checkout import Checkout, MandateAllowance, MandateOffer, PayerLink, PaymentOption, Receipt, Session
from .confirmation import Confirmation, ConfirmationEvidence
from .event import Delivery, Event, NewSecret, Subscription, SubscriptionKey
from .ledger import Account, LedgerFinding, Leg, MerchantBalance
from .mandate import Mandate
from .merchant import (
    AccessToken,
    FeePlan,
    FeeRule,
    Merchant,
    Partner,
    PayoutAccount,
    Proposal,
    SettlementCalendar,
    SigningKey,
)
from .model import Model
from .next_action import Biometric, NextAction, Redirect, Wait
from .operation import Operation
from .order import Order
from .passkey import Passkey, Registration
from .payer import Balance, Instrument, Payer, Transfer
from .payment import Payment, PaymentFailure, RiskSummary, Transition
from .payment_preview import PaymentPreview, PreviewLeg
from .reconciliation import Break, Statement
from .refund import Refund
from .risk import Decision, DecisionReason, ListEntry, Review
from .sandbox import Clock, Scenario
from .settlement import Payout, PayoutFailure, Settlement, SettlementLine, Window

__all__ = [
    "AccessToken",
    "Account",
    "Balance",
    "Biometric",
    "Break",
    "Checkout",
    "Clock",
    "Confirmation",
    "ConfirmationEvidence",
    "Decision",
    "DecisionReason",
    "Delivery",
    "Event",
    "FeePlan",
    "FeeRule",
    "Instrument",
    "LedgerFinding",
    "Leg",
    "ListEntry",
    "Mandate",
    "MandateAllowance",
    "MandateOffer",
    "Merchant",
    "MerchantBalance",
    "Model",
    "NewSecret",
    "NextAction",
    "Operation",
    "Order",
    "Partner",
    "Passkey",
    "Payer",
    "PayerLink",
    "Payment",
    "PaymentFailure",
    "PaymentOption",
    "PaymentPreview",
    "Payout",
    "PayoutAccount",
    "PayoutFailure",
    "PreviewLeg",
    "Proposal",
    "Receipt",
    "Redirect",
    "Refund",
    "Registration",
    "Review",
    "RiskSummary",
    "Scenario",
    "Session",
    "Settlement",
    "SettlementCalendar",
    "SettlementLine",
    "SigningKey",
    "Statement",
    "Subscription",
    "SubscriptionKey",
    "Transfer",
    "Transition",
    "Wait",
    "Window",
]
