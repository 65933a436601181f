"""Account numbers: what an account is, whose, in which currency and window, in one 63-bit integer without a look-up.

Layout, high to low: window 17 bits | owner 28 | currency 10 | chart index 8. So the accounts of one window are one
range of the primary key, and `number & 255` says what an account is.
Invariant: a number made here is unique for its parts, fits a signed 64-bit column and parses back to its parts.
"""

from typing import Final, NamedTuple

from keelpay_server.ledger.chart import CHART, ROW_BY_INDEX, Chart, ChartRow, Owner, Side
from keelpay_server.ledger.currency import NUMBER_MAX, by_number

_CHART_BITS: Final = 8
_CURRENCY_BITS: Final = 10
_OWNER_BITS: Final = 28
_WINDOW_BITS: Final = 17
_OWNER_SHIFT: Final = _CHART_BITS + _CURRENCY_BITS
_WINDOW_SHIFT: Final = _OWNER_SHIFT + _OWNER_BITS

CHART_MASK: Final = (1 << _CHART_BITS) - 1
"""`number & CHART_MASK` is the chart index."""
OWNER_MAX: Final = (1 << _OWNER_BITS) - 1
WINDOW_MAX: Final = (1 << _WINDOW_BITS) - 1
"""Windows of one book: 350 years of one window a day."""

OWN_BANK: Final = 0
"""The bank number of the book's own balances: a refund to a balance passes through its in-transit account."""

CREDIT_FLOORED_INDEXES: Final = tuple(int(r.chart) for r in CHART if r.floored and r.side is Side.CREDIT)
"""Chart indexes whose CHECK is `credits - debits - pending_debits >= 0`: money held for others."""

DEBIT_FLOORED_INDEXES: Final = tuple(int(r.chart) for r in CHART if r.floored and r.side is Side.DEBIT)
"""Chart indexes whose CHECK is `debits - credits - pending_credits >= 0`: money we hold at a bank."""

FLOORED_INDEXES: Final = tuple(sorted(CREDIT_FLOORED_INDEXES + DEBIT_FLOORED_INDEXES))
"""Every chart index that has a floor, on `account & 255`."""

_FLOOR_SIGN: Final = tuple(
    1 if index in CREDIT_FLOORED_INDEXES else -1 if index in DEBIT_FLOORED_INDEXES else 0
    for index in range(CHART_MASK + 1)
)
_DEBIT_INDEXES: Final = frozenset(int(r.chart) for r in CHART if r.side is Side.DEBIT)


class AccountError(ValueError):
    """The parts name no account, or the number is none."""


class AccountNumber(NamedTuple):
    """The parts of an account number."""

    window: int
    """The settlement window; 0 for every account that has none."""
    owner: int
    """The number of a merchant, payer or bank within its book; 0 for the house."""
    currency: int
    """ISO 4217 numeric code or a token's number."""
    chart: Chart

    @property
    def row(self) -> ChartRow:
        """The row of the chart of accounts."""
        return ROW_BY_INDEX[self.chart]

    @property
    def name(self) -> str:
        """What people call it, as merchant:7:unsettled:12:CNY."""
        code = by_number(self.currency).code
        return self.row.name.format(owner=self.owner, window=self.window, currency=code)


def number(chart: Chart, currency: int, owner: int = 0, window: int = 0) -> int:
    """The number of an account.

    Args:
        chart: what it is.
        currency: the currency's number, 1..1023.
        owner: 1..OWNER_MAX; 0 for the house, and for a bank where no outside bank takes part (OWN_BANK).
        window: 1..WINDOW_MAX where the chart has one account a window, else 0.

    Raises:
        AccountError: a part outside its bounds, or one that this kind of account has not.
    """
    owner_min, owner_max, window_min, window_max = _BOUNDS[chart]
    if not (owner_min <= owner <= owner_max and window_min <= window <= window_max and 0 < currency <= NUMBER_MAX):
        raise AccountError(f"no account {chart.name} of owner {owner}, window {window}, currency {currency}")
    return window << _WINDOW_SHIFT | owner << _OWNER_SHIFT | currency << _CHART_BITS | chart


def parse(account: int) -> AccountNumber:
    """The parts of an account number.

    Raises:
        AccountError: no account can have this number.
    """
    index = account & CHART_MASK
    if index not in ROW_BY_INDEX or account < 0:
        raise AccountError(f"{account} is not an account number")
    parts = AccountNumber(
        account >> _WINDOW_SHIFT, account >> _OWNER_SHIFT & OWNER_MAX, account >> _CHART_BITS & NUMBER_MAX, Chart(index)
    )
    number(parts.chart, parts.currency, parts.owner, parts.window)
    return parts


