"""Reading: everything the report needs, asked of the server at the end of a run.

In: open clients and the merchants of the run. Out: Books. Invariant: read, never remembered; VerifyLedger checks every
event from the first.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from keelpay import AsyncPager, Payment, PaymentState
from keelpay.enums import BreakState, DeclineReason, SettlementLineKind
from keelpay.models import Account, Settlement

from .connection import Callers
from .crowd import for_each
from .figures import (
    Books,
    BreakFigure,
    FindingFigure,
    LedgerFigures,
    PaymentFigure,
    PayoutFigure,
    RefundFigure,
    SettlementFigure,
    StatementFigure,
)
from .patience import PATIENCE_S
from .treasury import PAGE

RESERVE: Final = 1000
PAYOUT_TRANSIT, REFUND_TRANSIT, FEE_INCOME, BANK_COST, SUSPENSE = 2200, 2300, 4000, 5000, 6900
"""Codes of the chart of accounts."""
ENDED_UNPAID: Final = frozenset({PaymentState.EXPIRED, PaymentState.CANCELLED})
SETTLED_BREAKS: Final = frozenset({BreakState.EXPLAINED, BreakState.RESOLVED})
FEE_LINES: Final = frozenset({SettlementLineKind.FEE, SettlementLineKind.FEE_RETURN})
AT_ONCE: Final = 8


class Before(NamedTuple):
    """What the installation had earned and paid before the run began."""

    fee_income: int
    bank_cost: int


async def read_before(callers: Callers) -> Before:
    """Reads what the run must not count as its own."""
    return Before(await _sum(callers, FEE_INCOME), await _sum(callers, BANK_COST))


async def read_books(callers: Callers, merchants: Iterable[str], before: Before) -> Books:
    """Reads everything.

    Args:
        callers: Open clients.
        merchants: The merchants of the run.
        before: What was read before it.
    """
    reader = _Reader(callers)
    names = sorted(merchants)
    await for_each(names, reader.merchant, at_once=AT_ONCE)
    statements = [
        StatementFigure(each.bank, each.line_count, each.matched_count, each.closing_balance.amount_minor)
        async for each in callers.maker.reconciliation.statements(page_size=PAGE, timeout_s=PATIENCE_S)
    ]
    return Books(
        payments=tuple(reader.payments),
        refunds=tuple(reader.refunds),
        settlements=tuple(reader.settlements),
        payouts=tuple(reader.payouts),
        statements=tuple(reversed(statements)),
        breaks=tuple(await _breaks(callers)),
        findings=tuple(await read_findings(callers)),
        ledger=await _ledger(callers, reader),
        fee_income_before=before.fee_income,
        bank_cost_before=before.bank_cost,
    )


class _Reader:
    """Gathers what belongs to merchants."""

    def __init__(self, callers: Callers) -> None:
        self._client = callers.maker
        self.payments: list[PaymentFigure] = []
        self.refunds: list[RefundFigure] = []
        self.settlements: list[SettlementFigure] = []
        self.payouts: list[PayoutFigure] = []
        self.unsettled = self.available = self.owed = 0

    async def merchant(self, name: str) -> None:
        client = self._client
        async for payment in client.payments.list(merchant=name, page_size=PAGE, timeout_s=PATIENCE_S):
            self.payments.append(_payment(payment))
        async for refund in client.refunds.list(merchant=name, page_size=PAGE, timeout_s=PATIENCE_S):
            cause = refund.lag_cause.name
            fee = refund.fee_returned.amount_minor
            state, amount = refund.state.name, refund.amount.amount_minor
            self.refunds.append(RefundFigure(state, amount, fee, refund.lagging, cause))
        async for settlement in client.settlements.list(merchant=name, page_size=PAGE, timeout_s=PATIENCE_S):
            self.settlements.append(_settlement(settlement))
        async for payout in client.payouts.list(merchant=name, page_size=PAGE, timeout_s=PATIENCE_S):
            self.payouts.append(PayoutFigure(payout.state.name, payout.amount.amount_minor, payout.reconciled))
        for balance in await client.ledger.balance(name, timeout_s=PATIENCE_S):
            self.unsettled += balance.unsettled.amount_minor
            self.available += balance.available.amount_minor
            self.owed += balance.owed.amount_minor


def _payment(payment: Payment) -> PaymentFigure:
    paid = payment.amount_authorized.amount_minor > 0
    failure = payment.last_failure
    unfunded = not paid and failure is not None and failure.reason is DeclineReason.INSUFFICIENT_FUNDS
    return PaymentFigure(
        channel=payment.channel.name,
        region=payment.region,
        state=payment.state.name,
        paid=paid,
        open=not paid and not payment.has_ended and payment.state is not PaymentState.REQUIRES_PAYMENT_METHOD,
        unfunded=unfunded,
        abandoned=not paid and failure is None and payment.state in ENDED_UNPAID,
        under_mandate=bool(payment.mandate),
        system_ms=payment.system_ms,
        bank_ms=payment.bank_ms,
        captured_minor=payment.amount_captured.amount_minor,
        refunded_minor=payment.amount_refunded.amount_minor,
        fee_minor=payment.fee.amount_minor,
    )


def _settlement(settlement: Settlement) -> SettlementFigure:
    def total(*kinds: SettlementLineKind) -> int:
        return sum(line.amount.amount_minor for line in settlement.lines if line.kind in kinds)

    made, due = settlement.create_time, settlement.due_time
    return SettlementFigure(
        captured_minor=total(SettlementLineKind.CAPTURE),
        fee_minor=-total(*FEE_LINES),
        refunded_minor=-total(SettlementLineKind.REFUND, SettlementLineKind.REFUND_RETURN),
        net_minor=settlement.net.amount_minor,
        on_time=made is not None and due is not None and made <= due,
    )


async def _breaks(callers: Callers) -> list[BreakFigure]:
    found = []
    for state in BreakState:
        if state is BreakState.UNSPECIFIED:
            continue
        async for each in callers.maker.reconciliation.breaks(state=state, page_size=PAGE, timeout_s=PATIENCE_S):
            settled = each.state in SETTLED_BREAKS
            found.append(BreakFigure(each.name, each.kind.name, each.state.name, settled))
    return found


async def read_findings(callers: Callers) -> list[FindingFigure]:
    """Has the whole ledger verified, from the first event; one finding an invariant and book, in their order."""
    return sorted(
        [
            FindingFigure(each.invariant, each.book, each.ok, each.checked_count, each.detail)
            async for each in callers.maker.ledger.verify(full=True)
            if each.complete
        ]
    )


async def _ledger(callers: Callers, reader: _Reader) -> LedgerFigures:
    reserves = [each async for each in _accounts(callers, RESERVE)]
    return LedgerFigures(
        reserve_by_bank=tuple(sorted((_bank_of(each), each.balance.amount_minor) for each in reserves)),
        fee_income=await _sum(callers, FEE_INCOME),
        bank_cost=await _sum(callers, BANK_COST),
        unsettled=reader.unsettled,
        available=reader.available,
        payout_transit=await _sum(callers, PAYOUT_TRANSIT),
        refund_transit=await _sum(callers, REFUND_TRANSIT),
        suspense=await _sum(callers, SUSPENSE),
        owed=reader.owed,
    )


def _bank_of(account: Account) -> str:
    return account.owner.removeprefix("banks/")


def _accounts(callers: Callers, code: int) -> AsyncPager[Account]:
    return callers.maker.ledger.accounts(code=code, page_size=PAGE, timeout_s=PATIENCE_S)


async def _sum(callers: Callers, code: int) -> int:
    return sum([each.balance.amount_minor async for each in _accounts(callers, code)])
