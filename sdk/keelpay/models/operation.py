"""An operation: one thing asked of a bank, wallet or chain."""

from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import DeclineReason, OperationKind, OperationState
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Model):
    """One request to a bank, in the history of a payment, refund or transfer.

    Attributes:
        number: From 1.
        kind: What was asked.
        state: What happened.
        amount: How much.
        rail: The bank or wallet that was asked.
        rail_reference: The bank's own number for it.
        decline_reason: Why it was declined; set only in state DECLINED.
        submit_time: When it was recorded, before it was sent.
        resolve_time: When its outcome became known; None until then.
        query_count: How often the bank was asked for the outcome.
    """

    number: int
    kind: OperationKind
    state: OperationState
    amount: Money
    rail: str
    rail_reference: str
    decline_reason: DeclineReason
    submit_time: datetime | None
    resolve_time: datetime | None
    query_count: int
