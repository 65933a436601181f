"""Payment: the entity, its states and legal transitions, and how it carries its amounts and its times.

In: steps decided elsewhere in this room. Out: the payment after the step. Invariant: only the table's transitions
happen, refunded + pending ≤ captured ≤ authorized, and every microsecond is the system's, the bank's or a person's.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple, NoReturn

from keelpay_server.book.changes import Event
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition

from .history import reach

KIND: Final = "pay"


Facts = dict[str, Any]
"""What an event tells besides the payment itself."""


class PaymentState(IntEnum):
    """Life of a payment, numbered as in the contract."""

    REQUIRES_PAYMENT_METHOD = 1
    REQUIRES_CONFIRMATION = 2
    REQUIRES_ACTION = 3
    IN_REVIEW = 4
    PROCESSING = 5
    AUTHORIZED = 6
    PARTIALLY_CAPTURED = 7
    CAPTURED = 8
    CANCELLED = 9
    EXPIRED = 10
    REJECTED = 11


_S = PaymentState
TRANSITIONS: Final[dict[PaymentState, frozenset[PaymentState]]] = {
    _S.REQUIRES_PAYMENT_METHOD: frozenset({_S.REQUIRES_CONFIRMATION, _S.CANCELLED, _S.EXPIRED}),
    _S.REQUIRES_CONFIRMATION: frozenset(
        {_S.REQUIRES_ACTION, _S.IN_REVIEW, _S.PROCESSING, _S.REJECTED, _S.REQUIRES_PAYMENT_METHOD, _S.CANCELLED,
         _S.EXPIRED}
    ),
    _S.REQUIRES_ACTION: frozenset(
        {_S.PROCESSING, _S.IN_REVIEW, _S.REQUIRES_PAYMENT_METHOD, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}
    ),
    _S.IN_REVIEW: frozenset(
        {_S.PROCESSING, _S.REQUIRES_ACTION, _S.REQUIRES_PAYMENT_METHOD, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}
    ),
    _S.PROCESSING: frozenset(
        {_S.REQUIRES_ACTION, _S.AUTHORIZED, _S.CAPTURED, _S.REQUIRES_PAYMENT_METHOD, _S.CANCELLED}
    ),
    _S.AUTHORIZED: frozenset({_S.PARTIALLY_CAPTURED, _S.CAPTURED, _S.CANCELLED, _S.EXPIRED}),
    _S.PARTIALLY_CAPTURED: frozenset({_S.PARTIALLY_CAPTURED, _S.CAPTURED}),
    _S.CAPTURED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REJECTED: frozenset(),
}  # fmt: skip
ENDED: Final = frozenset(state for state, next_states in TRANSITIONS.items() if not next_states)
HUMAN: Final = frozenset({_S.REQUIRES_PAYMENT_METHOD, _S.REQUIRES_CONFIRMATION, _S.REQUIRES_ACTION, _S.IN_REVIEW})
"""States in which the payment waits for a person."""
MERCHANT: Final = frozenset({_S.AUTHORIZED, _S.PARTIALLY_CAPTURED})
"""States in which it waits for the merchant: nobody's time."""
PAID: Final = MERCHANT | {_S.CAPTURED}
"""States in which its payer has paid."""


class CaptureMethod(IntEnum):
    """When authorized money is taken, numbered as in the contract."""

    AUTOMATIC = 1
    MANUAL = 2


