"""The port of the vault: a bank account's number goes in, a token comes out.

In: the number as the request carried it. Out: what may be stored. Invariant: nothing behind this door keeps a number.
"""

from typing import NamedTuple, Protocol


class PayoutTarget(NamedTuple):
    """A bank account that can be paid out to.

    Attributes:
        bank: The rail that pays it out.
        token: What the rail knows the account by.
    """

    bank: str
    token: str


class PayoutVault(Protocol):
    """Whoever keeps numbers."""

    async def protect_account(
        self, *, currency: str, bank_code: str, account_holder: str, account_number: str
    ) -> PayoutTarget:
        """Returns the target of payouts to an account.

        Raises:
            Refused: UNSUPPORTED_BY_RAIL where no rail pays out to it.
        """
