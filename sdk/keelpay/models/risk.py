"""Risk as it is read: decisions, reviews, and the entries of the lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keelpay.enums import EntryKind, Factor, Label, ReviewState, RiskOutcome, Strength
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReason(Model):
    """One reason of a decision.

    Attributes:
        factor: What moved the decision.
        contribution_milli: By how much, in thousandths of log odds of fraud; 0 unless the caller is an operator.
        source: The rule or list entry that matched; empty unless the caller is an operator.
    """

    factor: Factor
    contribution_milli: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Model):
    """What was decided about one payment, and why.

    Attributes:
        name: `decisions/{d}`.
        merchant: The merchant to be paid.
        payment: The payment it decided; empty if the payment is not made here.
        external_payment_id: The partner's own number of a payment that is not made here.
        outcome: What was decided.
        reasons: Why, strongest first.
        score: Risk from 0 to 99; None unless the caller is an operator.
        probability_ppm: Probability of fraud in millionths; None unless the caller is an operator.
        rule_version: The rules that decided.
        model_version: The model that scored; empty when none did.
        latency_us: Time the decision took, in microseconds.
        degraded: The time allowed ran out: rules alone decided.
        review: The review it opened.
        label: What became known since.
        label_time: When that was reported.
        create_time: When it was decided.
    """

    name: str
    merchant: str
    payment: str
    external_payment_id: str
    outcome: RiskOutcome
    reasons: tuple[DecisionReason, ...]
    score: int | None
    probability_ppm: int | None
    rule_version: str
    model_version: str
    latency_us: int
    degraded: bool
    review: str
    label: Label
    label_time: datetime | None
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Model):
    """A payment that waits for a person's judgement.

    Attributes:
        name: `reviews/{r}`.
        payment: The payment; empty if it is not made here.
        merchant: The merchant to be paid.
        decision: The decision that opened it.
        outcome: What that decision asked.
        reasons: Why, strongest first.
        amount: What the payer is to pay.
        state: Where it stands.
        state_version: Grows by one with every change.
        due_time: When it should be judged.
        comment: What the judge noted.
        decider: Who judged.
        decide_time: When it was judged.
        create_time: When it was opened.
        update_time: When it last changed.
    """

    name: str
    payment: str
    merchant: str
    decision: str
    outcome: RiskOutcome
    reasons: tuple[DecisionReason, ...]
    amount: Money
    state: ReviewState
    state_version: int
    due_time: datetime | None
    comment: str
    decider: str
    decide_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry(Model):
    """A device, instrument, payee, payer or address that is trusted or refused; the value itself is never returned.

    Attributes:
        name: `listEntries/{kind}-{hash}`.
        kind: What it speaks of.
        strength: What it does.
        comment: Why it is listed.
        expire_time: When it ends; None if it stays until it is removed.
        creator: Who listed it.
        create_time: When it was listed.
        update_time: When it last changed.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"value"})

    name: str
    kind: EntryKind
    strength: Strength
    comment: str
    expire_time: datetime | None
    creator: str
    create_time: datetime | None
    update_time: datetime | None
