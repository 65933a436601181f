"""Confirm: who says so, then should it happen, then the money: the heart of a payment, in one commit.

In: a payment ready to go, its parties, the proof that was verified before the queue. Out: its next state.
Invariant: a confirmation or mandate is spent in the commit that places the hold, or not at all; risk may only ask for
more than the payer's word, never for less.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from keelpay_server.auth.device import is_known
from keelpay_server.auth.mandate import spend_mandate
from keelpay_server.auth.names import BALANCE, BALANCE_DISPLAY
from keelpay_server.auth.passkey import Passkey
from keelpay_server.auth.proof import Proof, spend, spend_needs
from keelpay_server.auth.terms import ConfirmationMethod, PaymentTerms
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.return_url import check_return_url
from keelpay_server.book.world import World
from keelpay_server.risk.decision import Decision, Outcome, Signals, assess, risk_needs
from keelpay_server.risk.review import open_review

from . import names
from .charge import charge, wait_for_review
from .consent import consent_of
from .decline import DeclineReason, failure_text
from .instrument import Instrument
from .method import Method, apply_method
from .order import OrderState
from .order_payment import order_freed
from .parties import BALANCE_CHANNEL, WALLET_CHANNEL, Parties, check_parties, need_of, parties_of
from .payment import Facts, Payment, PaymentState, event_of, move, refuse_human, touch
from .wallet_title import wallet_title

CONFIRMABLE: Final = frozenset({PaymentState.REQUIRES_CONFIRMATION, PaymentState.REQUIRES_ACTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPayment(Command):
    """Starts a payment, or goes on with it once the payer has confirmed.

    Attributes:
        payment: Key.
        proof: What verifying the payer's assertion gave, or None.
        method: Another way of paying chosen now, or None.
        device: JSON of the device context now, or empty to keep.
        device_digest: The digest of the device that a payer calls from (auth.device), or empty.
        received_us: Wall clock: when the request arrived.
        return_uri: Where the payer goes back to, or empty to keep.
        bank_return_uri: Where the bank or wallet sends the payer back to instead, or empty.
    """

    payment: bytes
    proof: Proof | None = None
    method: Method | None = None
    device: str = ""
    device_digest: str = ""
    received_us: int = 0
    return_uri: str = ""
    bank_return_uri: str = ""

    depth: ClassVar[int] = 4

    def needs(self, need: Need) -> None:
        """The payment, then its parties and what risk decided before, then the headroom of a balance."""
        if self.proof is not None:
            spend_needs(need, self.proof)
        payment = need.row(Payment, self.payment)
        if payment is not None:
            payment = apply_method(payment, self.method, self.device, self.return_uri)
            need_of(need, payment)
            risk_needs(need, signals_of(payment))
            if payment.mandate is not None and self.device_digest:
                need.all(Passkey, "payer", payment.payer)

    def decide(self, world: World) -> Changes:
        """See `confirm`."""
        stored = world.require(Payment, self.payment)
        if stored.state == PaymentState.REQUIRES_PAYMENT_METHOD and self.method is not None:
            stored = move(stored, PaymentState.REQUIRES_CONFIRMATION, world.wall_us, since_us=self.received_us)
        payment = apply_method(stored, self.method, self.device, self.return_uri)
        payment = payment._replace(bank_return_uri=self.bank_return_uri)
        parties = parties_of(world, payment)
        check_return_url(parties.merchant, self.return_uri)
        return confirm(world, payment, parties, self.proof, self.received_us, self.device_digest)


def confirm(
    world: World, payment: Payment, parties: Parties, proof: Proof | None, since_us: int, device_digest: str = ""
) -> Changes:
    """Decides a payment that is asked to go on.

    Raises:
        Refused: PAYMENT_PAID, ILLEGAL_TRANSITION, OPERATION_UNRESOLVED, ORDER_PAID, ORDER_CLOSED, MANDATE_*, and those
            of `check_parties`. A proof that fails is a refusal that spends it.
    """
    _check_open(world, payment, parties)
    check_parties(payment, parties)
    facts: Facts = {}
    spent = Changes()
    if proof is not None:
        spent = spend(world, proof, terms_of(payment, parties.merchant, parties.instrument))
        if spent.refusal is not None:
            return spent
        payment = payment._replace(confirmation=proof.confirmation, stepped_up=True)
    asked = _must_ask(world, payment, device_digest)
    consent = consent_of(world, payment, proof, asked=asked)
    decision = assess(world, signals_of(payment)._replace(asked=asked, consent=consent))
    payment = payment._replace(decision=decision.id, outcome=decision.outcome)
    facts["decision"] = decision.facts()
    changes = _follow(world, payment, parties, decision, asked, since_us, facts)
    return changes.join(Changes(rows=(decision,))).join(spent)


def _check_open(world: World, payment: Payment, parties: Parties) -> None:
    state = PaymentState(payment.state)
    if payment.operation is not None:
        raise Refused(Reason.OPERATION_UNRESOLVED, retry_after_ms=2000)
    if state not in CONFIRMABLE:
        refuse_human(state, PaymentState.PROCESSING)
    check_time(world, payment, parties)


def check_time(world: World, payment: Payment, parties: Parties) -> None:
    """Refuses a payment whose time, or whose order's time, is over.

    Raises:
        Refused: ILLEGAL_TRANSITION from EXPIRED, ORDER_PAID, ORDER_CLOSED.
    """
    if payment.expire_time <= world.business_us:
        refuse_transition("payment", PaymentState.EXPIRED.name, PaymentState.PROCESSING.name)
    order = parties.order
    if order is not None and order.state == OrderState.PAID:
        raise Refused(Reason.ORDER_PAID)
    if order is not None and order.state != OrderState.OPEN:
        raise Refused(Reason.ORDER_CLOSED)


def _follow(
    world: World, payment: Payment, parties: Parties, decision: Decision, asked: bool, since_us: int, facts: Facts
) -> Changes:
    """Carries out what risk said, given what the payer has already confirmed, or is asked for anyway."""
    outcome = Outcome(decision.outcome)
    if outcome in (Outcome.DECLINE, Outcome.BLOCK_AND_REVIEW):
        failure = failure_text(DeclineReason.RISK, wall_us=world.wall_us)
        payment = move(payment, PaymentState.REJECTED, world.wall_us, since_us=since_us, failure=failure)
        changes = Changes(payment, events=(event_of(payment, **facts),), done=(payment.id,))
        if outcome is Outcome.BLOCK_AND_REVIEW:
            changes = changes.join(open_review(world, decision))
        return changes.join(order_freed(world, parties.order, payment))
    stepped = outcome is Outcome.STEP_UP and not payment.stepped_up and payment.channel != WALLET_CHANNEL
    if asked or stepped:
        return _ask_payer(world, payment, since_us, facts)
    rows: tuple[object, ...] = ()
    if payment.mandate is not None and not payment.stepped_up:
        mandate = spend_mandate(
            world, payment.mandate, payer=payment.payer, merchant=payment.merchant, amount=payment.amount,
            currency=payment.currency, instrument=payment.instrument,
        )  # fmt: skip
        rows, payment = (mandate,), payment._replace(mandate_day=mandate.day)
    if outcome is Outcome.REVIEW:
        changes = wait_for_review(world, payment, parties, since_us, facts).join(open_review(world, decision))
    else:
        changes = charge(world, payment, parties, since_us, facts)
    spent = changes.row.state != PaymentState.REQUIRES_PAYMENT_METHOD
    return changes.join(Changes(rows=rows)) if spent else changes


def _must_ask(world: World, payment: Payment, device_digest: str) -> bool:
    """Tells whether the payer has to confirm, whatever risk thinks: for its balance always, unless a mandate says it.

    Where a payer's page or app asks to confirm, a stored instrument is asked for as a balance is, and a mandate is
    spent without asking only on a device that the payer has confirmed on: whoever holds a link that strayed can spend
    neither the card behind it nor the mandate. A partner's own call spends a mandate as it was signed. Another wallet
    asks by itself.
    """
    if payment.stepped_up:
        return False
    by_payer = world.caller.kind is CallerKind.PAYER
    if payment.mandate is not None:
        known = bool(device_digest) and is_known(world.all(Passkey, "payer", payment.payer), device_digest)
        return by_payer and not known
    stored = by_payer and payment.instrument is not None and payment.channel != WALLET_CHANNEL
    return payment.channel == BALANCE_CHANNEL or stored


def _ask_payer(world: World, payment: Payment, since_us: int, facts: Facts) -> Changes:
    """Asks for the payer's finger or face; a payer that nobody here knows cannot be asked."""
    if not payment.payer:
        payment = move(payment, PaymentState.REQUIRES_PAYMENT_METHOD, world.wall_us, since_us=since_us,
                       failure=failure_text(DeclineReason.AUTHENTICATION_FAILED, wall_us=world.wall_us))  # fmt: skip
        return Changes(payment, events=(event_of(payment, "declined", **facts),))
    if payment.state == PaymentState.REQUIRES_ACTION:
        payment = touch(payment)
    else:
        payment = move(payment, PaymentState.REQUIRES_ACTION, world.wall_us, since_us=since_us)
    return Changes(payment, events=(event_of(payment, **facts),))


