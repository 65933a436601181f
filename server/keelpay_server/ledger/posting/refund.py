"""What a refund posts, from its reservation to the bank's statement or back.

A refund is reserved when it is accepted, posted to 2300 when it is submitted, and leaves 2300 when it has arrived or
failed; the bank's answers in between, ABNORMAL among them, post nothing. Its money comes from where the merchant has
it: first what is available (2110), then the open window's money (2100), then, if policy allows, the merchant's debt to
us (1230). Invariant: a failed or cancelled refund leaves every source as if it had never been.
"""

from collections.abc import Iterator
from typing import NamedTuple

from keelpay_server.ledger.account import (
    OWN_BANK,
    bank_clearing,
    bank_reserve,
    merchant_available,
    merchant_owed,
    merchant_unsettled,
    number,
    payer_balance,
    refund_transit,
)
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.leg import Leg, LegCode, LegError, Posting, leg, linked
from keelpay_server.ledger.posting.settlement import settle


class FundingError(ValueError):
    """The merchant's money does not cover a refund. Callers answer it with a reason of their own."""

    def __init__(self, short: int) -> None:
        super().__init__(f"{short} minor units are missing")
        self.short = short
        """Minor units that no source covers."""


class Funding(NamedTuple):
    """Who gives how much of a refund: columns of the refund. All amounts are minor units, >= 0."""

    merchant: int
    """Owner number."""
    currency: int
    """The currency's number."""
    window: int
    """The window whose money is used: the one open at the reservation."""
    available: int
    """From 2110."""
    unsettled: int
    """From 2100 of the window."""
    owed: int
    """From us, as the merchant's debt on 1230."""
    fee: int = 0
    """Our fee given back, from 4000."""
    promotion: int = 0
    """Of the money above, what returns to us on 5200 because a promotion had paid it."""

    @property
    def amount(self) -> int:
        """What the payer receives."""
        return self.available + self.unsettled + self.owed + self.fee - self.promotion

    def sources(self) -> Iterator[tuple[int, int]]:
        """The merchant's accounts that give, with their amounts above zero."""
        for account, amount in (
            (merchant_available(self.merchant, self.currency), self.available),
            (merchant_unsettled(self.merchant, self.currency, self.window), self.unsettled),
            (merchant_owed(self.merchant, self.currency), self.owed),
        ):
            if amount:
                yield account, amount

    def holds(self, bank: int) -> tuple[Hold, ...]:
        """What the reservation holds, one hold a source."""
        target = refund_transit(bank, self.currency)
        return tuple(Hold(account, target, amount) for account, amount in self.sources())


def fund(
    *,
    merchant: int,
    currency: int,
    window: int,
    amount: int,
    available_room: int,
    unsettled_room: int,
    may_owe: bool,
    fee: int = 0,
    promotion: int = 0,
) -> Funding:
    """Decides who pays a refund.

    Args:
        merchant: the merchant's owner number.
        currency: the currency's number.
        window: the open window.
        amount: what the payer is to receive, > 0.
        available_room: headroom of 2110, >= 0.
        unsettled_room: headroom of the open window's 2100, >= 0.
        may_owe: policy lets the merchant owe us what is missing.
        fee: our fee given back with it, 0..amount (`money.prorated`).
        promotion: what returns to us because a promotion had paid it, >= 0 (`money.prorated`).

    Raises:
        FundingError: the merchant has not enough and may not owe.
        LegError: a fee or promotion outside its bounds.
    """
    if not 0 <= fee <= amount or promotion < 0:
        raise LegError(f"a refund of {amount} cannot carry a fee of {fee} and a promotion of {promotion}")
    needed = amount - fee + promotion
    available = min(needed, available_room)
    unsettled = min(needed - available, unsettled_room)
    owed = needed - available - unsettled
    if owed and not may_owe:
        raise FundingError(owed)
    return Funding(merchant, currency, window, available, unsettled, owed, fee, promotion)


def reserve(funding: Funding, bank: int = OWN_BANK) -> Posting:
    """Reserves the money at its sources, so that neither a payout nor a settlement nor another refund takes it."""
    return Posting(pending=tuple(move for hold in funding.holds(bank) for move in hold.placed()))


def cancel(funding: Funding, bank: int = OWN_BANK, *, settled: bool, owed: int) -> Posting:
    """Ends a reservation that was not submitted.

    Args:
        funding: as it was reserved.
        bank: as it was reserved.
        settled: the funding's window has been settled meanwhile: what comes free on it settles now.
        owed: the posted balance of the merchant's 1230, >= 0.
    """
    return linked(Posting(pending=_freed(funding, bank)), _late_settlement(funding, settled=settled, owed=owed))


