"""Settlement and payout: who gets the money, when, and why it is exactly that."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keelpay.enums import DeclineReason, PayoutState, SettlementLineKind, WindowState
from keelpay.money import Money

from .model import Model

PAYOUT_ENDED: Final = frozenset({PayoutState.FAILED, PayoutState.RETURNED, PayoutState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Model):
    """The stretch of a book's events that settles together.

    Attributes:
        name: `windows/{w}`.
        book: The book.
        number: Its number in the book.
        calendar: The settlement calendar that its merchants share.
        currency_code: Its currency.
        state: Where it stands.
        state_version: Grows by one with every change.
        first_sequence: The book's first sequence in it.
        last_sequence: The book's last sequence in it; 0 while open.
        open_time: When it opened.
        cut_off_time: When it is to be closed.
        due_time: When all of it must be settled.
        close_time: When it was closed.
        settle_time: When the last merchant was settled.
        settled_count: Merchants that are settled.
        merchant_count: Merchants with money in it.
    """

    name: str
    book: int
    number: int
    calendar: str
    currency_code: str
    state: WindowState
    state_version: int
    first_sequence: int
    last_sequence: int
    open_time: datetime | None
    cut_off_time: datetime | None
    due_time: datetime | None
    close_time: datetime | None
    settle_time: datetime | None
    settled_count: int
    merchant_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine(Model):
    """All legs of one kind, as one signed sum.

    Attributes:
        kind: What is summed up.
        count: How many legs.
        amount: Their sum; negative where it takes off.
    """

    kind: SettlementLineKind
    count: int
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Model):
    """What one merchant got out of one window; `net` is the sum of its lines.

    Attributes:
        name: `settlements/{s}`; empty in a preview.
        merchant: The merchant.
        window: The window.
        lines: What it is made of.
        net: What became available to the merchant.
        through_sequence: The book's last sequence it takes in.
        due_time: When it was to be done at the latest.
        create_time: When it was done; None in a preview.
    """

    name: str
    merchant: str
    window: str
    lines: tuple[SettlementLine, ...]
    net: Money
    through_sequence: int
    due_time: datetime | None
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFailure(Model):
    """Why a bank did not carry out a payout.

    Attributes:
        reason: Why.
        rail_code: The bank's own code.
        time: When the bank said so.
    """

    reason: DeclineReason
    rail_code: str
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout(Model):
    """A merchant's available money, sent to the merchant's bank account.

    Attributes:
        name: `merchants/{m}/payouts/{x}`.
        merchant_payout_id: The merchant's own number; empty where the system made it.
        amount: How much.
        state: Where it stands.
        state_version: Grows by one with every change.
        bank: The bank it leaves from.
        account_last_four: The account it goes to.
        proposal: The proposal that a second operator decides on; empty if none is needed.
        settlement: The settlement it pays out; empty if it was asked for.
        statement_descriptor: What the payee sees on the statement.
        last_failure: Why the bank did not carry it out, or sent it back.
        due_time: When it must be paid at the latest.
        pay_time: When the bank paid it.
        reconciled: The line of a bank statement proves it.
        create_time: When it was asked for.
        update_time: When it last changed.
    """

    name: str
    merchant_payout_id: str
    amount: Money
    state: PayoutState
    state_version: int
    bank: str
    account_last_four: str
    proposal: str
    settlement: str
    statement_descriptor: str
    last_failure: PayoutFailure | None
    due_time: datetime | None
    pay_time: datetime | None
    reconciled: bool
    create_time: datetime | None
    update_time: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more; a PAID one may still be returned."""
        return self.state in PAYOUT_ENDED
