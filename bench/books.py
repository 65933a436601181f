"""Reads the books of a database after a run: what was captured, and where the money is.

In: the URL of an engine's or a naive server's database (the tables are the same). Out: sums.
Invariant: a benchmark whose acknowledged payments are not all in the books, to the last minor unit, has no figures.
"""

from typing import NamedTuple

from sqlalchemy import func, select

from bench import town
from keelpay_server.book.ports import AccountRow
from keelpay_server.gateway.payment import Payment, PaymentState
from keelpay_server.ledger.account import CHART_MASK
from keelpay_server.ledger.chart import Chart
from keelpay_server.storage.opening import connect
from keelpay_server.storage.schema import ENTITIES


class Books(NamedTuple):
    """The sums of one database, minor units.

    Attributes:
        payments: Captured payments.
        captured: Their amounts.
        fees: What they cost their merchants, by their own word.
        debits: Of all accounts.
        credits: Of all accounts.
        left: On the payers' balances.
        spent: From the payers' balances: the payments under a mandate.
        merchants: On the merchants' accounts.
        income: On the account of our fees.
    """

    payments: int
    captured: int
    fees: int
    debits: int
    credits: int
    left: int
    spent: int
    merchants: int
    income: int

    def faults(self, payments: int, minor: int, *, sure: bool) -> list[str]:
        """Returns what does not add up.

        Args:
            payments: How many were acknowledged.
            minor: What they came to.
            sure: No call failed, so that the books can have no payment that was not acknowledged either.
        """
        claims = {
            "debits = credits": self.debits == self.credits,
            "payers have what they had less what they spent": self.left + self.spent == town.PAYERS * town.FUNDS_MINOR,
            "merchants have what was captured less the fees": self.merchants == self.captured - self.fees,
            "our income is the fees": self.income == self.fees,
            "acknowledged payments are there": self.payments >= payments and self.captured >= minor,
            "nothing else is there": not sure or (self.payments, self.captured) == (payments, minor),
        }
        return [claim for claim, holds in claims.items() if not holds]


async def read_books(url: str) -> Books:
    """Reads the sums."""
    accounts, payments = ENTITIES[AccountRow].c, ENTITIES[Payment].c
    chart = accounts.id.bitwise_and(CHART_MASK)
    engine = connect(url)
    try:
        async with engine.connect() as connection:
            query = select(chart, func.sum(accounts.debits), func.sum(accounts.credits)).group_by(chart)
            sums = {int(row[0]): (int(row[1]), int(row[2])) for row in await connection.execute(query)}
            captured = payments.state == int(PaymentState.CAPTURED)
            totals = select(func.count(), func.sum(payments.captured), func.sum(payments.fee)).where(captured)
            counted = [int(value or 0) for value in (await connection.execute(totals)).one()]
            under_mandate = select(func.sum(payments.captured)).where(captured, payments.mandate.is_not(None))
            spent = int(await connection.scalar(under_mandate) or 0)
    finally:
        await engine.dispose()

    def standing(kind: Chart) -> int:
        debits, credits_ = sums.get(int(kind), (0, 0))
        return credits_ - debits

    return Books(
        counted[0], counted[1], counted[2], sum(row[0] for row in sums.values()), sum(row[1] for row in sums.values()),
        standing(Chart.PAYER_BALANCE), spent, standing(Chart.MERCHANT_UNSETTLED), standing(Chart.FEE_INCOME),
    )  # fmt: skip