def signals_of(payment: Payment) -> Signals:
    """Returns what risk looks at."""
    device, address = _device(payment.device)
    return Signals(
        payment=payment.id, merchant=payment.merchant, payer=payment.payer, amount=payment.amount,
        currency=payment.currency, instrument=payment.token, device=device,
        address=address, channel=payment.channel, region=payment.region,
        confirmed=payment.stepped_up, mandate=payment.mandate is not None, previous=payment.decision,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _device(text: str) -> tuple[str, str]:
    """Returns the id and the address of a device; a payment is looked at more than once."""
    device = json.loads(text) if text else {}
    return device.get("device_id", ""), device.get("ip_address", "")


def terms_of(payment: Payment, merchant: Merchant, instrument: Instrument | None) -> PaymentTerms:
    """Returns the terms as the payment stands now: what the payer must have signed.

    The relying party and the method are the ceremony's: `auth` fills them in from the confirmation.
    """
    source, display = BALANCE, BALANCE_DISPLAY
    if instrument is not None:
        source, display = names.instrument_name(instrument.payer, instrument.id), instrument.display
    elif payment.channel != BALANCE_CHANNEL:
        source, display = f"rails/{payment.bank}", wallet_title(payment.bank)
    return PaymentTerms(
        payment_id=names.payment_name(payment.merchant, payment.id),
        payer_id=names.payer_name(payment.payer),
        payee_id=names.merchant_name(merchant.id),
        payee_name=merchant.display_name,
        currency=payment.currency,
        amount_minor=payment.amount,
        instrument_id=source,
        instrument_display=display,
        rp_id="",
        method=ConfirmationMethod.WEBAUTHN,
    )
