"""What a payment posts: its hold, its captures with fee and cost, its end.

A payment is either held first and captured later, in one or several steps, or paid at once from a balance. The hold
stands on the window that was open when it was placed; captures go to the window that is open when they happen.
"""

from keelpay_server.ledger.account import (
    CHART_MASK,
    bank_clearing,
    currency_number,
    in_window,
    merchant_unsettled,
    number,
    owner_number,
    payer_balance,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.leg import Leg, LegCode, LegError, Posting, leg


def hold_balance(*, payer: int, merchant: int, window: int, currency: int, amount: int) -> Hold:
    """The hold of a payment from a balance: 2000 -> 2100 of the open window."""
    return Hold(payer_balance(payer, currency), merchant_unsettled(merchant, currency, window), amount)


def hold_bank(*, bank: int, merchant: int, window: int, currency: int, amount: int) -> Hold:
    """The hold of a payment that a bank, card or wallet answers for: 1010 -> 2100 of the open window."""
    return Hold(bank_clearing(bank, currency), merchant_unsettled(merchant, currency, window), amount)


def authorize(hold: Hold) -> Posting:
    """Places the hold. A balance cannot be held below zero; a bank's clearing account shows our exposure to it."""
    return Posting(pending=hold.placed())


def pay(
    *, payer: int, merchant: int, window: int, currency: int, amount: int, fee: int = 0, discount: int = 0
) -> Posting:
    """Pays from a balance at once: 2000 -> 2100 of the open window, and what is linked with it.

    Args:
        payer: the payer's owner number; its own confirmation or mandate is the caller's duty (invariant 8).
        merchant: the merchant's owner number.
        window: the open window.
        currency: the currency's number.
        amount: what the payer pays, > 0.
        fee: our fee, 0..amount + discount.
        discount: what we add to the merchant's money because a promotion took it off the price, >= 0.
    """
    target = merchant_unsettled(merchant, currency, window)
    paid = leg(payer_balance(payer, currency), target, amount, LegCode.PAY)
    return Posting((paid, *_linked(target, amount, fee, discount)))


def capture(before: Hold, after: Hold, *, window: int, fee: int = 0, cost: int = 0, discount: int = 0) -> Posting:
    """Takes a part of a hold for the merchant and frees what the step ends.

    Args:
        before: the hold as it was.
        after: the hold that `before.capture(...)` returned.
        window: the window that is open now.
        fee: our fee for this capture (`fee_due`), 0..captured now + discount.
        cost: what the bank charges us for it, >= 0; only for a hold at a bank.
        discount: what we add for a promotion, >= 0.

    Raises:
        LegError: the fee is above the capture, or a cost where no bank takes part.
    """
    amount = after.captured - before.captured
    target = in_window(before.credit, window)
    at_bank = before.debit & CHART_MASK == Chart.BANK_CLEARING
    legs = [leg(before.debit, target, amount, LegCode.CAPTURE if at_bank else LegCode.PAY)]
    legs += _linked(target, amount, fee, discount)
    if cost:
        if not at_bank:
            raise LegError("no bank takes part, so there is no cost")
        legs += bank_cost(bank=owner_number(before.debit), currency=currency_number(target), amount=cost).legs
    return Posting(tuple(legs), before.freed(after))


def release(before: Hold, after: Hold) -> Posting:
    """Gives back what a declined, cancelled or expired hold still reserves.

    Args:
        before: the hold as it was.
        after: the hold that `before.release(...)` returned.
    """
    return Posting(pending=before.freed(after))


def bank_cost(*, bank: int, currency: int, amount: int) -> Posting:
    """What a bank keeps for its work: 5000 -> 1010, so that 1010 is what it will really send."""
    cost = number(Chart.PROCESSOR_COST, currency)
    return Posting((leg(cost, bank_clearing(bank, currency), amount, LegCode.COST),))


def fee_due(fee_of_total: int, taken: int, captured_now: int) -> int:
    """The fee of one capture, so that many captures cost what one would.

    Args:
        fee_of_total: the fee of everything captured so far, this capture included.
        taken: the fee taken with the captures before.
        captured_now: this capture; the fee never exceeds it, what is left over falls due with the next.
    """
    return min(max(fee_of_total - taken, 0), captured_now)


def _linked(target: int, amount: int, fee: int, discount: int) -> list[Leg]:
    """The promotion that fills up the merchant's money and the fee that is taken from it, in this order."""
    if not 0 <= fee <= amount + discount:
        raise LegError(f"a fee of {fee} is not within the {amount + discount} it is taken from")
    currency = currency_number(target)
    legs = []
    if discount:
        legs.append(leg(number(Chart.PROMOTION_COST, currency), target, discount, LegCode.PROMOTION))
    if fee:
        legs.append(leg(target, number(Chart.FEE_INCOME, currency), fee, LegCode.FEE))
    return legs