class Payment(NamedTuple):
    """One payment. Amounts in minor units of its currency; times in microseconds.

    Attributes:
        id: Its key.
        merchant: Who is paid.
        number: The merchant's own number.
        order: The order it pays, or None.
        payer: `<partner>/<id>`, or empty.
        instrument: What it is paid from, or None.
        mandate: The mandate it is paid under, or None.
        confirmation: The confirmation that was spent for it, or None.
        channel: The contract's Channel.
        bank: The rail that serves it; empty for the payer's balance.
        token: The rail's token of the instrument, as of the payment.
        region: ISO 3166, required from the first day for the figures.
        region_source: How the region is known.
        currency: ISO 4217 code or token.
        amount: What the payer pays.
        capture_method: A CaptureMethod.
        state: A PaymentState.
        state_version: Counts its changes.
        authorized: Reserved.
        captured: Taken.
        released: Authorized but given up.
        refund_pending: On its way back.
        refunded: Given back.
        disputed: Under dispute.
        fee: What the merchant paid us for it.
        operations: How many operations were made for it.
        operation: The unresolved operation, or None: at most one.
        authorization: The operation that authorized it and holds the hold, or None.
        decision: Key of risk's last decision, or None.
        outcome: That decision's outcome, 0 before the first.
        stepped_up: Whether a person confirmed it, so that another step-up is not asked for.
        failure: JSON of the last decline, or empty.
        action: JSON of what the payer has to do at the bank, or empty.
        cancel_requested: The merchant asked to cancel while the bank was at work.
        expire_time: Business clock.
        hold_expire_time: Business clock, or 0.
        system_us: Spent in our system.
        bank_us: Spent at the bank.
        human_us: Spent by people.
        history: The states it reached and whose time that took: see `history`.
        description: What is paid for.
        descriptor: For the payer's statement.
        metadata: JSON object of the merchant's texts.
        device: JSON of the device context.
        create_time: Wall clock.
        update_time: Wall clock.
        return_uri: Where the payer goes back to after paying, and from the bank's or wallet's page; or empty.
        bank_return_uri: Where the bank's or wallet's page sends the payer back to instead, or empty: to our page, where
            it was ours that sent the payer there.
        mandate_day: The day on which it was spent under its mandate, as that mandate counts days, or 0.
    """

    id: bytes
    merchant: str
    number: str
    order: bytes | None
    payer: str
    instrument: bytes | None
    mandate: bytes | None
    confirmation: bytes | None
    channel: int
    bank: str
    token: str
    region: str
    region_source: int
    currency: str
    amount: int
    capture_method: int
    state: int
    state_version: int
    authorized: int
    captured: int
    released: int
    refund_pending: int
    refunded: int
    disputed: int
    fee: int
    operations: int
    operation: bytes | None
    authorization: bytes | None
    decision: bytes | None
    outcome: int
    stepped_up: bool
    failure: str
    action: str
    cancel_requested: bool
    expire_time: int
    hold_expire_time: int
    system_us: int
    bank_us: int
    human_us: int
    history: str
    description: str
    descriptor: str
    metadata: str
    device: str
    create_time: int
    update_time: int
    return_uri: str = ""
    bank_return_uri: str = ""
    mandate_day: int = 0

    @property
    def capturable(self) -> int:
        """What can still be taken."""
        return self.authorized - self.captured - self.released

    @property
    def refundable(self) -> int:
        """What can still be given back."""
        return self.captured - self.refunded - self.refund_pending - self.disputed


def refuse_human(state: PaymentState, target: PaymentState) -> NoReturn:
    """Refuses what a payer does before paying, for a payment that waits for no payer.

    Raises:
        Refused: PAYMENT_PAID where its money is reserved or taken, else ILLEGAL_TRANSITION.
    """
    if state in PAID:
        raise Refused(Reason.PAYMENT_PAID, f"the payment is paid: it is {state.name}", state=state.name)
    refuse_transition("payment", state.name, target.name)


def move(
    payment: Payment, to: PaymentState, wall_us: int, *, bank_us: int = 0, since_us: int = 0, **changes: Any
) -> Payment:
    """Returns the payment in its next state, with the time since the last step told apart.

    Args:
        payment: As it was.
        to: The next state.
        wall_us: Now.
        bank_us: Of the time since the last step, what the bank took.
        since_us: When the request that caused this step arrived: time before it, in a waiting state, was a person's.
        changes: Other fields.

    Raises:
        Refused: ILLEGAL_TRANSITION with from and to.
    """
    origin = PaymentState(payment.state)
    if to not in TRANSITIONS[origin]:
        refuse_transition("payment", origin.name, to.name)
    elapsed = max(0, wall_us - payment.update_time)
    human = waited = 0
    if origin in HUMAN or origin in MERCHANT:
        waited = max(0, min(since_us or wall_us, wall_us) - payment.update_time)
        human = waited if origin in HUMAN else 0
    bank = min(bank_us, elapsed - waited)
    system = elapsed - waited - bank
    return payment._replace(
        state=to, state_version=payment.state_version + 1, update_time=wall_us,
        system_us=payment.system_us + system, bank_us=payment.bank_us + bank, human_us=payment.human_us + human,
        history=reach(payment.history, to, wall_us, system, bank, human), **changes,
    )  # fmt: skip


def touch(payment: Payment, **changes: Any) -> Payment:
    """Returns the payment with other fields in the same state; its clock of the last step is kept."""
    return payment._replace(state_version=payment.state_version + 1, **changes)


def event_of(payment: Payment, what: str = "", **data: Any) -> Event:
    """Returns the event of a payment's step; by default named after its state, such as `payment.captured`.

    It names the confirmation or mandate by which the payer said so: every debit of a balance does (invariant 8).
    """
    name = what or PaymentState(payment.state).name.lower()
    facts: Facts = {
        "state": int(payment.state), "amount": payment.amount, "currency": payment.currency,
        "channel": payment.channel, "region": payment.region, "captured": payment.captured, "payer": payment.payer,
    }  # fmt: skip
    if payment.confirmation is not None:
        facts["confirmation"] = payment.confirmation
    elif payment.mandate is not None:
        facts["mandate"] = payment.mandate
    facts.update(data)
    return Event(f"payment.{name}", KIND, payment.id, payment.state_version, payment.merchant, facts)
