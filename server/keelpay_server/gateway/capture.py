"""Capture, release, cancel: what a merchant does with authorized money; the merchant or the payer calls a payment off.

In: a payment and a wish. Out: its next state at once for a balance, an operation on disk for a bank.
Invariant: nothing is captured beyond the hold, nothing is given up that may still arrive.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text
from keelpay_server.risk.decision import Decision
from keelpay_server.risk.review import close_review

from .held import capture_held, release_held, unspent
from .operation import Operation, OperationKind
from .order_payment import order_freed
from .parties import Parties, need_of, parties_of
from .payment import HUMAN, TRANSITIONS, Payment, PaymentState, event_of, move, touch
from .void import ask_bank, bank_operation, request_cancel, void_authorization


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCommand(Command):
    """Something asked of a stored payment.

    Attributes:
        payment: Key.
        received_us: Wall clock: when the request arrived.
    """

    payment: bytes
    received_us: int = 0

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The payment, then its parties and its authorization."""
        payment = need.row(Payment, self.payment)
        if payment is not None:
            need_of(need, payment)

    def decide(self, world: World) -> Changes:
        """Refuses while an operation is unresolved, then does what the command is for."""
        payment = world.require(Payment, self.payment)
        parties = parties_of(world, payment)
        held = None if payment.authorization is None else world.require(Operation, payment.authorization)
        return self.act(world, payment, parties, held)

    @abstractmethod
    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment(PaymentCommand):
    """Takes authorized money.

    Attributes:
        amount: Minor units, or 0 for all that can be taken.
        currency: Must be the payment's where an amount is given.
        final: Nothing more will be taken.
    """

    amount: int = 0
    currency: str = ""
    final: bool = False

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Raises Refused: ILLEGAL_TRANSITION, OPERATION_UNRESOLVED, CURRENCY_MISMATCH, HOLD_EXCEEDED."""
        held = _authorized(payment, held, PaymentState.CAPTURED)
        if self.currency and self.currency != payment.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, expected=payment.currency, given=self.currency)
        amount = self.amount or payment.capturable
        if amount > payment.capturable:
            most, wanted = (amount_text(each, payment.currency) for each in (payment.capturable, amount))
            raise Refused(
                Reason.HOLD_EXCEEDED, f"{wanted} was asked for, {most} can be captured",
                capturable_minor=str(payment.capturable),
            )  # fmt: skip
        final = self.final or amount == payment.capturable
        if not payment.bank:
            return capture_held(world, payment, parties, held, amount, final=final, since_us=self.received_us)
        asked = bank_operation(world, payment, held, OperationKind.CAPTURE, amount, final=final)
        return ask_bank(world, payment, asked, "capture_submitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePayment(PaymentCommand):
    """Gives up the authorized money that was not taken."""

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Raises Refused: ILLEGAL_TRANSITION, OPERATION_UNRESOLVED."""
        held = _authorized(payment, held, PaymentState.CANCELLED)
        if not payment.bank:
            return release_held(world, payment, parties, held, PaymentState.CANCELLED, since_us=self.received_us)
        return void_authorization(world, payment, held)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayment(PaymentCommand):
    """Calls a payment off, for its merchant or for the person who pays.

    Once a payment is at its bank or beyond, its payer changes nothing any more: the merchant may have shipped.

    Attributes:
        why: For the merchant's own records.
    """

    why: str = ""

    def act(self, world: World, payment: Payment, parties: Parties, held: Operation | None) -> Changes:
        """Does it.

        Raises:
            Refused: ILLEGAL_TRANSITION once something was taken or the payment has ended, and for its payer from
                PROCESSING on; OPERATION_UNRESOLVED.
        """
        state = PaymentState(payment.state)
        if self.caller.kind == CallerKind.PAYER and state not in HUMAN:
            refuse_transition("payment", state.name, PaymentState.CANCELLED.name)
        if state == PaymentState.PROCESSING or payment.operation is not None:
            if payment.captured or state not in (PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION):
                raise Refused(Reason.OPERATION_UNRESOLVED, retry_after_ms=2000)
            return request_cancel(world, payment, self.why)
        if PaymentState.CANCELLED not in TRANSITIONS[state]:
            refuse_transition("payment", state.name, PaymentState.CANCELLED.name)
        if state == PaymentState.AUTHORIZED and payment.bank:
            return void_authorization(world, touch(payment, cancel_requested=True), _held(held))
        return end_payment(world, payment, parties, held, PaymentState.CANCELLED, self.received_us)


def end_payment(
    world: World, payment: Payment, parties: Parties, held: Operation | None, state: PaymentState, since_us: int = 0,
    *, judged: bool = False,
) -> Changes:  # fmt: skip
    """Ends a payment of which nothing was taken and about which no bank is asked.

    Args:
        world: The batch.
        payment: In a state from which `state` is legal.
        parties: Its parties.
        held: Its authorization, if it has one.
        state: CANCELLED, EXPIRED or REJECTED.
        since_us: When the request arrived.
        judged: Its reviewer ends it; otherwise a review that is still open closes with it.
    """
    reviewed = Changes()
    if payment.state == PaymentState.IN_REVIEW and not judged:
        reviewed = _close_review(world, payment)
    if held is not None and held.hold.rest and not payment.bank:
        return release_held(world, payment, parties, held, state, since_us=since_us).join(reviewed)
    spent = payment.amount if payment.state == PaymentState.IN_REVIEW else 0
    payment = move(payment, state, world.wall_us, since_us=since_us)
    changes = Changes(payment, unspent(world, payment, spent), events=(event_of(payment),), done=(payment.id,))
    return changes.join(order_freed(world, parties.order, payment)).join(reviewed)


def _close_review(world: World, payment: Payment) -> Changes:
    """Takes the payment out of the reviewers' queue."""
    decision = None if payment.decision is None else world.get(Decision, payment.decision)
    return Changes() if decision is None or decision.review is None else close_review(world, decision.review)


def _authorized(payment: Payment, held: Operation | None, to: PaymentState) -> Operation:
    state = PaymentState(payment.state)
    if state not in (PaymentState.AUTHORIZED, PaymentState.PARTIALLY_CAPTURED):
        refuse_transition("payment", state.name, to.name)
    if payment.operation is not None:
        raise Refused(Reason.OPERATION_UNRESOLVED, retry_after_ms=2000)
    return _held(held)


def _held(held: Operation | None) -> Operation:
    if held is None:
        raise AssertionError("an authorized payment has an authorization")
    return held
