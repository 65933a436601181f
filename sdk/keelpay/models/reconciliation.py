"""Reconciliation: a bank's statement, and what does not agree with it."""

from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import BreakKind, BreakResolution, BreakState, StatementFormat
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Model):
    """One imported statement.

    Attributes:
        name: `statements/{s}`.
        bank: The bank, by its short name.
        statement_number: The bank's own number of it.
        format: How it was written.
        currency_code: The unit of every amount here.
        opening_balance: Balance before its first line.
        closing_balance: Balance after its last line.
        from_time: First moment it speaks of.
        to_time: First moment it no longer speaks of.
        content_sha256: SHA-256 of the imported bytes.
        line_count: Lines in it.
        matched_count: Lines matched with our entries.
        open_break_count: Breaks found with it that are not settled yet.
        reconcile_time: When it was last reconciled.
        create_time: When it was imported.
    """

    name: str
    bank: str
    statement_number: str
    format: StatementFormat
    currency_code: str
    opening_balance: Money
    closing_balance: Money
    from_time: datetime | None
    to_time: datetime | None
    content_sha256: bytes
    line_count: int
    matched_count: int
    open_break_count: int
    reconcile_time: datetime | None
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break(Model):
    """Something that our ledger, the channel's record and the bank's statement do not agree on.

    Attributes:
        name: `breaks/{b}`.
        kind: What does not agree.
        state: Where it stands.
        state_version: Grows by one with every change.
        bank: The bank.
        statement: The statement it was found with.
        bank_reference: The bank's reference of the line.
        resource: Our payment, refund or payout.
        ledger_amount: What our ledger says.
        channel_amount: What the channel's record says.
        bank_amount: What the bank's statement says.
        age_days: Business days since it was found.
        proposal: The proposal that waits, or was approved last.
        resolution: How it is proposed to be settled, or was.
        comment: Why it stands where it stands.
        create_time: When it was found.
        update_time: When it last changed.
    """

    name: str
    kind: BreakKind
    state: BreakState
    state_version: int
    bank: str
    statement: str
    bank_reference: str
    resource: str
    ledger_amount: Money | None
    channel_amount: Money | None
    bank_amount: Money | None
    age_days: int
    proposal: str
    resolution: BreakResolution
    comment: str
    create_time: datetime | None
    update_time: datetime | None
