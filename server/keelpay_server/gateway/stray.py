"""Stray: a refund's operation whose money is not the refund's own any more, and where that money is.

A bank may send what it had refused, after the refund went another way or failed; or send back what it had paid, before
its statement shows either. In: what banks say and statements show. Out: the row, its legs. Invariant: what one
operation has in 2300 and 6900 is told by its own row, so that the refund's columns speak of its present way only.
"""

from typing import NamedTuple

from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.leg import Posting
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import refund as posting


class Stray(NamedTuple):
    """One such operation.

    Attributes:
        id: The operation's key.
        refund: What it was made for.
        bank: Owner number of the bank.
        currency: Of the amounts.
        amount: What it moves, minor units.
        in_transit: What of it is in the bank's 2300.
        in_suspense: What of it is on the bank's 6900, as credits less debits; below zero has to come back.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    refund: bytes
    bank: int
    currency: str
    amount: int
    in_transit: int
    in_suspense: int
    create_time: int
    update_time: int

    @property
    def currency_number(self) -> int:
        """The currency's number in accounts."""
        return currency(self.currency).number

    def paid_again(self, wall_us: int) -> tuple["Stray", Posting]:
        """The bank did it although it had said no: 6900 → 2300, to be claimed."""
        return self._moved(self.amount, -self.amount, wall_us), bank_posting.refund_suspense(
            bank=self.bank, currency=self.currency_number, amount=self.amount
        )

    def came_back(self, wall_us: int) -> tuple["Stray", Posting]:
        """The payee's bank sent it back: before a statement showed it leaving, 2300 → 6900 ends the claim."""
        if not self.in_transit:
            return self, Posting()
        return self._moved(-self.amount, self.amount, wall_us), bank_posting.refund_suspense_failed(
            bank=self.bank, to_bank=self.bank, currency=self.currency_number, amount=self.amount
        )

    def line_left(self, wall_us: int) -> tuple["Stray", Posting]:
        """A line shows it leaving: 2300 → 1000, or 6900 → 1000 where nothing is in transit for it."""
        parts = {"bank": self.bank, "currency": self.currency_number, "amount": self.amount}
        if self.in_transit:
            return self._moved(-self.amount, 0, wall_us), posting.sent(**parts)
        return self._moved(0, -self.amount, wall_us), bank_posting.sent_unexplained(**parts)

    def line_returned(self, wall_us: int) -> tuple["Stray", Posting]:
        """A line shows it coming back: 1000 → 6900."""
        return self._moved(0, self.amount, wall_us), bank_posting.surplus(
            bank=self.bank, currency=self.currency_number, amount=self.amount
        )

    def _moved(self, transit: int, suspense: int, wall_us: int) -> "Stray":
        return self._replace(
            in_transit=self.in_transit + transit, in_suspense=self.in_suspense + suspense, update_time=wall_us
        )


def stray_of(operation: bytes, refund: bytes, bank: int, code: str, amount: int, wall_us: int) -> Stray:
    """Returns a new one with nothing anywhere.

    Args:
        operation: Its key.
        refund: The refund's.
        bank: The bank's owner number.
        code: The currency.
        amount: Minor units.
        wall_us: Now.
    """
    return Stray(operation, refund, bank, code, amount, 0, 0, wall_us, wall_us)
