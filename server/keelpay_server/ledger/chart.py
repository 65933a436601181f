"""The chart of accounts: every kind of account the ledger knows, as a table.

In: nothing. Out: `Chart` members and their `ChartRow`. The index of a row is the low byte of every account number of
its kind: it is stored for ever, so rows are added at the end and never renumbered; the code is what accountants read.
"""

from enum import Enum, IntEnum
from typing import Final, NamedTuple


class Side(Enum):
    """On which side an account of a kind normally stands."""

    DEBIT = "debit"
    """Assets and expenses: debits raise them."""
    CREDIT = "credit"
    """Liabilities, equity and income: credits raise them."""
    CONTROL = "control"
    """Either sign; must come back to zero."""


class Owner(Enum):
    """Who the owner number of an account number counts."""

    HOUSE = "house"
    """keelpay itself: the owner number is 0."""
    BANK = "bank"
    """A bank or another rail. Number 0 is the book's own balances, where no outside bank takes part."""
    MERCHANT = "merchant"
    PAYER = "payer"
    BOOK = "book"
    NETWORK = "network"
    """A chain."""
    CASE = "case"
    """A fraud case."""


class Chart(IntEnum):
    """The kinds of account. The value is the chart index of an account number."""

    BANK_RESERVE = 1
    BANK_CLEARING = 2
    BOOK_CLEARING = 3
    CHAIN_CUSTODY = 4
    FRAUD_SHARE_DUE = 5
    DISPUTE_DUE = 6
    MERCHANT_OWED = 7
    PAYER_BALANCE = 8
    PAYER_FROZEN = 9
    MERCHANT_UNSETTLED = 10
    MERCHANT_AVAILABLE = 11
    MERCHANT_SPLIT_FROZEN = 12
    MERCHANT_RESERVE = 13
    BANK_PAYABLE = 14
    PAYOUT_TRANSIT = 15
    REFUND_TRANSIT = 16
    CAPITAL = 17
    FEE_INCOME = 18
    FX_SPREAD = 19
    FX_GAIN = 20
    PROCESSOR_COST = 21
    FRAUD_LOSS = 22
    RECONCILIATION_WRITE_OFF = 23
    PROMOTION_COST = 24
    FX_LOSS = 25
    FRAUD_CASE = 26
    FX_POSITION = 27
    SUSPENSE = 28


class ChartRow(NamedTuple):
    """One kind of account."""

    chart: Chart
    code: int
    """The accountants' number: 1 asset, 2 liability, 3 equity, 4 income, 5 expense, 6 control."""
    side: Side
    floored: bool
    """Never below zero on its own side, pending moves included."""
    owner: Owner
    name: str
    """How an account is called; {owner}, {window} and {currency} are filled in."""
    windowed: bool = False
    """One account a settlement window."""


FLOORED: Final = True
FREE: Final = False

