"""The ledger as it is read: accounts, legs, what a merchant has, and what a check found."""

from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import NormalSide
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Model):
    """One account, of one owner and one currency.

    Attributes:
        name: `accounts/{book}-{number}`.
        title: What it is for, in words.
        code: Its code in the chart of accounts.
        owner: The resource it belongs to; empty if it is the installation's own.
        window: The window its money settles with.
        currency_code: The unit of every amount here.
        normal_side: The side on which it grows.
        floored: It may not fall below zero, holds included.
        debits_posted: Sum of all posted debits.
        credits_posted: Sum of all posted credits.
        debits_pending: Open holds that will debit it.
        credits_pending: Open holds that will credit it.
        balance: Its balance as its normal side counts it, posted only.
        sequence: The book's sequence this is true for.
    """

    name: str
    title: str
    code: int
    owner: str
    window: str
    currency_code: str
    normal_side: NormalSide
    floored: bool
    debits_posted: Money
    credits_posted: Money
    debits_pending: Money
    credits_pending: Money
    balance: Money
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantBalance(Model):
    """What one merchant has in one currency.

    Attributes:
        unsettled: Captured and not yet settled.
        available: Settled; may be paid out.
        reserved: Held back for disputes or by risk.
        owed: Owed to us; repaid first at the next settlement.
    """

    unsettled: Money
    available: Money
    reserved: Money
    owed: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Model):
    """One leg debits one account and credits one; it never changes.

    Attributes:
        book: The book it is in.
        sequence: The event that posted it.
        ordinal: Its place among the legs of that event.
        debit_account: The account debited.
        debit_title: What that account is for.
        credit_account: The account credited.
        credit_title: What that account is for.
        amount: How much, greater than zero.
        kind: What the leg is for.
        resource: The resource the event is about.
        create_time: When it was posted, by the business clock.
    """

    book: int
    sequence: int
    ordinal: int
    debit_account: str
    debit_title: str
    credit_account: str
    credit_title: str
    amount: Money
    kind: str
    resource: str
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFinding(Model):
    """A finding of a check, or progress towards one.

    Attributes:
        invariant: Which of the ledger's eight invariants.
        book: The book it was checked in.
        complete: This is the finding; no more of this invariant and book follows.
        ok: Nothing checked so far breaks it.
        checked_count: Rows checked so far.
        total_count: Rows there are to check.
        broken_count: Rows found to break it.
        detail: The first thing found to break it; empty while `ok`.
        through_sequence: The book's last sequence that the check takes in.
    """

    invariant: int
    book: int
    complete: bool
    ok: bool
    checked_count: int
    total_count: int
    broken_count: int
    detail: str
    through_sequence: int
