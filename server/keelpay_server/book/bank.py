"""Bank: one rail that money moves on (a bank, a wallet, the sandbox), as an owner of accounts.

In: made once when the server first starts with the rail in its settings. Invariant: its number is for ever.
"""

from typing import NamedTuple

from keelpay_server.ledger import account
from keelpay_server.ledger.currency import currency


class Bank(NamedTuple):
    """One rail.

    Attributes:
        id: Its name in the settings, such as `sandbox-card`.
        number: Owner number of its accounts.
        currencies: The codes whose accounts are open, space-separated.
        settle_time_us: How long after an operation a NOT_FOUND is final, as the rail declares.
        idempotent: Whether the rail declares that an operation may be sent again with its key.
        create_time: Wall clock.
    """

    id: str
    number: int
    currencies: str
    settle_time_us: int
    idempotent: bool
    create_time: int

    def reserve(self, code: str) -> int:
        """Account 1000."""
        return account.bank_reserve(self.number, currency(code).number)

    def clearing(self, code: str) -> int:
        """Account 1010."""
        return account.bank_clearing(self.number, currency(code).number)

    def payout_transit(self, code: str) -> int:
        """Account 2200."""
        return account.payout_transit(self.number, currency(code).number)

    def refund_transit(self, code: str) -> int:
        """Account 2300."""
        return account.refund_transit(self.number, currency(code).number)

    def suspense(self, code: str) -> int:
        """Account 6900."""
        return account.suspense(self.number, currency(code).number)
