"""What a payout to a merchant or a payer's withdrawal posts.

Both are one thing: money leaves 2110 or 2000 through 2200 and is gone when the bank's statement shows it. It is held
when accepted, posted to 2200 when submitted; the bank's answer changes the state only. It may come back before the
statement showed it or, returned by the other bank, days after.
"""

from keelpay_server.ledger.account import (
    CHART_MASK,
    bank_reserve,
    currency_number,
    merchant_available,
    owner_number,
    payer_balance,
    payout_transit,
    suspense,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.leg import LegCode, Posting, leg


def hold_payout(*, merchant: int, bank: int, currency: int, amount: int) -> Hold:
    """The hold of a payout: 2110 -> 2200."""
    return Hold(merchant_available(merchant, currency), payout_transit(bank, currency), amount)


def hold_withdrawal(*, payer: int, bank: int, currency: int, amount: int) -> Hold:
    """The hold of a withdrawal: 2000 -> 2200."""
    return Hold(payer_balance(payer, currency), payout_transit(bank, currency), amount)


def reserve(hold: Hold) -> Posting:
    """Reserves the money."""
    return Posting(pending=hold.placed())


def cancel(hold: Hold) -> Posting:
    """Ends a reservation that was not submitted; `hold` is as it was reserved."""
    return Posting(pending=hold.freed(hold.release()))


def submit(hold: Hold) -> Posting:
    """Posts the whole hold to 2200; commits before anything is sent."""
    code = LegCode.WITHDRAW if _is_withdrawal(hold) else LegCode.PAYOUT
    after = hold.capture(hold.rest)
    return Posting((leg(hold.debit, hold.credit, hold.amount, code),), hold.freed(after))


def sent(hold: Hold) -> Posting:
    """The money is on the bank's statement: 2200 -> 1000."""
    code = LegCode.WITHDRAW_SENT if _is_withdrawal(hold) else LegCode.PAYOUT_SENT
    return Posting((leg(hold.credit, _reserve_of(hold), hold.amount, code),))


def returned_unsent(hold: Hold) -> Posting:
    """The bank refused or returned it before its statement showed it: 2200 -> 2110 or 2000."""
    return Posting((leg(hold.credit, hold.debit, hold.amount, _returned(hold)),))


def returned_sent(hold: Hold) -> Posting:
    """The statement shows it coming back: 1000 -> 2110 or 2000."""
    return Posting((leg(_reserve_of(hold), hold.debit, hold.amount, _returned(hold)),))


def returned_claimed(hold: Hold) -> Posting:
    """It came back before the statement showed it, and its owner had got it back from 6900 before: 2200 -> 6900."""
    target = suspense(owner_number(hold.credit), currency_number(hold.credit))
    return Posting((leg(hold.credit, target, hold.amount, _returned(hold)),))


def _is_withdrawal(hold: Hold) -> bool:
    return hold.debit & CHART_MASK == Chart.PAYER_BALANCE


def _returned(hold: Hold) -> LegCode:
    return LegCode.WITHDRAW_RETURNED if _is_withdrawal(hold) else LegCode.PAYOUT_RETURNED


def _reserve_of(hold: Hold) -> int:
    return bank_reserve(owner_number(hold.credit), currency_number(hold.credit))
