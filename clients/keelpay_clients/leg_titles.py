"""LegTitles: ledger legs with the names of people and shops in place of owners' numbers.

In: legs as the server lists them. Out: legs as people read them. Invariant: each account is asked for once.
"""

from collections.abc import Iterable
from typing import NamedTuple

from keelpay.models import Leg

from .connection import CURRENCY, Callers
from .patience import PATIENCE_S


class ShownLeg(NamedTuple):
    """A leg as people read it."""

    debit: str
    credit: str
    amount: str
    kind: str


class LegTitles:
    """Knows what accounts are called.

    Args:
        callers: Open clients; the operator looks into the ledger.
        suffix: What tells the names of this run from others, and is left out.
    """

    def __init__(self, callers: Callers, suffix: str) -> None:
        self._operator, self._suffix = callers.maker, suffix
        self._partner = callers.connection.partner.holder.rpartition("/")[2]
        self._titles: dict[str, str] = {}

    async def shown(self, legs: Iterable[Leg]) -> list[ShownLeg]:
        """Returns legs as people read them."""
        return [
            ShownLeg(
                await self._title(leg.debit_account, leg.debit_title),
                await self._title(leg.credit_account, leg.credit_title),
                leg.amount.amount,
                leg.kind,
            )
            for leg in legs
        ]

    def short(self, title: str) -> str:
        """Returns an account's title without its currency, and without what is the same all over the run."""
        return title.removesuffix(f":{CURRENCY}").replace(f"-{self._suffix}", "").replace(f"{self._partner}/", "")

    async def _title(self, account: str, title: str) -> str:
        if account not in self._titles:
            found = await self._operator.ledger.account(account, timeout_s=PATIENCE_S)
            kind, *rest = title.split(":")
            if found.owner and rest:
                rest[0] = found.owner.rpartition("/")[2]
            self._titles[account] = self.short(":".join((kind, *rest)))
        return self._titles[account]
