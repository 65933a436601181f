"""What the banks' own facts post: money that arrives, is missing, is too much, or comes for a payment that has ended.

1000 moves only on matched statement lines, so every function that touches it stands for one. What nobody can explain
yet waits in 6900 of that bank; each amount there is an open item until a posting below takes it out.
"""

from keelpay_server.ledger.account import (
    bank_clearing,
    bank_reserve,
    merchant_unsettled,
    number,
    payer_balance,
    refund_transit,
    suspense,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.leg import LegCode, Posting, leg


def top_up(*, bank: int, payer: int, currency: int, amount: int) -> Posting:
    """A bank took money for a payer's balance: 1010 -> 2000."""
    return Posting((leg(bank_clearing(bank, currency), payer_balance(payer, currency), amount, LegCode.TOP_UP),))


def receive(*, bank: int, currency: int, amount: int) -> Posting:
    """Captured money arrived: 1000 -> 1010."""
    return Posting((leg(bank_reserve(bank, currency), bank_clearing(bank, currency), amount, LegCode.RECEIVE),))


def charged(*, bank: int, currency: int, amount: int) -> Posting:
    """A bank that sends captures whole took its charge apart: 1010 -> 1000."""
    return Posting((leg(bank_clearing(bank, currency), bank_reserve(bank, currency), amount, LegCode.COST_SENT),))


def surplus(*, bank: int, currency: int, amount: int) -> Posting:
    """Money arrived that we know nothing of: 1000 -> 6900; a claimed deficit that the bank pays is one too."""
    return Posting((leg(bank_reserve(bank, currency), suspense(bank, currency), amount, LegCode.SURPLUS),))


def sent_unexplained(*, bank: int, currency: int, amount: int) -> Posting:
    """Money left that nothing in transit stands for, or no longer: 6900 -> 1000; it has to come back or be claimed."""
    return Posting((leg(suspense(bank, currency), bank_reserve(bank, currency), amount, LegCode.DEFICIT),))


def assign_surplus(*, bank: int, merchant: int, window: int, currency: int, amount: int) -> Posting:
    """Unexplained money was a merchant's: 6900 -> 2100 of the open window."""
    target = merchant_unsettled(merchant, currency, window)
    return Posting((leg(suspense(bank, currency), target, amount, LegCode.SURPLUS_ASSIGNED),))


def deficit(*, bank: int, currency: int, amount: int) -> Posting:
    """The bank sent less than it owes us: 6900 -> 1010, so that it waits to be claimed or written off."""
    return Posting((leg(suspense(bank, currency), bank_clearing(bank, currency), amount, LegCode.DEFICIT),))


def assign_to_payer(*, bank: int, payer: int, currency: int, amount: int) -> Posting:
    """Unexplained money was a payer's who moves money between a balance and a bank: 6900 -> 2000."""
    target = payer_balance(payer, currency)
    return Posting((leg(suspense(bank, currency), target, amount, LegCode.SURPLUS_ASSIGNED),))


def write_off(*, bank: int, currency: int, amount: int) -> Posting:
    """Nobody will pay a deficit: 5120 -> 6900."""
    loss = number(Chart.RECONCILIATION_WRITE_OFF, currency)
    return Posting((leg(loss, suspense(bank, currency), amount, LegCode.WRITE_OFF),))


def late_success(*, bank: int, currency: int, amount: int) -> Posting:
    """The bank took money for a payment that had ended: 1010 -> 6900; it is refunded from there."""
    return Posting((leg(bank_clearing(bank, currency), suspense(bank, currency), amount, LegCode.LATE_SUCCESS),))


def refund_suspense(*, bank: int, currency: int, amount: int) -> Posting:
    """Sends unexplained money or a late success back to the payer: 6900 -> 2300, then as every refund."""
    return Posting((leg(suspense(bank, currency), refund_transit(bank, currency), amount, LegCode.REFUND_SUSPENSE),))


def refund_suspense_failed(*, bank: int, to_bank: int, currency: int, amount: int) -> Posting:
    """Such a refund failed: 2300 -> 6900, where it is an open item again.

    Args:
        bank: whose 6900 it came from.
        to_bank: in whose 2300 it is now.
        currency: the currency's number.
        amount: minor units, > 0.
    """
    return Posting((leg(refund_transit(to_bank, currency), suspense(bank, currency), amount, LegCode.REFUND_FAILED),))


def capital(*, bank: int, currency: int, amount: int) -> Posting:
    """Own funds are paid in: 1000 -> 3000."""
    return Posting((leg(bank_reserve(bank, currency), number(Chart.CAPITAL, currency), amount, LegCode.CAPITAL),))
