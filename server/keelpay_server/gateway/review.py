"""What a reviewer's verdict does to the payment, in the same commit (reaction on `review.decided`).

In: a judged review. Out: the payment on its way to its money, or rejected with its hold given back.
Invariant: approval needs no new confirmation, and charges nobody who may not pay now; a payment that has left
IN_REVIEW is not touched.
"""

from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.world import World
from keelpay_server.risk.review import DecideReview, Review, Verdict

from .capture import end_payment
from .charge import authorized, charge
from .confirm import check_time
from .held import capture_held
from .operation import Operation
from .parties import check_parties, need_of, parties_of
from .payment import CaptureMethod, Facts, Payment, PaymentState, move


class PaymentReviewed:
    """See `book.reaction.Reaction`."""

    def needs(self, command: DecideReview, need: Need) -> None:
        """The review's payment and its parties."""
        review = need.row(Review, command.review)
        if review is None or review.external:
            return
        payment = need.row(Payment, review.payment)
        if payment is not None:
            need_of(need, payment)

    def decide(self, command: DecideReview, changes: Changes, world: World) -> Changes:
        """Charges or rejects the payment.

        Raises:
            Refused: What may not be charged now cannot be approved, and its review stays open: those of `check_time`
                and `check_parties`.
        """
        review: Review = changes.row
        payment = None if review.external else world.get(Payment, review.payment)
        if payment is None or payment.state != PaymentState.IN_REVIEW:
            return Changes()
        parties = parties_of(world, payment)
        held = None if payment.authorization is None else world.require(Operation, payment.authorization)
        if command.verdict is Verdict.REJECT:
            return end_payment(world, payment, parties, held, PaymentState.REJECTED, judged=True)
        check_time(world, payment, parties)
        check_parties(payment, parties)
        facts: Facts = {"review": review.id}
        if held is None:
            return charge(world, payment, parties, 0, facts)
        payment = move(payment, PaymentState.PROCESSING, world.wall_us)
        if payment.capture_method == CaptureMethod.MANUAL:
            return authorized(world, payment, facts)
        payment = payment._replace(authorized=payment.amount)
        return capture_held(world, payment, parties, held, payment.amount, final=True, facts=facts)
