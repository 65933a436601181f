"""An order: what a merchant wants to be paid, held by the server so that no client can change the amount."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import OrderState
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Model):
    """An order.

    Attributes:
        name: `merchants/{m}/orders/{o}`.
        merchant_order_id: The merchant's own order number.
        amount: What is to be paid.
        description: What is bought, as the payer reads it.
        statement_descriptor: What the payer's bank statement shows.
        payer: Who pays; empty if that is not known yet.
        expire_time: When it expires unpaid.
        metadata: The merchant's own notes.
        state: Where it stands.
        payment: The payment under way, or the one that paid; empty before the first.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
        return_url: Where the payer goes back to; empty if the merchant gave nothing.
    """

    name: str
    merchant_order_id: str
    amount: Money
    description: str
    statement_descriptor: str
    payer: str
    expire_time: datetime | None
    metadata: Mapping[str, str]
    state: OrderState
    payment: str
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
    return_url: str

    @property
    def is_payable(self) -> bool:
        """Whether a payment may still be tried."""
        return self.state is OrderState.OPEN
