"""A payer calls a payment off: what the person who pays may still do, and from when on only the merchant may.

In: a payment and its payer's wish. Out: the payment called off. Invariant: once the payment is at its bank or beyond,
nothing that its payer sends changes it; the merchant may have shipped.
"""

from dataclasses import dataclass

from keelpay_server.book.changes import Changes
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.world import World

from .capture import CancelPayment
from .operation import Operation
from .parties import Parties
from .payment import Payment, PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelByPayer(CancelPayment):
    """Calls a payment off for its payer."""

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Raises Refused: ILLEGAL_TRANSITION from PROCESSING on; otherwise as for the merchant."""
        if payment.state >= PaymentState.PROCESSING:
            refuse_transition("payment", PaymentState(payment.state).name, PaymentState.CANCELLED.name)
        return CancelPayment.act(self, world, payment, parties, held)
