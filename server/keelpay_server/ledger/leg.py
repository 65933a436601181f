"""Legs and pending moves: the only two things that change an account.

A leg is (debit, credit, amount, code), a pending move (debit, credit, amount): bare tuples, because they are made,
unpacked and written by the thousand in each batch. Invariant: made here, both sides differ and are of one currency, and
a leg's amount is positive, so a leg cannot be unbalanced. Legs never change; a correction is a new leg.
"""

from enum import IntEnum
from typing import NamedTuple, TypeAlias

from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.money import INT64_MAX


class LegCode(IntEnum):
    """What a leg is. Stored with every leg for ever: never renumber."""

    PAY = 1
    """From the payer's balance to the merchant."""
    CAPTURE = 2
    """What a bank took for the merchant."""
    FEE = 3
    COST = 4
    """What a bank or rail charges us."""
    PROMOTION = 5
    """Our part of the price."""
    TOP_UP = 6
    RECEIVE = 7
    """Captured money reached our account at the bank."""
    SETTLE = 8
    REPAY = 9
    """The merchant repays what it owes, out of its settlement."""
    PAYOUT = 10
    PAYOUT_SENT = 11
    """The payout is on the bank's statement."""
    PAYOUT_RETURNED = 12
    WITHDRAW = 13
    WITHDRAW_SENT = 14
    WITHDRAW_RETURNED = 15
    REFUND = 16
    REFUND_OWED = 17
    """The part of a refund that the merchant could not fund."""
    REFUND_FEE = 18
    """The part of a refund that is our fee given back."""
    REFUND_PROMOTION = 19
    """The part of a refund that was our promotion and comes back to us."""
    REFUND_SENT = 20
    """The refund is on the bank's statement."""
    REFUND_NETTED = 21
    """The bank kept the refund from what it owes us."""
    REFUND_CREDITED = 22
    """The refund reached the payer's balance here."""
    REFUND_REROUTED = 23
    REFUND_FAILED = 24
    """The refund goes back to where its money came from."""
    LATE_SUCCESS = 25
    """A bank took money for a payment that had ended."""
    REFUND_SUSPENSE = 26
    """Unexplained money goes back to the payer it came from."""
    SURPLUS = 27
    """The bank sent more than we know of."""
    SURPLUS_ASSIGNED = 28
    """Unexplained money turned out to be a merchant's or a payer's."""
    DEFICIT = 29
    """The bank sent less than it owes us."""
    WRITE_OFF = 30
    CAPITAL = 31
    COST_SENT = 32
    """The bank took its charge from our account there."""
    ADJUSTMENT = 33
    """A correction that two operators agreed on."""


Leg: TypeAlias = tuple[int, int, int, int]
"""(debit account, credit account, amount in minor units, LegCode)."""

Pending: TypeAlias = tuple[int, int, int]
"""(debit account, credit account, amount): above zero reserves, below zero frees what a capture or release ends."""


class LegError(ValueError):
    """The two accounts and the amount are no leg or pending move. A mistake of the program, not of a caller."""


class Posting(NamedTuple):
    """What one event changes in the accounts; all of it commits together."""

    legs: tuple[Leg, ...] = ()
    pending: tuple[Pending, ...] = ()


def leg(debit: int, credit: int, amount: int, code: LegCode) -> Leg:
    """A leg that debits one account and credits another by a positive amount.

    Raises:
        LegError: the accounts are the same or of two currencies, or the amount is not in 1..INT64_MAX.
    """
    if not 0 < amount <= INT64_MAX:
        raise LegError(f"a leg moves a positive amount, not {amount}")
    _one_currency(debit, credit)
    return (debit, credit, amount, code)


def pending(debit: int, credit: int, amount: int) -> Pending:
    """A pending move that reserves (amount > 0) or frees (amount < 0) a later leg.

    Raises:
        LegError: the accounts are the same or of two currencies, or the amount is zero.
    """
    if not amount:
        raise LegError("a pending move moves something")
    _one_currency(debit, credit)
    return (debit, credit, amount)


def linked(*postings: Posting) -> Posting:
    """Several postings as one: their legs and pending moves, in order, in one commit."""
    return Posting(
        tuple(one for posting in postings for one in posting.legs),
        tuple(one for posting in postings for one in posting.pending),
    )


def _one_currency(debit: int, credit: int) -> None:
    """Refuses two accounts that no leg can join."""
    if debit == credit or currency_number(debit ^ credit):
        raise LegError(f"no leg joins {debit} and {credit}")
