"""Declines: a bank's, a payer's or risk's no, as data on the payment in words that may be shown.

In: a rail's code, or a reason of our own. Out: the contract's DeclineReason and advice. Invariant: every rail code has
a row, and a row never tells a thief that a card is known as stolen.
"""

import json
from enum import IntEnum
from typing import Final


class DeclineReason(IntEnum):
    """Who said no and why, numbered as in the contract."""

    INSUFFICIENT_FUNDS = 1
    DECLINED_BY_BANK = 2
    INSTRUMENT_INVALID = 3
    INSTRUMENT_EXPIRED = 4
    LIMIT_EXCEEDED = 5
    AUTHENTICATION_FAILED = 6
    BANK_UNAVAILABLE = 7
    NOT_SUPPORTED = 8
    RISK = 9
    PAYER_REJECTED = 10
    CONFIRMATION_FAILED = 11
    MANDATE_REFUSED = 12


class DeclineAdvice(IntEnum):
    """What to do next, numbered as in the contract."""

    TRY_AGAIN = 1
    USE_OTHER_INSTRUMENT = 2
    DO_NOT_RETRY = 3


_D = DeclineReason
BY_RAIL_CODE: Final = {
    "INSUFFICIENT_FUNDS": _D.INSUFFICIENT_FUNDS,
    "STOLEN_INSTRUMENT": _D.DECLINED_BY_BANK,
    "EXPIRED_INSTRUMENT": _D.INSTRUMENT_EXPIRED,
    "INVALID_INSTRUMENT": _D.INSTRUMENT_INVALID,
    "ACCOUNT_CLOSED": _D.INSTRUMENT_INVALID,
    "ACCOUNT_BLOCKED": _D.DECLINED_BY_BANK,
    "LIMIT_EXCEEDED": _D.LIMIT_EXCEEDED,
    "SUSPECTED_FRAUD": _D.DECLINED_BY_BANK,
    "REJECTED_BY_PAYER": _D.PAYER_REJECTED,
    "CHALLENGE_EXPIRED": _D.AUTHENTICATION_FAILED,
    "DO_NOT_HONOR": _D.DECLINED_BY_BANK,
    "PROCESSING_ERROR": _D.BANK_UNAVAILABLE,
    "UNSUPPORTED": _D.NOT_SUPPORTED,
    "INVALID_REQUEST": _D.NOT_SUPPORTED,
    "ORIGINAL_NOT_FOUND": _D.DECLINED_BY_BANK,
    "AMOUNT_EXCEEDS_AUTHORIZED": _D.NOT_SUPPORTED,
    "AMOUNT_EXCEEDS_CAPTURED": _D.NOT_SUPPORTED,
    "ALREADY_CAPTURED": _D.NOT_SUPPORTED,
    "ALREADY_VOIDED": _D.DECLINED_BY_BANK,
    "AUTHORIZATION_EXPIRED": _D.DECLINED_BY_BANK,
    "RESERVE_INSUFFICIENT": _D.BANK_UNAVAILABLE,
    "NEVER_ARRIVED": _D.BANK_UNAVAILABLE,
}
"""Every ResultCode of the rail contract, and our own word for an operation that never reached its bank."""
ADVICE: Final = {
    _D.INSUFFICIENT_FUNDS: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.DECLINED_BY_BANK: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.INSTRUMENT_INVALID: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.INSTRUMENT_EXPIRED: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.LIMIT_EXCEEDED: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.AUTHENTICATION_FAILED: DeclineAdvice.TRY_AGAIN,
    _D.BANK_UNAVAILABLE: DeclineAdvice.TRY_AGAIN,
    _D.NOT_SUPPORTED: DeclineAdvice.USE_OTHER_INSTRUMENT,
    _D.RISK: DeclineAdvice.DO_NOT_RETRY,
    _D.PAYER_REJECTED: DeclineAdvice.TRY_AGAIN,
    _D.CONFIRMATION_FAILED: DeclineAdvice.TRY_AGAIN,
    _D.MANDATE_REFUSED: DeclineAdvice.TRY_AGAIN,
}


def decline_of(rail_code: str) -> DeclineReason:
    """Returns the contract's word for a rail's code; an unknown code is the bank's plain no."""
    return BY_RAIL_CODE.get(rail_code, DeclineReason.DECLINED_BY_BANK)


def failure_text(reason: DeclineReason, *, rail_code: str = "", operation: int = 0, wall_us: int) -> str:
    """Returns the JSON kept on the payment."""
    return json.dumps({"reason": int(reason), "rail_code": rail_code, "operation": operation, "time": wall_us})
