"""What a payer's no does to the payment, in the same commit (reaction on `confirmation.rejected`).

In: a rejected confirmation. Out: the payment back at the choice of another way, or untouched.
Invariant: only the payer's own no is a decline; a client that could not sign starts a new confirmation instead.
"""

from typing import Final

from keelpay_server.auth.confirmation import Confirmation
from keelpay_server.auth.confirmation_commands import RejectConfirmation
from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.world import World

from . import names
from .charge import decline
from .decline import DeclineReason, failure_text
from .parties import need_of, parties_of
from .payment import KIND, Payment, PaymentState

BY_PAYER: Final = 1
"""The contract's Rejection: the person said no."""


class PaymentDeclinedByPayer:
    """See `book.reaction.Reaction`."""

    def needs(self, command: RejectConfirmation, need: Need) -> None:
        """The payment that the confirmation was for, and its parties."""
        confirmation = need.row(Confirmation, command.confirmation)
        if confirmation is None or confirmation.kind_of_act != "payment":
            return
        payment = need.row(Payment, _key(confirmation))
        if payment is not None:
            need_of(need, payment)

    def decide(self, command: RejectConfirmation, changes: Changes, world: World) -> Changes:
        """Declines a payment that waits for its payer."""
        confirmation: Confirmation = changes.row
        if confirmation.kind_of_act != "payment" or command.rejection != BY_PAYER:
            return Changes()
        payment = world.get(Payment, _key(confirmation))
        if payment is None or payment.state != PaymentState.REQUIRES_ACTION or payment.operation is not None:
            return Changes()
        failure = failure_text(DeclineReason.PAYER_REJECTED, wall_us=world.wall_us)
        return decline(world, payment, parties_of(world, payment), failure, {})


def _key(confirmation: Confirmation) -> bytes:
    return names.parse_child(confirmation.subject, "payments", KIND, "confirmation")[1]
