"""Choose: the payer takes another way to pay, before anything is confirmed.

In: a payment that waits for its payer, and a way of paying. Out: the payment, ready to be confirmed in that way.
Invariant: nothing is charged and nothing is signed; what was asked to be signed for the old way cannot be spent.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.confirmation import event_of as confirmation_event
from keelpay_server.auth.confirmation import move as end_confirmation
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .confirm import check_time
from .method import Method, apply_method
from .parties import check_parties, need_of, parties_of
from .payment import Payment, PaymentState, event_of, move, refuse_human, touch

_S: Final = PaymentState
_STEPS: Final[dict[PaymentState, tuple[PaymentState, ...]]] = {
    _S.REQUIRES_PAYMENT_METHOD: (_S.REQUIRES_CONFIRMATION,),
    _S.REQUIRES_CONFIRMATION: (),
    _S.REQUIRES_ACTION: (_S.REQUIRES_PAYMENT_METHOD, _S.REQUIRES_CONFIRMATION),
}
"""The states in which a way of paying can be chosen, and the steps to REQUIRES_CONFIRMATION from each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosePaymentMethod(Command):
    """Gives a payment another way of paying.

    Attributes:
        payment: Key.
        name: Its resource name.
        method: The way.
        received_us: Wall clock: when the request arrived.
    """

    payment: bytes
    name: str
    method: Method
    received_us: int = 0

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The payment with its parties as they would be, and the confirmation that is pending for it."""
        need.all(Confirmation, "pending_act", f"payment:{self.name}")
        stored = need.row(Payment, self.payment)
        if stored is not None:
            need_of(need, apply_method(stored, self.method))

    def decide(self, world: World) -> Changes:
        """The same way once more changes nothing; risk decides anew when the payment is confirmed.

        Raises:
            Refused: PAYMENT_PAID, ILLEGAL_TRANSITION, OPERATION_UNRESOLVED, ORDER_PAID, ORDER_CLOSED, and those of
                `check_parties`.
        """
        stored = world.require(Payment, self.payment)
        state = _S(stored.state)
        if stored.operation is not None:
            raise Refused(Reason.OPERATION_UNRESOLVED, retry_after_ms=2000)
        if state not in _STEPS:
            refuse_human(state, _S.REQUIRES_CONFIRMATION)
        payment = apply_method(stored, self.method)
        parties = parties_of(world, payment)
        check_time(world, payment, parties)
        check_parties(payment, parties)
        if payment == stored and state is not _S.REQUIRES_PAYMENT_METHOD:
            return Changes(stored)
        for step in _STEPS[state]:
            payment = move(payment, step, world.wall_us, since_us=self.received_us)
        payment = payment if _STEPS[state] else touch(payment)
        pending = world.all(Confirmation, "pending_act", f"payment:{self.name}")
        ended = [end_confirmation(each, ConfirmationState.SUPERSEDED, world.wall_us) for each in pending]
        return Changes(
            payment, tuple(ended), events=(event_of(payment, "method_chosen"), *map(confirmation_event, ended)),
            done=tuple(each.id for each in ended),
        )  # fmt: skip
