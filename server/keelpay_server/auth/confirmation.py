"""Confirmation: a payer asked to sign the exact terms of one act.

In: steps decided elsewhere in this room. Out: the confirmation after the step. Invariant: it ends once, and what it
allows is told by its terms alone; the one place where it is spent is `proof.spend`.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import WALL, Event, Work
from keelpay_server.book.refusal import refuse_transition

from .names import CONFIRMATION, stream_of
from .terms import (
    ConfirmationMethod,
    MandateTerms,
    PasskeyAddTerms,
    PasskeyResumeTerms,
    PaymentTerms,
    RecoveryVetoTerms,
    Terms,
    WithdrawalTerms,
)

KIND: Final = CONFIRMATION
EXPIRY_WORK: Final = "confirmation.expiry"
METHOD_NUMBERS: Final = {ConfirmationMethod.WEBAUTHN: 1, ConfirmationMethod.SPC: 2}
"""The contract's numbers of the methods."""
METHODS: Final = {number: method for method, number in METHOD_NUMBERS.items()}


class ConfirmationState(IntEnum):
    """Life of a confirmation, numbered as in the contract."""

    PENDING = 1
    CONSUMED = 2
    REJECTED = 3
    EXPIRED = 4
    SUPERSEDED = 5


_S = ConfirmationState
TRANSITIONS: Final[dict[ConfirmationState, frozenset[ConfirmationState]]] = {
    _S.PENDING: frozenset({_S.CONSUMED, _S.REJECTED, _S.EXPIRED, _S.SUPERSEDED}),
    _S.CONSUMED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.SUPERSEDED: frozenset(),
}


class Confirmation(NamedTuple):
    """One confirmation. Times are wall clock, microseconds.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`, who is asked.
        act: What it is for: `<kind>:<resource name>`, such as `payment:merchants/cafe/payments/pay-01k...`.
        pending_act: The same while it is PENDING, NULL after: an act has one pending confirmation at most.
        method: 1 WEBAUTHN, 2 SPC.
        terms: The signed document, JSON (auth.challenge.document).
        rp_id: The relying party in it.
        nonce: Its 32 bytes, half of them random (`evidence_seal`).
        challenge: SHA-256 over the canonical terms: what is signed.
        display: JSON of what Secure Payment Confirmation shows besides the terms, or empty.
        options: JSON for the browser.
        state: A ConfirmationState.
        rejection: Why it was rejected, the contract's number, or 0.
        passkey: The passkey that signed, or None.
        reason: Name of the reason for which a spending attempt failed, or empty.
        state_version: Counts its changes.
        expire_time: When it can no longer be spent; a whole second.
        create_time: When it was started.
        update_time: When it last changed.
    """

    id: bytes
    payer: str
    act: str
    pending_act: str | None
    method: int
    terms: str
    rp_id: str
    nonce: bytes
    challenge: bytes
    display: str
    options: str
    state: int
    rejection: int
    passkey: bytes | None
    reason: str
    state_version: int
    expire_time: int
    create_time: int
    update_time: int

    @property
    def kind_of_act(self) -> str:
        """`payment`, `withdrawal`, `mandate`, `passkey-add`, `recovery-veto` or `passkey-resume`."""
        return self.act.partition(":")[0]

    @property
    def subject(self) -> str:
        """The resource name of what it is for."""
        return self.act.partition(":")[2]


def act_of(terms: Terms) -> str:
    """Returns the act that terms speak of."""
    match terms:
        case PaymentTerms():
            return f"payment:{terms.payment_id}"
        case MandateTerms():
            return f"mandate:{terms.mandate_id}"
        case WithdrawalTerms():
            return f"withdrawal:{terms.payer_id}"
        case PasskeyAddTerms():
            return f"passkey-add:{terms.registration_id}"
        case RecoveryVetoTerms():
            return f"recovery-veto:{terms.passkey_id}"
        case PasskeyResumeTerms():
            return f"passkey-resume:{terms.passkey_id}"


def exposure(terms: Terms) -> int:
    """Returns what the terms put at stake, minor units; 0 where they move no money."""
    match terms:
        case PaymentTerms() | WithdrawalTerms():
            return terms.amount_minor
        case MandateTerms():
            return terms.day_max_minor
        case PasskeyAddTerms() | RecoveryVetoTerms() | PasskeyResumeTerms():
            return 0


def exposure_currency(terms: Terms) -> str:
    """Returns the currency of what the terms put at stake, or empty."""
    return terms.currency if isinstance(terms, PaymentTerms | MandateTerms | WithdrawalTerms) else ""


def move(confirmation: Confirmation, to: ConfirmationState, wall_us: int, **changes: Any) -> Confirmation:
    """Returns the confirmation at its end.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    origin = ConfirmationState(confirmation.state)
    if to not in TRANSITIONS[origin]:
        refuse_transition("confirmation", origin.name, to.name)
    version = confirmation.state_version + 1
    return confirmation._replace(state=to, pending_act=None, state_version=version, update_time=wall_us, **changes)


def event_of(confirmation: Confirmation, **data: Any) -> Event:
    """Returns the event of a confirmation's step, named after its state."""
    name = ConfirmationState(confirmation.state).name.lower()
    facts = {
        "state": int(confirmation.state), "act": confirmation.act, "payer": confirmation.payer,
        "method": int(confirmation.method), **data,
    }  # fmt: skip
    owner = stream_of(confirmation.payer.partition("/")[0])
    return Event(f"confirmation.{name}", KIND, confirmation.id, confirmation.state_version, owner, facts)


def expiry_of(confirmation: Confirmation) -> Work:
    """Returns the work of ending it in time."""
    return Work(confirmation.id, EXPIRY_WORK, confirmation.id, WALL, confirmation.expire_time)
