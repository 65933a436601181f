"""Asking for a refund, calling it off, sending it another way.

In: what a merchant or operator asks. Out: a refund as far as its money and its bank let it go in this commit.
Invariant: refunds under way and done, and disputes, never come to more than was captured; a number names one refund.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text
from keelpay_server.ledger.posting.refund import reroute

from .instrument import Instrument, InstrumentState
from .number import need_number, take_number
from .parties import BALANCE_CHANNEL
from .payer_balance import open_balance
from .payment import Payment
from .refund import Refund, RefundPolicy, RefundState, move
from .refund_advance import advance
from .refund_funding import funding_needs, return_needs
from .refund_progress import ask, begin, cancel, create, credit
from .refund_system import new_refund


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefund(Command):
    """Gives captured money back.

    Attributes:
        merchant: Who gives back.
        number: The merchant's own number.
        payment: Key.
        amount: Minor units; 0 for all that can be given back.
        currency: Must be the payment's where an amount is given.
        description: Why, as the payer may read it.
        metadata: JSON object.
        policy: The installation's.
    """

    merchant: str
    number: str
    payment: bytes
    policy: RefundPolicy
    amount: int = 0
    currency: str = ""
    description: str = ""
    metadata: str = ""

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The payment and whose money it takes, then its payer or bank, then what there is."""
        need_number(need, self.merchant, "refunds", self.number)
        funding_needs(need, self.merchant, self.payment)
        payment = need.row(Payment, self.payment)
        if payment is not None:
            if payment.payer:
                need.row(Payer, payment.payer)
            if payment.bank:
                need.row(Bank, payment.bank)

    def decide(self, world: World) -> Changes:
        """Takes the number and the amount, and goes on as far as it can.

        Raises:
            Refused: RESOURCE_NOT_FOUND, CURRENCY_MISMATCH, REFUND_EXCEEDS_CAPTURED, MERCHANT_NUMBER_TAKEN.
        """
        payment = world.require(Payment, self.payment)
        merchant = world.require(Merchant, self.merchant)
        if payment.merchant != self.merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payment")
        if self.currency and self.currency != payment.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, expected=payment.currency, given=self.currency)
        left = max(0, payment.refundable)
        amount = self.amount or left
        if not 0 < amount <= left:
            most, asked = amount_text(left, payment.currency), amount_text(amount, payment.currency)
            raise Refused(
                Reason.REFUND_EXCEEDS_CAPTURED,
                f"{asked} was asked for, {most} can be refunded" if left else "nothing is left to refund",
                refundable_minor=str(left),
            )
        bank = world.require(Bank, payment.bank) if payment.bank else None
        refund = new_refund(world, payment, merchant, amount, self.policy)._replace(
            number=self.number, transit=0 if bank is None else bank.number, description=self.description,
            metadata=self.metadata,
        )  # fmt: skip
        taken = take_number(world, self.merchant, "refunds", self.number, refund.id)
        progress = create(refund, payment)
        progress = advance(world, progress._replace(rows=(taken,)), merchant, self.policy)
        return progress.changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRefund(Command):
    """Calls a refund off that no bank has heard of.

    Attributes:
        refund: Key.
    """

    refund: bytes

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The refund and its work, then its payment and what giving back depends on."""
        need.row(Work, self.refund)
        refund = need.row(Refund, self.refund)
        if refund is not None:
            need.row(Payment, refund.payment)
            return_needs(need, refund)

    def decide(self, world: World) -> Changes:
        """Raises Refused: ILLEGAL_TRANSITION once it was sent or has ended."""
        refund = world.require(Refund, self.refund)
        return cancel(world, begin(refund, world.require(Payment, refund.payment))).changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class RerouteRefund(Command):
    """Sends an ABNORMAL refund another way.

    Attributes:
        refund: Key.
        instrument: Key of another instrument of the same payer; None for the payer's balance.
    """

    refund: bytes
    instrument: bytes | None = None

    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """The refund and its work, then its payment, payer and the instrument, then the instrument's bank."""
        need.row(Work, self.refund)
        refund = need.row(Refund, self.refund)
        if refund is not None:
            need.row(Payment, refund.payment)
            return_needs(need, refund)
            if refund.payer:
                need.row(Payer, refund.payer)
        if self.instrument is not None:
            instrument = need.row(Instrument, self.instrument)
            if instrument is not None:
                need.row(Bank, instrument.bank)

    def decide(self, world: World) -> Changes:
        """Sends it the other way.

        Raises:
            Refused: ILLEGAL_TRANSITION unless it is ABNORMAL; RESOURCE_NOT_FOUND, INSTRUMENT_NOT_USABLE,
                UNSUPPORTED_BY_RAIL.
        """
        refund = world.require(Refund, self.refund)
        payment = world.require(Payment, refund.payment)
        submitted = move(refund, RefundState.SUBMITTED, world.wall_us)
        if not refund.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, "the payment had no payer known here", resource="payer")
        if self.instrument is None:
            return self._to_balance(world, refund, submitted, payment)
        return self._to_instrument(world, refund, submitted, payment, self.instrument)

    def _to_balance(self, world: World, refund: Refund, submitted: Refund, payment: Payment) -> Changes:
        payer, opens = open_balance(world.require(Payer, refund.payer), refund.currency)
        submitted = submitted._replace(channel=BALANCE_CHANNEL, bank="", instrument=None, token="")
        progress = begin(refund, payment)._replace(opens=opens, rows=(payer,) if opens else ())
        return credit(world, progress.step(submitted), payer).changes()

    def _to_instrument(self, world: World, refund: Refund, submitted: Refund, payment: Payment, key: bytes) -> Changes:
        instrument = world.require(Instrument, key)
        if instrument.payer != refund.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
        if instrument.state != InstrumentState.ACTIVE:
            raise Refused(Reason.INSTRUMENT_NOT_USABLE)
        bank = world.require(Bank, instrument.bank)
        if refund.currency not in bank.currencies.split():
            raise Refused(Reason.UNSUPPORTED_BY_RAIL, f"{bank.id} does not take {refund.currency}")
        posted = reroute(
            currency=refund.currency_number, amount=refund.amount, from_bank=refund.transit, to_bank=bank.number
        )
        submitted = submitted._replace(
            channel=instrument.channel, bank=bank.id, instrument=instrument.id, token=instrument.token,
            transit=bank.number,
        )  # fmt: skip
        return ask(world, begin(refund, payment).step(submitted, posted=posted)).changes()
