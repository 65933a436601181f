"""Merchant: who is paid. An owner of accounts, so its home is the book; partners create and change it through `auth`.

Invariant: a merchant has one partner, one settlement currency and one calendar for ever; its number is its accounts'.
"""

from enum import IntEnum
from typing import NamedTuple

from keelpay_server.ledger import account
from keelpay_server.ledger.currency import currency


class MerchantState(IntEnum):
    """Whether it may take payments."""

    ACTIVE = 1
    SUSPENDED = 2


class Merchant(NamedTuple):
    """One merchant.

    Attributes:
        id: The name its partner chose, such as `cafe`.
        partner: The partner it belongs to.
        number: Owner number of its accounts.
        state: A MerchantState.
        state_version: Counts its changes.
        display_name: What payers read on the confirm screen.
        statement_descriptor: What payers read on their bank's statement.
        currency: Settlement currency; payments are taken in it.
        calendar: Settlement calendar: `<IANA zone>@<HH:MM>` of the daily cut-off, such as `Asia/Shanghai@00:00`.
        fee_plan: JSON of the fee table (ledger.fee).
        payout_bank: The bank that pays it out.
        payout_account: JSON of holder, token and last four of the account there.
        window_opened: Number of the newest window for which its unsettled account is open; 0 for none.
        metadata: JSON object of the partner's own texts.
        create_time: Wall clock.
        update_time: Wall clock.
        return_origins: Where payers may be sent back to after a payment: origins and app schemes, space-separated.
    """

    id: str
    partner: str
    number: int
    state: int
    state_version: int
    display_name: str
    statement_descriptor: str
    currency: str
    calendar: str
    fee_plan: str
    payout_bank: str
    payout_account: str
    window_opened: int
    metadata: str
    create_time: int
    update_time: int
    return_origins: str = ""

    def unsettled(self, window: int) -> int:
        """Account 2100 of a window."""
        return account.merchant_unsettled(self.number, currency(self.currency).number, window)

    def available(self) -> int:
        """Account 2110."""
        return account.merchant_available(self.number, currency(self.currency).number)

    def owed(self) -> int:
        """Account 1230."""
        return account.merchant_owed(self.number, currency(self.currency).number)
