"""A refund: captured money on its way back to the payer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keelpay.enums import Channel, DeclineReason, LagCause, RefundState
from keelpay.money import Money

from .model import Model
from .operation import Operation

ENDED: Final = frozenset({RefundState.SUCCEEDED, RefundState.FAILED, RefundState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Model):
    """A refund.

    Attributes:
        name: `merchants/{m}/refunds/{r}`.
        payment: The payment that is refunded.
        merchant_refund_id: The merchant's own number.
        amount: How much.
        description: Why, as the payer may read it.
        metadata: The merchant's own notes.
        state: Where it stands; one that was never sent never reads as SUBMITTED.
        due_time: When the payer should have the money at the latest.
        lagging: The payer does not have it in time, or did not.
        lag_cause: Who or what made it late.
        channel: The channel it goes back by.
        instrument: The instrument it goes back to.
        fee_returned: What we give back of our fee.
        decline_reason: The bank's last decline.
        operations: Everything asked of a bank; left out of lists.
        success_time: When the payer got the money.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    payment: str
    merchant_refund_id: str
    amount: Money
    description: str
    metadata: Mapping[str, str]
    state: RefundState
    due_time: datetime | None
    lagging: bool
    lag_cause: LagCause
    channel: Channel
    instrument: str
    fee_returned: Money
    decline_reason: DeclineReason
    operations: tuple[Operation, ...]
    success_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None
    state_version: int

    @property
    def has_ended(self) -> bool:
        """Whether its state is one that ends it."""
        return self.state in ENDED

    @property
    def needs_reroute(self) -> bool:
        """Whether the payer's card or account no longer takes it: `client.refunds.reroute`."""
        return self.state is RefundState.ABNORMAL