CHART: Final = (
    ChartRow(Chart.BANK_RESERVE, 1000, Side.DEBIT, FLOORED, Owner.BANK, "bank:{owner}:reserve:{currency}"),
    ChartRow(Chart.BANK_CLEARING, 1010, Side.DEBIT, FREE, Owner.BANK, "bank:{owner}:clearing:{currency}"),
    ChartRow(Chart.BOOK_CLEARING, 1020, Side.DEBIT, FREE, Owner.BOOK, "book:{owner}:clearing:{currency}"),
    ChartRow(Chart.CHAIN_CUSTODY, 1030, Side.DEBIT, FREE, Owner.NETWORK, "chain:{owner}:custody:{currency}"),
    ChartRow(Chart.FRAUD_SHARE_DUE, 1210, Side.DEBIT, FREE, Owner.BANK, "bank:{owner}:fraud_share_due:{currency}"),
    ChartRow(Chart.DISPUTE_DUE, 1220, Side.DEBIT, FREE, Owner.BANK, "bank:{owner}:dispute_due:{currency}"),
    ChartRow(Chart.MERCHANT_OWED, 1230, Side.DEBIT, FREE, Owner.MERCHANT, "merchant:{owner}:owed:{currency}"),
    ChartRow(Chart.PAYER_BALANCE, 2000, Side.CREDIT, FLOORED, Owner.PAYER, "payer:{owner}:balance:{currency}"),
    ChartRow(Chart.PAYER_FROZEN, 2040, Side.CREDIT, FLOORED, Owner.PAYER, "payer:{owner}:frozen:{currency}"),
    ChartRow(
        Chart.MERCHANT_UNSETTLED,
        2100,
        Side.CREDIT,
        FLOORED,
        Owner.MERCHANT,
        "merchant:{owner}:unsettled:{window}:{currency}",
        windowed=True,
    ),
    ChartRow(
        Chart.MERCHANT_AVAILABLE, 2110, Side.CREDIT, FLOORED, Owner.MERCHANT, "merchant:{owner}:available:{currency}"
    ),
    ChartRow(
        Chart.MERCHANT_SPLIT_FROZEN,
        2120,
        Side.CREDIT,
        FLOORED,
        Owner.MERCHANT,
        "merchant:{owner}:split_frozen:{currency}",
    ),
    ChartRow(Chart.MERCHANT_RESERVE, 2130, Side.CREDIT, FLOORED, Owner.MERCHANT, "merchant:{owner}:reserve:{currency}"),
    ChartRow(Chart.BANK_PAYABLE, 2140, Side.CREDIT, FREE, Owner.BANK, "bank:{owner}:payable:{currency}"),
    ChartRow(Chart.PAYOUT_TRANSIT, 2200, Side.CREDIT, FLOORED, Owner.BANK, "payout:{owner}:in_transit:{currency}"),
    ChartRow(Chart.REFUND_TRANSIT, 2300, Side.CREDIT, FLOORED, Owner.BANK, "refund:{owner}:in_transit:{currency}"),
    ChartRow(Chart.CAPITAL, 3000, Side.CREDIT, FREE, Owner.HOUSE, "equity:capital:{currency}"),
    ChartRow(Chart.FEE_INCOME, 4000, Side.CREDIT, FREE, Owner.HOUSE, "income:fee:{currency}"),
    ChartRow(Chart.FX_SPREAD, 4010, Side.CREDIT, FREE, Owner.HOUSE, "income:fx_spread:{currency}"),
    ChartRow(Chart.FX_GAIN, 4020, Side.CREDIT, FREE, Owner.HOUSE, "income:fx_gain:{currency}"),
    ChartRow(Chart.PROCESSOR_COST, 5000, Side.DEBIT, FREE, Owner.HOUSE, "expense:processor:{currency}"),
    ChartRow(Chart.FRAUD_LOSS, 5100, Side.DEBIT, FREE, Owner.HOUSE, "expense:fraud_loss:{currency}"),
    ChartRow(Chart.RECONCILIATION_WRITE_OFF, 5120, Side.DEBIT, FREE, Owner.HOUSE, "expense:recon_writeoff:{currency}"),
    ChartRow(Chart.PROMOTION_COST, 5200, Side.DEBIT, FREE, Owner.HOUSE, "expense:promotion:{currency}"),
    ChartRow(Chart.FX_LOSS, 5300, Side.DEBIT, FREE, Owner.HOUSE, "expense:fx_loss:{currency}"),
    ChartRow(Chart.FRAUD_CASE, 6210, Side.CONTROL, FREE, Owner.CASE, "fraud_case:{owner}:{currency}"),
    ChartRow(Chart.FX_POSITION, 6300, Side.CONTROL, FREE, Owner.HOUSE, "fx_position:{currency}"),
    ChartRow(Chart.SUSPENSE, 6900, Side.CONTROL, FREE, Owner.BANK, "suspense:{owner}:{currency}"),
)
"""Every row, in the order of the index."""

ROW_BY_INDEX: Final = {int(row.chart): row for row in CHART}