def submit(funding: Funding, bank: int = OWN_BANK) -> Posting:
    """Posts the refund from its sources to 2300; commits before anything is sent.

    The bank is the one of the reservation. Our fee goes with it, a promotion's part comes back to us.
    """
    transit = refund_transit(bank, funding.currency)
    debt = merchant_owed(funding.merchant, funding.currency)
    legs = [
        leg(account, transit, amount, LegCode.REFUND_OWED if account == debt else LegCode.REFUND)
        for account, amount in funding.sources()
    ]
    if funding.fee:
        legs.append(leg(number(Chart.FEE_INCOME, funding.currency), transit, funding.fee, LegCode.REFUND_FEE))
    if funding.promotion:
        cost = number(Chart.PROMOTION_COST, funding.currency)
        legs.append(leg(transit, cost, funding.promotion, LegCode.REFUND_PROMOTION))
    return Posting(tuple(legs), _freed(funding, bank))


def fail(funding: Funding, bank: int = OWN_BANK, *, settled: bool, owed: int) -> Posting:
    """Returns a submitted refund from 2300 to its sources.

    The debt is lowered by no more than is still owed: what a settlement has repaid meanwhile is the merchant's money.

    Args:
        funding: as it was submitted.
        bank: the bank in whose 2300 it is now.
        settled: the funding's window has been settled meanwhile: what returns to it settles at once.
        owed: the posted balance of the merchant's 1230, >= 0.
    """
    transit = refund_transit(bank, funding.currency)
    debt = min(funding.owed, owed)
    back = (
        (number(Chart.FEE_INCOME, funding.currency), funding.fee),
        (merchant_owed(funding.merchant, funding.currency), debt),
        (merchant_available(funding.merchant, funding.currency), funding.available + funding.owed - debt),
        (merchant_unsettled(funding.merchant, funding.currency, funding.window), funding.unsettled),
    )
    legs: list[Leg] = []
    if funding.promotion:
        cost = number(Chart.PROMOTION_COST, funding.currency)
        legs.append(leg(cost, transit, funding.promotion, LegCode.REFUND_FAILED))
    legs += [leg(transit, account, amount, LegCode.REFUND_FAILED) for account, amount in back if amount]
    return linked(Posting(tuple(legs)), _late_settlement(funding, settled=settled, owed=owed - debt))


def reroute(*, currency: int, amount: int, from_bank: int, to_bank: int) -> Posting:
    """Sends a refund another way: 2300 of one bank to 2300 of another; the same bank again posts nothing."""
    if from_bank == to_bank:
        return Posting()
    source, target = refund_transit(from_bank, currency), refund_transit(to_bank, currency)
    return Posting((leg(source, target, amount, LegCode.REFUND_REROUTED),))


def sent(*, bank: int, currency: int, amount: int) -> Posting:
    """The refund is on the bank's statement: 2300 -> 1000."""
    return Posting((leg(refund_transit(bank, currency), bank_reserve(bank, currency), amount, LegCode.REFUND_SENT),))


def returned(*, bank: int, currency: int, amount: int) -> Posting:
    """The payee's bank sent it back, as the statement shows: 1000 -> 2300, where it waits for another way."""
    accounts = bank_reserve(bank, currency), refund_transit(bank, currency)
    return Posting((leg(*accounts, amount, LegCode.REFUND_FAILED),))


def netted(*, bank: int, currency: int, amount: int) -> Posting:
    """The bank kept the refund from what it owes us: 2300 -> 1010."""
    return Posting((leg(refund_transit(bank, currency), bank_clearing(bank, currency), amount, LegCode.REFUND_NETTED),))


def credit_balance(*, payer: int, currency: int, amount: int, bank: int = OWN_BANK) -> Posting:
    """The refund goes to the payer's balance here: 2300 -> 2000.

    Args:
        payer: the payer's owner number.
        currency: the currency's number.
        amount: minor units, > 0.
        bank: in whose 2300 it is: our own, or a bank's when it is rerouted from there.
    """
    credited = leg(refund_transit(bank, currency), payer_balance(payer, currency), amount, LegCode.REFUND_CREDITED)
    return Posting((credited,))


def _freed(funding: Funding, bank: int) -> tuple[tuple[int, int, int], ...]:
    """The pending moves that end the reservation."""
    return tuple(move for hold in funding.holds(bank) for move in hold.freed(hold.release()))


def _late_settlement(funding: Funding, *, settled: bool, owed: int) -> Posting:
    """Settles what came back to a window after the others' money had been settled."""
    if not settled:
        return Posting()
    return settle(
        merchant=funding.merchant,
        window=funding.window,
        currency=funding.currency,
        free=funding.unsettled,
        owed=owed,
    )
