"""A person who pays: the payer, what the payer pays from, and the balance held here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import Channel, DeclineReason, InstrumentState, OperationState, PayerState, TransferKind
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer(Model):
    """A payer. No name and no number of the person is kept.

    Attributes:
        name: `partners/{p}/payers/{u}`.
        locale: The person's language, BCP 47.
        region: Where the person lives.
        metadata: The partner's own notes.
        state: Whether the payer may pay.
        withdraw_after_time: Withdrawals are refused until then; None if they are not.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    locale: str
    region: str
    metadata: Mapping[str, str]
    state: PayerState
    withdraw_after_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Model):
    """A stored way of paying, known here only by a token.

    Attributes:
        name: `partners/{p}/payers/{u}/instruments/{i}`.
        channel: The channel it serves.
        display: What a person recognises it by; part of what a confirmation signs.
        brand: The network, bank or wallet.
        last_four: The last characters of the number; empty for wallets.
        expire_month: 1 to 12; 0 if it does not expire.
        expire_year: Four digits; 0 if it does not expire.
        state: Whether it can be used.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    channel: Channel
    display: str
    brand: str
    last_four: str
    expire_month: int
    expire_year: int
    state: InstrumentState
    create_time: datetime | None
    update_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Model):
    """What a payer holds here, in one currency.

    Attributes:
        available: Can be spent now.
        held: Reserved by payments that are authorized but not captured.
        frozen: Frozen by a fraud case.
    """

    available: Money
    held: Money
    frozen: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Model):
    """Money that a payer moves into the balance here, or out of it.

    Attributes:
        name: `partners/{p}/payers/{u}/transfers/{t}`.
        kind: Which way the money goes.
        amount: How much.
        instrument: The instrument at the other end.
        state: What the bank said.
        decline_reason: Why it was declined.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    kind: TransferKind
    amount: Money
    instrument: str
    state: OperationState
    decline_reason: DeclineReason
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
