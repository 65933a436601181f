"""Payer: a person who pays, vouched for by one partner; owner of balances, so its home is the book.

Invariant: a payer belongs to one partner for ever; only its own confirmation or mandate moves its balance.
"""

from enum import IntEnum
from typing import NamedTuple

from keelpay_server.ledger import account
from keelpay_server.ledger.currency import currency


class PayerState(IntEnum):
    """Whether it may pay."""

    ACTIVE = 1
    FROZEN = 2


class Payer(NamedTuple):
    """One payer.

    Attributes:
        id: `<partner>/<the partner's own id of the person>`.
        partner: The partner that vouches for it.
        number: Owner number of its accounts.
        state: A PayerState.
        state_version: Counts its changes.
        handle: WebAuthn user handle: 32 random bytes that say nothing about the person.
        currencies: The codes of the currencies in which it has a balance, space-separated, in order of opening.
        locale: Language for texts shown to the person, such as `zh-CN`.
        region: Where the partner says the person lives.
        withdraw_after: Business time before which withdrawals are refused (passkey recovery), or 0.
        metadata: JSON object of the partner's own texts.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: str
    partner: str
    number: int
    state: int
    state_version: int
    handle: bytes
    currencies: str
    locale: str
    region: str
    withdraw_after: int
    metadata: str
    create_time: int
    update_time: int

    def balance(self, code: str) -> int:
        """Account 2000 in a currency."""
        return account.payer_balance(self.number, currency(code).number)
