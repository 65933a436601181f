"""Figures: what the report needs of each payment, refund, payout and book, as plain values read from the server.

Invariant: amounts are minor units of one currency; nothing here was counted by this program itself, but `Played`.
"""

from typing import NamedTuple


class PaymentFigure(NamedTuple):
    """One payment.

    Attributes:
        channel: Its channel's name.
        region: Its region's code.
        state: Its state's name.
        paid: It was authorized or captured.
        open: It is under way: not paid, not ended, not declined.
        unfunded: It was not paid because there was not enough money.
        abandoned: Nobody did what it waited for.
        under_mandate: It was paid under a mandate.
        system_ms: Spent in keelpay.
        bank_ms: Spent at the bank.
        captured_minor: Taken.
        refunded_minor: Given back.
        fee_minor: What the merchant pays for it.
    """

    channel: str
    region: str
    state: str
    paid: bool
    open: bool
    unfunded: bool
    abandoned: bool
    under_mandate: bool
    system_ms: int
    bank_ms: int
    captured_minor: int
    refunded_minor: int
    fee_minor: int


class RefundFigure(NamedTuple):
    """One refund."""

    state: str
    amount_minor: int
    fee_returned_minor: int
    lagging: bool
    lag_cause: str


class SettlementFigure(NamedTuple):
    """What one merchant got out of one window, by kind of line."""

    captured_minor: int
    fee_minor: int
    refunded_minor: int
    net_minor: int
    on_time: bool


class PayoutFigure(NamedTuple):
    """One payout."""

    state: str
    amount_minor: int
    on_statement: bool


class StatementFigure(NamedTuple):
    """One bank statement, reconciled."""

    bank: str
    lines: int
    matched: int
    closing_minor: int


class BreakFigure(NamedTuple):
    """Something that did not agree."""

    name: str
    kind: str
    state: str
    settled: bool


class FindingFigure(NamedTuple):
    """What VerifyLedger said of one invariant in one book."""

    invariant: int
    book: int
    ok: bool
    checked: int
    detail: str


class LedgerFigures(NamedTuple):
    """Sums of accounts, minor units.

    Attributes:
        reserve_by_bank: 1000, what our books say is at each bank.
        fee_income: 4000.
        bank_cost: 5000.
        unsettled: 2100 of the merchants of this run.
        available: 2110 of them.
        payout_transit: 2200 of all banks.
        refund_transit: 2300 of all banks.
        suspense: 6900 of all banks.
        owed: 1230 of them.
    """

    reserve_by_bank: tuple[tuple[str, int], ...]
    fee_income: int
    bank_cost: int
    unsettled: int
    available: int
    payout_transit: int
    refund_transit: int
    suspense: int
    owed: int


class Books(NamedTuple):
    """Everything that was read from the server at the end, and the two sums that were there before."""

    payments: tuple[PaymentFigure, ...]
    refunds: tuple[RefundFigure, ...]
    settlements: tuple[SettlementFigure, ...]
    payouts: tuple[PayoutFigure, ...]
    statements: tuple[StatementFigure, ...]
    breaks: tuple[BreakFigure, ...]
    findings: tuple[FindingFigure, ...]
    ledger: LedgerFigures
    fee_income_before: int = 0
    bank_cost_before: int = 0


class Played(NamedTuple):
    """What this program itself has counted: what it asked for and what it was answered.

    Attributes:
        payments: Payments it created.
        paid: Payments that it saw authorized or captured.
        captured_minor: What it saw captured.
        refunds: Refunds it asked for.
        passkeys: Passkeys it enrolled.
        mandates: Mandates it was given.
        confirmations: Fingers it put on a sensor for payments.
        step_ups: Of these, for cards and bank accounts, where risk asked.
        frauds: Payments of thieves.
        frauds_stopped: Of these, those that were not paid.
        other_ways: Payments that a payer made with another instrument after a decline.
        reviews: Payments that a reviewer decided.
        failures: Acts that ended in an error, as text.
        wall_s: How long it played, in seconds.
    """

    payments: int
    paid: int
    captured_minor: int
    refunds: int
    passkeys: int
    mandates: int
    confirmations: int
    step_ups: int
    frauds: int
    frauds_stopped: int
    other_ways: int
    reviews: int
    failures: tuple[str, ...]
    wall_s: int
