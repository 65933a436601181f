"""Commands on mandates: ask for the signature, make the mandate of it, revoke, pause, resume, expire.

In: limits, and the proof that the payer signed them. Out: the mandate. Invariant: a mandate says what was signed:
it is read from the signed terms, after they were found to be the merchant's of today.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from keelpay_server.book import ids
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World

from .challenge import parse_document
from .confirmation import Confirmation
from .confirmation_commands import Ceremony, start
from .mandate import (
    LIFE_US_MAX,
    TRANSITIONS,
    Mandate,
    MandateState,
    event_of,
    expiry_of,
    move,
)
from .names import BALANCE, mandate_name, merchant_name, parse_mandate, payer_name
from .passkey import Passkey
from .proof import Proof, misused, spend, spend_needs
from .terms import MandateTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMandate(Command):
    """Asks a payer to sign limits for one merchant.

    Attributes:
        merchant: The only payee.
        payer: `<partner>/<id>`.
        currency: Of the limits.
        payment_max: Minor units.
        day_max: Minor units.
        total_max: Minor units, or 0 for no such limit.
        valid_until_s: When the mandate ends, unix seconds of the business clock.
        instrument: Resource name of what is paid from, or `balance`.
        instrument_display: As the payer reads it.
        rp_id: The relying party.
        ceremony: How the signature is asked for.
    """

    merchant: str
    payer: str
    currency: str
    payment_max: int
    day_max: int
    total_max: int
    valid_until_s: int
    instrument: str
    instrument_display: str
    rp_id: str
    ceremony: Ceremony

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Merchant, payer and passkeys; nothing can be pending for a mandate that has no name yet."""
        need.row(Merchant, self.merchant)
        need.row(Payer, self.payer)
        need.all(Passkey, "payer", self.payer)

    def decide(self, world: World) -> Changes:
        """Names the mandate that will be made, so that the payer signs its name too."""
        merchant = world.require(Merchant, self.merchant)
        payer = world.require(Payer, self.payer)
        check_parties(merchant, payer)
        if self.currency != merchant.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, f"{merchant.id} is settled in {merchant.currency}")
        if not self.payment_max <= self.day_max or (self.total_max and self.total_max < self.day_max):
            invalid("mandate", "payment_max is at most day_max, and day_max at most total_max")
        ends_us = self.valid_until_s * SECOND_US
        if not world.business_us < ends_us <= world.business_us + LIFE_US_MAX:
            invalid("mandate.expire_time", "must be in the future, and at most 400 days away")
        terms = MandateTerms(
            mandate_id=mandate_name(merchant.id, world.new_id()), payer_id=payer_name(payer.id),
            payee_id=merchant_name(merchant.id), payee_name=merchant.display_name, currency=self.currency,
            payment_max_minor=self.payment_max, day_max_minor=self.day_max, total_max_minor=self.total_max,
            day_zone=zone_of(merchant), instrument_id=self.instrument, instrument_display=self.instrument_display,
            rp_id=self.rp_id, valid_until_s=self.valid_until_s,
        )  # fmt: skip
        return start(world, payer.id, terms, self.ceremony)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishMandate(Command):
    """Spends the confirmation and makes the mandate.

    Attributes:
        merchant: The payee that the request names.
        proof: What the passkey signed.
        instrument_display: How the instrument reads now.
    """

    merchant: str
    proof: Proof
    instrument_display: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The confirmation and its passkey, the merchant, the payer."""
        spend_needs(need, self.proof)
        need.row(Merchant, self.merchant)
        need.row(Payer, self.proof.payer)

    def decide(self, world: World) -> Changes:
        """The terms are those that were signed, with what may have changed since taken from today."""
        confirmation = world.require(Confirmation, self.proof.confirmation)
        merchant = world.require(Merchant, self.merchant)
        payer = world.require(Payer, self.proof.payer)
        check_parties(merchant, payer)
        signed = parse_document(json.loads(confirmation.terms))[0]
        if not isinstance(signed, MandateTerms) or signed.payee_id != merchant_name(merchant.id):
            return misused(world, self.proof)
        today = replace(
            signed, payee_name=merchant.display_name, day_zone=zone_of(merchant), currency=merchant.currency,
            instrument_display=self.instrument_display,
        )  # fmt: skip
        spent = spend(world, self.proof, today)
        if spent.refusal is not None:
            return spent
        mandate = _signed_mandate(world, signed, merchant.id, payer.id, confirmation.id)
        made = Changes(mandate, events=(event_of(mandate, "created"),), work=(expiry_of(mandate),))
        return made.join(spent)


def _signed_mandate(world: World, signed: MandateTerms, merchant: str, payer: str, confirmation: bytes) -> Mandate:
    instrument = None
    if signed.instrument_id != BALANCE:
        instrument = ids.parse("ins", signed.instrument_id.rpartition("/")[2], "instrument")
    return Mandate(
        id=parse_mandate(signed.mandate_id)[1], merchant=merchant, payer=payer, instrument=instrument,
        currency=signed.currency, payment_max=signed.payment_max_minor, day_max=signed.day_max_minor,
        total_max=signed.total_max_minor, day_zone=signed.day_zone, state=MandateState.ACTIVE, state_version=1,
        day=0, spent_day=0, spent_total=0, confirmation=confirmation,
        expire_time=signed.valid_until_s * SECOND_US, create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeMandate(Command):
    """Ends a mandate at once.

    Attributes:
        mandate: Its key.
        merchant: Whose it must be.
    """

    mandate: bytes
    merchant: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The mandate."""
        need.row(Mandate, self.mandate)

    def decide(self, world: World) -> Changes:
        """Any mandate that has not ended may be revoked."""
        row = world.require(Mandate, self.mandate)
        if row.merchant != self.merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="mandate")
        row = move(row, MandateState.REVOKED, world.wall_us)
        return Changes(row, events=(event_of(row),), done=(row.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireMandate(Command):
    """Ends a mandate whose time is over.

    Attributes:
        mandate: Its key.
    """

    mandate: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The mandate."""
        need.row(Mandate, self.mandate)

    def decide(self, world: World) -> Changes:
        """Leaves alone what has ended, or is not due by the business clock."""
        row = world.get(Mandate, self.mandate)
        if row is None or MandateState.EXPIRED not in TRANSITIONS[MandateState(row.state)]:
            return Changes(done=(self.mandate,))
        if world.business_us < row.expire_time:
            return Changes(work=(expiry_of(row),))
        row = move(row, MandateState.EXPIRED, world.wall_us)
        return Changes(row, events=(event_of(row),), done=(row.id,))


def suspended(mandates: Iterable[Mandate], wall_us: int) -> list[Mandate]:
    """Returns a payer's active mandates, paused: while a recovery cools, nobody pays without a finger."""
    active = (MandateState.ACTIVE, MandateState.EXHAUSTED)  # a used-up one may get something back meanwhile
    return [move(row, MandateState.SUSPENDED, wall_us) for row in mandates if row.state in active]


def resumed(mandates: Iterable[Mandate], wall_us: int) -> list[Mandate]:
    """Returns a payer's paused mandates, active again."""
    return [move(row, MandateState.ACTIVE, wall_us) for row in mandates if row.state == MandateState.SUSPENDED]


def zone_of(merchant: Merchant) -> str:
    """Returns the zone of a merchant's calendar, in which its days begin."""
    return merchant.calendar.partition("@")[0]


def check_parties(merchant: Merchant, payer: Payer) -> None:
    """Refuses a mandate between parties that may not deal.

    Raises:
        Refused: RESOURCE_NOT_FOUND (another partner's payer), MERCHANT_SUSPENDED, PAYER_FROZEN.
    """
    if payer.partner != merchant.partner:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
    if merchant.state != MerchantState.ACTIVE:
        raise Refused(Reason.MERCHANT_SUSPENDED)
    if payer.state != PayerState.ACTIVE:
        raise Refused(Reason.PAYER_FROZEN)
