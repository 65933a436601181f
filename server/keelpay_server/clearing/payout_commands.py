"""Asking for a payout, reserving, submitting and cancelling it; and paying out a settlement by itself.

In: requests of people, approvals, settlements. Out: Changes. Invariant: money goes only to the account that stands on
the merchant when the payout is made, and the posting to 2200 commits before anything is sent.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.posting import payout as posting

from .natural_key import NaturalKey, find_key, key_needs, payout_number
from .payout import DUE_US, Payout, PayoutState, destination_of, event_of, move, submit_work
from .settlement import Settlement


def _new(world: World, merchant: Merchant, amount: int, **fields: Any) -> Payout:
    """Returns a payout to the merchant's account as it is now.

    Raises:
        Refused: PAYOUT_ACCOUNT_MISSING.
    """
    to = destination_of(merchant)
    bank = world.require(Bank, to.bank)
    now = world.business_us
    payout = Payout(
        id=world.new_id(), merchant=merchant.id, number="", currency=merchant.currency, amount=amount,
        state=PayoutState.CREATED, state_version=1, bank=to.bank, token=to.token, last_four=to.last_four,
        descriptor=merchant.statement_descriptor, proposal=None, settlement=None, operation=None,
        hold_debit=merchant.available(), hold_credit=bank.payout_transit(merchant.currency), held=0, in_transit=0,
        in_suspense=0, line=None, return_line=None, failure="", due_time=now + DUE_US, pay_time=0, create_time=now,
        update_time=now,
    )  # fmt: skip
    return payout._replace(**fields)


def _reserved(world: World, payout: Payout, before: tuple[Event, ...] = ()) -> Changes:
    """Reserves the money of a payout and lets it be submitted.

    Raises:
        Refused: INSUFFICIENT_FUNDS.
    """
    if payout.amount > world.headroom(payout.hold_debit):
        raise Refused(Reason.INSUFFICIENT_FUNDS, "the merchant has less than that available")
    payout = move(payout, PayoutState.RESERVED, world.business_us, held=payout.amount)
    pending = posting.reserve(payout.hold).pending
    events = (*before, event_of(payout))
    return Changes(payout, pending=pending, events=events, work=(submit_work(payout, world.wall_us),))


def need_destination(need: Need, merchant: str) -> Merchant | None:
    """Asks for a merchant, then for the bank that pays it out and what is available to it."""
    found = need.row(Merchant, merchant)
    if found is not None:
        need.account(found.available())
        if found.payout_bank:
            need.row(Bank, found.payout_bank)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayout(Command):
    """Asks for a payout, which waits for a second operator.

    Attributes:
        merchant: Whose.
        number: The merchant's own number.
        currency: Of the amount.
        amount: Minor units, above zero.
        descriptor: What the payee is to read; empty for the merchant's own.
    """

    merchant: str
    number: str
    currency: str
    amount: int
    descriptor: str = ""
    depth: ClassVar[int] = 2
    emits: ClassVar[str] = "payout.created"

    def needs(self, need: Need) -> None:
        """Asks for the merchant, its money, its bank, and whether the number is taken."""
        need_destination(need, self.merchant)
        key_needs(need, payout_number(self.merchant, self.number))

    def decide(self, world: World) -> Changes:
        """Makes it, with the key of the proposal that the reaction stores.

        Raises:
            Refused: RESOURCE_NOT_FOUND, CURRENCY_MISMATCH, MERCHANT_NUMBER_TAKEN, PAYOUT_ACCOUNT_MISSING,
                INSUFFICIENT_FUNDS.
        """
        merchant = world.require(Merchant, self.merchant)
        if self.currency != merchant.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, expected=merchant.currency, given=self.currency)
        key = payout_number(self.merchant, self.number)
        if find_key(world, key) is not None:
            raise Refused(Reason.MERCHANT_NUMBER_TAKEN, f"the number {self.number!r} is taken", number=self.number)
        payout = _new(world, merchant, self.amount, number=self.number, proposal=world.new_id())
        if self.amount > world.headroom(payout.hold_debit):
            raise Refused(Reason.INSUFFICIENT_FUNDS, "the merchant has less than that available")
        if self.descriptor:
            payout = payout._replace(descriptor=self.descriptor)
        return Changes(payout, (NaturalKey(key, payout.id),), events=(event_of(payout),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservePayout(Command):
    """Reserves a payout that a second operator approved."""

    payout: bytes
    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """Asks for the payout and what is available."""
        payout = need.row(Payout, self.payout)
        if payout is not None:
            need.account(payout.hold_debit)

    def decide(self, world: World) -> Changes:
        """Reserves.

        Raises:
            Refused: ILLEGAL_TRANSITION, INSUFFICIENT_FUNDS.
        """
        return _reserved(world, world.require(Payout, self.payout))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOutSettlement(Command):
    """Pays out what a settlement made available, or what a refund has left of it."""

    settlement: bytes
    depth: ClassVar[int] = 3

    def needs(self, need: Need) -> None:
        """Asks for the settlement, its merchant and where that is paid out."""
        settlement = need.row(Settlement, self.settlement)
        if settlement is not None:
            need_destination(need, settlement.merchant)

    def decide(self, world: World) -> Changes:
        """Makes the payout and reserves it at once; without an account or money there is nothing to do."""
        settlement = world.require(Settlement, self.settlement)
        merchant = world.require(Merchant, settlement.merchant)
        amount = min(settlement.net, world.headroom(merchant.available()))
        if settlement.payout is not None or amount <= 0:
            return Changes(settlement, done=(settlement.id,))
        try:
            payout = _new(
                world, merchant, amount, settlement=settlement.id, due_time=settlement.due_time,
            )  # fmt: skip
        except Refused:
            return Changes(settlement, done=(settlement.id,))
        paid = settlement._replace(
            payout=payout.id, state_version=settlement.state_version + 1, update_time=world.wall_us
        )
        return _reserved(world, payout, (event_of(payout),)).join(Changes(rows=(paid,), done=(settlement.id,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPayout(Command):
    """Posts a reserved payout to 2200; the gateway's reaction makes the operation in the same commit."""

    payout: bytes
    depth: ClassVar[int] = 1
    emits: ClassVar[str] = "payout.submitted"

    def needs(self, need: Need) -> None:
        """Asks for the payout."""
        need.row(Payout, self.payout)

    def decide(self, world: World) -> Changes:
        """Submits it, unless that was done or it was cancelled."""
        payout = world.require(Payout, self.payout)
        if payout.state != PayoutState.RESERVED:
            return Changes(done=(payout.id,))
        posted = posting.submit(payout.hold)
        payout = move(
            payout, PayoutState.SUBMITTED, world.business_us, held=0, in_transit=payout.amount, operation=world.new_id()
        )
        return Changes(payout, legs=posted.legs, pending=posted.pending, events=(event_of(payout),), done=(payout.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayout(Command):
    """Cancels a payout that is not sent: by its merchant, or because the second operator refused it.

    Attributes:
        payout: Its key.
        merchant: Whose it must be; empty not to check.
        state_version: The version the decision rests on, or 0 not to check.
        why: Name of the reason for which an approved payout was refused, or empty.
    """

    payout: bytes
    merchant: str = ""
    state_version: int = 0
    why: str = ""
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the payout."""
        need.row(Payout, self.payout)

    def decide(self, world: World) -> Changes:
        """Gives the reserved money back.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ETAG_MISMATCH, ILLEGAL_TRANSITION.
        """
        payout = world.require(Payout, self.payout)
        if self.merchant and payout.merchant != self.merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payout")
        if self.state_version and self.state_version != payout.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(payout.state_version))
        pending = posting.cancel(payout.hold).pending if payout.held else ()
        failure = json.dumps({"code": "", "refused": self.why, "time": world.business_us}) if self.why else ""
        payout = move(payout, PayoutState.CANCELLED, world.business_us, held=0, failure=failure)
        return Changes(payout, pending=pending, events=(event_of(payout),), done=(payout.id,))
