"""A mandate: a payer's signed permission for small payments to one merchant without a finger each time."""

from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import MandateState
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate(Model):
    """Limits that a payer signed once.

    Attributes:
        name: `merchants/{m}/mandates/{x}`.
        payer: Who pays.
        instrument: What is paid from; empty for the payer's balance.
        payment_max: The most for one payment.
        day_max: The most for one day in the merchant's time zone.
        total_max: The most over its whole life; None for no such limit.
        expire_time: When it ends.
        state: Where it stands.
        day_zone: The time zone that decides when a day begins.
        spent_day: Spent under it today.
        spent_total: Spent under it so far.
        confirmation: The confirmation that the payer signed.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
        payee_name: The payee, as the payer read and signed it.
        instrument_display: What is paid from, as the payer read and signed it.
    """

    name: str
    payer: str
    instrument: str
    payment_max: Money
    day_max: Money
    total_max: Money | None
    expire_time: datetime | None
    state: MandateState
    day_zone: str
    spent_day: Money
    spent_total: Money
    confirmation: str
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
    payee_name: str
    instrument_display: str

    @property
    def is_usable(self) -> bool:
        """Whether a payment may be made under it now."""
        return self.state is MandateState.ACTIVE