def currency_number(account: int) -> int:
    """The number of the currency an account is kept in."""
    return account >> _CHART_BITS & NUMBER_MAX


def owner_number(account: int) -> int:
    """The number of the account's owner, 0 for the house."""
    return account >> _OWNER_SHIFT & OWNER_MAX


def in_window(account: int, window: int) -> int:
    """The account of the same merchant and currency in another window.

    Raises:
        AccountError: the account has no window, or the window is not in 1..WINDOW_MAX.
    """
    if not account >> _WINDOW_SHIFT or not 0 < window <= WINDOW_MAX:
        raise AccountError(f"{account} has no account in window {window}")
    return window << _WINDOW_SHIFT | account & (1 << _WINDOW_SHIFT) - 1


def window_range(window: int) -> tuple[int, int]:
    """The first and last number an account of a window can have, both included; a range of the primary key.

    Raises:
        AccountError: the window is not in 1..WINDOW_MAX.
    """
    if not 0 < window <= WINDOW_MAX:
        raise AccountError(f"no window {window}")
    return window << _WINDOW_SHIFT, (window + 1 << _WINDOW_SHIFT) - 1


def is_floored(account: int) -> bool:
    """Whether the account may never go below zero on its own side."""
    return _FLOOR_SIGN[account & CHART_MASK] != 0


def floor_sign(account: int) -> int:
    """How a leg moves the headroom of an account: 1 if debits lower it, -1 if credits lower it, 0 without a floor."""
    return _FLOOR_SIGN[account & CHART_MASK]


def headroom(
    account: int,
    debits: int,
    credits: int,  # noqa: A002  (the ledger's word; the builtin is for the prompt)
    pending_debits: int,
    pending_credits: int,
) -> int:
    """What may still leave an account, in minor units: its balance less what is already reserved to leave.

    Pending moves count only where they lower: money that may come in cannot be spent. A debit-normal account stands the
    other way round, so the bank reserve (1000) has its floor as debits - credits - pending credits. Below zero means a
    broken floor on floored accounts; elsewhere it is a plain balance, control accounts counted as credit-normal.
    """
    if account & CHART_MASK in _DEBIT_INDEXES:
        return debits - credits - pending_credits
    return credits - debits - pending_debits


def _bounds(row: ChartRow) -> tuple[int, int, int, int]:
    """owner_min, owner_max, window_min, window_max of a row."""
    owner = {Owner.HOUSE: (0, 0), Owner.BANK: (OWN_BANK, OWNER_MAX)}.get(row.owner, (1, OWNER_MAX))
    return (*owner, 1, WINDOW_MAX) if row.windowed else (*owner, 0, 0)


_BOUNDS: Final = {row.chart: _bounds(row) for row in CHART}


def bank_reserve(bank: int, currency: int) -> int:
    """1000: money at the bank."""
    return number(Chart.BANK_RESERVE, currency, bank)


def bank_clearing(bank: int, currency: int) -> int:
    """1010: captured at the bank, not yet received."""
    return number(Chart.BANK_CLEARING, currency, bank)


def merchant_owed(merchant: int, currency: int) -> int:
    """1230: what the merchant owes us."""
    return number(Chart.MERCHANT_OWED, currency, merchant)


def payer_balance(payer: int, currency: int) -> int:
    """2000: the payer's money."""
    return number(Chart.PAYER_BALANCE, currency, payer)


def merchant_unsettled(merchant: int, currency: int, window: int) -> int:
    """2100: the merchant's money of one window."""
    return number(Chart.MERCHANT_UNSETTLED, currency, merchant, window)


def merchant_available(merchant: int, currency: int) -> int:
    """2110: what the merchant may be paid out."""
    return number(Chart.MERCHANT_AVAILABLE, currency, merchant)


def payout_transit(bank: int, currency: int) -> int:
    """2200: payouts and withdrawals sent, not on the statement yet."""
    return number(Chart.PAYOUT_TRANSIT, currency, bank)


def refund_transit(bank: int, currency: int) -> int:
    """2300: refunds sent, not on the statement yet."""
    return number(Chart.REFUND_TRANSIT, currency, bank)


def suspense(bank: int, currency: int) -> int:
    """6900: money of a bank that nobody has explained yet."""
    return number(Chart.SUSPENSE, currency, bank)
