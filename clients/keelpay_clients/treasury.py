"""Treasury: the operator's side of the money: own funds at each bank, windows settled, payouts made, statements in.

In: open clients, the moment that a day has ended. Out: nothing but the wait for what the server does by itself.
Invariant: whatever is waited for is asked of the server; nothing is closed, settled or matched from here.
"""

from datetime import datetime, timedelta
from typing import Final

from keelpay import AsyncClient, Money
from keelpay.enums import PayoutState, RailStatementLineKind, WindowState
from keelpay.models import Statement

from .connection import CURRENCY, Callers
from .patience import PATIENCE_S, until

PAGE: Final = 200
FETCHED_AFTER: Final = timedelta(minutes=6)
"""The server asks for a bank's statement five minutes after the bank's day has ended."""
UNDER_WAY: Final = frozenset({PayoutState.CREATED, PayoutState.RESERVED, PayoutState.SUBMITTED})
BANK_RESERVE: Final = 1000
"""Our money at a bank, as its statements prove it; code of the chart of accounts."""


class Treasury:
    """Looks after a day's end.

    Args:
        callers: Open clients.
    """

    def __init__(self, callers: Callers) -> None:
        self._callers, self._operator = callers, callers.maker
        self._banks: set[str] = set()

    async def deposit(self, amount_minor: int) -> None:
        """Puts own funds on our account at every bank, as a transfer that its statement will show.

        Args:
            amount_minor: At each bank; the one that pays merchants out needs it, whichever of them that is.
        """
        accounts = self._operator.ledger.accounts(code=BANK_RESERVE, page_size=PAGE, timeout_s=PATIENCE_S)
        self._banks = {each.owner.removeprefix("banks/") async for each in accounts if each.currency_code == CURRENCY}
        for name in sorted(self._banks):
            await self._operator.sandbox.post_entry(
                bank=name, kind=RailStatementLineKind.TOP_UP, amount=Money(amount_minor, CURRENCY),
                text="OWN FUNDS", timeout_s=PATIENCE_S,
            )  # fmt: skip

    async def settled(self, moment: datetime) -> None:
        """Waits until every window cut off by a moment is settled, and what it made available is paid out."""

        async def done() -> bool | None:
            async for window in self._operator.settlements.windows(page_size=PAGE, timeout_s=PATIENCE_S):
                cut_off = window.cut_off_time
                if window.state is not WindowState.SETTLED and cut_off is not None and cut_off <= moment:
                    return None
            return True

        await until(done, "settling")

    async def paid_out(self, merchants: list[str]) -> None:
        """Waits until no settlement of some merchants waits for its payout, and no payout for its bank."""
        waiting = set(merchants)

        async def done() -> bool | None:
            for merchant in sorted(waiting):
                if await self._is_paid_out(merchant):
                    waiting.discard(merchant)
            return None if waiting else True

        await until(done, "paying out")

    async def _is_paid_out(self, merchant: str) -> bool:
        of_settlement: set[str] = set()
        async for payout in self._operator.payouts.list(merchant=merchant, page_size=PAGE, timeout_s=PATIENCE_S):
            if payout.state in UNDER_WAY:
                return False
            of_settlement.add(payout.settlement)
        settlements = self._operator.settlements.list(merchant=merchant, page_size=PAGE, timeout_s=PATIENCE_S)
        return all([each.net.amount_minor <= 0 or each.name in of_settlement async for each in settlements])

    async def matched(self, day_end: datetime) -> list[Statement]:
        """Waits until the statements of a day that has ended are here and reconciled, one a bank.

        Args:
            day_end: When the day ended, which is when the next one began.
        """

        async def done() -> list[Statement] | None:
            found = [await newest_statement(self._operator, bank) for bank in sorted(self._banks)]
            here = [
                each
                for each in found
                if each is not None and each.to_time is not None and each.to_time >= day_end and each.reconcile_time
            ]
            return here if len(here) == len(self._banks) else None

        return await until(done, "the statements of the day")


async def newest_statement(operator: AsyncClient, bank: str) -> Statement | None:
    """Returns the newest statement of a bank, or None before the first."""
    return await operator.reconciliation.statements(bank=bank, page_size=1, timeout_s=PATIENCE_S).first()
