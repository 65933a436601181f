"""Factor: the group of signals that moved a decision, as partners may see it.

Invariant: numbers and names equal the contract's `Factor`; a factor names no threshold and no value.
"""

from enum import IntEnum


class Factor(IntEnum):
    """Why a decision came out as it did."""

    AMOUNT_UNUSUAL = 1
    HOUR_UNUSUAL = 2
    PAYER_VELOCITY = 3
    PAYER_HISTORY = 4
    INSTRUMENT_VELOCITY = 5
    INSTRUMENT_HISTORY = 6
    PAYEE_NEW = 7
    PAYEE_HISTORY = 8
    DEVICE_NEW = 9
    DEVICE_HISTORY = 10
    ADDRESS = 11
    MERCHANT = 12
    LIST = 13
    RULE = 14
    BUDGET = 15
    CONTROL_GROUP = 16
    DEVICE_SHARED = 17
    PASSKEY = 18
