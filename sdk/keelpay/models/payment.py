"""A payment: money on its way from a payer to a merchant, with what the payer has to do and what the bank said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from keelpay.enums import (
    CaptureMethod,
    Channel,
    DeclineAdvice,
    DeclineReason,
    Factor,
    PaymentState,
    RegionSource,
    RiskOutcome,
)
from keelpay.money import Money

from .model import Model
from .next_action import NextAction
from .operation import Operation

ENDED: Final = frozenset({PaymentState.CAPTURED, PaymentState.CANCELLED, PaymentState.EXPIRED, PaymentState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailure(Model):
    """Why an attempt to pay did not succeed. A decline is data, never an error.

    Attributes:
        reason: Who said no, and why.
        advice: What to do next.
        message: One kind sentence for the payer.
        rail_code: The bank's own code; empty if it gave none.
        operation_number: The operation that was declined; 0 if no bank was asked.
        time: When.
    """

    reason: DeclineReason
    advice: DeclineAdvice
    message: str
    rail_code: str
    operation_number: int
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSummary(Model):
    """What risk decided last, as far as a merchant may see it.

    Attributes:
        outcome: The outcome.
        factors: What moved the decision, strongest first.
        decision: `decisions/{d}`.
        degraded: The time ran out, and simple rules decided in place of the model.
        time: When.
    """

    outcome: RiskOutcome
    factors: tuple[Factor, ...]
    decision: str
    degraded: bool
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(Model):
    """One state that a payment reached, once or often, and who was waited for on the way to it.

    Attributes:
        state: The state that was reached.
        time: When it was first reached.
        system_ms: Milliseconds in our system on the way to it, all times together.
        bank_ms: Milliseconds at the bank.
        human_ms: Milliseconds of waiting for people.
        count: How often it was reached.
        last_time: When it was last reached; equal to `time` if that was once.
    """

    state: PaymentState
    time: datetime | None
    system_ms: int
    bank_ms: int
    human_ms: int
    count: int
    last_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Model):
    """A payment. Every amount is in the payment's currency.

    Attributes:
        name: `merchants/{m}/payments/{p}`.
        merchant_payment_id: The merchant's own number.
        order: The order it pays; empty for a payment without one.
        amount: How much the payer pays.
        channel: The way of paying.
        region: Where it happens.
        region_source: How the region is known.
        payer: Who pays, `partners/{p}/payers/{u}`.
        instrument: What it is paid from; empty for a balance.
        rail: The bank or wallet.
        mandate: The mandate it is paid under; empty if the payer confirms in person.
        capture_method: When the money is taken.
        description: What is paid for.
        statement_descriptor: What the payer's bank statement shows.
        metadata: The merchant's own notes.
        expire_time: When it gives up unless it is authorized.
        state: Where it stands.
        next_action: What the payer has to do now.
        last_failure: The last decline; None if there was none.
        risk: What risk decided last.
        cancel_requested: Cancelling was asked for while the bank was at work.
        hold_expire_time: When authorized money returns unless it is taken.
        amount_authorized: Reserved.
        amount_captured: Taken.
        amount_capturable: Still can be taken.
        amount_released: Given up.
        amount_refund_pending: On its way back.
        amount_refunded: Given back.
        amount_disputed: Under dispute.
        fee: What the merchant pays for it so far.
        system_ms: Milliseconds spent in our system.
        bank_ms: Milliseconds spent at the bank.
        human_ms: Milliseconds spent waiting for people.
        transitions: Every state it reached, once each, in the order of first reaching; left out of lists.
        operations: Everything asked of a bank, oldest first; left out of lists.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
        return_url: Where the payer goes back to after paying; empty if the merchant gave nothing.
        confirmation: The confirmation that was spent for it; empty if nobody confirmed in person.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"device"})

    name: str
    merchant_payment_id: str
    order: str
    amount: Money
    channel: Channel
    region: str
    region_source: RegionSource
    payer: str
    instrument: str
    rail: str
    mandate: str
    capture_method: CaptureMethod
    description: str
    statement_descriptor: str
    metadata: Mapping[str, str]
    expire_time: datetime | None
    state: PaymentState
    next_action: NextAction | None
    last_failure: PaymentFailure | None
    risk: RiskSummary | None
    cancel_requested: bool
    hold_expire_time: datetime | None
    amount_authorized: Money
    amount_captured: Money
    amount_capturable: Money
    amount_released: Money
    amount_refund_pending: Money
    amount_refunded: Money
    amount_disputed: Money
    fee: Money
    system_ms: int
    bank_ms: int
    human_ms: int
    transitions: tuple[Transition, ...]
    operations: tuple[Operation, ...]
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
    return_url: str
    confirmation: str

    @property
    def merchant(self) -> str:
        """Who is paid, `merchants/{m}`."""
        return "/".join(self.name.split("/")[:2])

    @property
    def has_ended(self) -> bool:
        """Whether its state is one that ends it; refunds and disputes may still come."""
        return self.state in ENDED

    @property
    def is_paid(self) -> bool:
        """Whether the money is reserved or taken: the goods may go."""
        return self.state in {PaymentState.AUTHORIZED, PaymentState.PARTIALLY_CAPTURED, PaymentState.CAPTURED}
