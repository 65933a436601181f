"""Channel: the way money comes in, numbered as in keelpay.api.type.v1.

In: nothing. Out: the numbers that payments, instruments, rails and fee plans carry.
"""

from enum import IntEnum


class Channel(IntEnum):
    """A way to pay."""

    WALLET = 1
    """A wallet outside keelpay, which asks its own payer."""
    BALANCE = 2
    """The payer's balance here, which moves only by the payer's passkey or mandate."""
    CARD = 3
    BANK = 4
    STABLECOIN = 5
