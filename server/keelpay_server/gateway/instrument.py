"""Instrument: what a payer pays from: a card, a bank account, an outside wallet, an address on a chain.

Invariant: its number is never stored in clear; what a rail needs is a token, what people see is a display.
"""

from enum import IntEnum
from typing import Final, NamedTuple

KIND: Final = "ins"


class InstrumentState(IntEnum):
    """Whether it may be used, numbered as in the contract."""

    ACTIVE = 1
    REMOVED = 2


class Instrument(NamedTuple):
    """One instrument.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`.
        channel: The contract's Channel.
        bank: The rail that serves it.
        token: What the rail knows it by.
        sealed: Its number under AES-256-GCM (nonce first), empty once removed.
        key_id: Which vault key sealed it.
        fingerprint: Keyed digest of the number: the same card is the same for risk, whoever enters it.
        display: What people see, such as `Visa ·· 4242`.
        brand: Such as `visa`.
        last_four: Last four characters of the number.
        expire_month: 1..12, or 0.
        expire_year: Or 0.
        state: An InstrumentState.
        state_version: Counts its changes.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    payer: str
    channel: int
    bank: str
    token: str
    sealed: bytes
    key_id: str
    fingerprint: str
    display: str
    brand: str
    last_four: str
    expire_month: int
    expire_year: int
    state: int
    state_version: int
    create_time: int
    update_time: int
