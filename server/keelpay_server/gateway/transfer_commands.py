"""Top-up and withdrawal: a payer's money comes in from an instrument, or goes back out to one.

In: a payer, an instrument, an amount; for money out also the proof that the payer confirmed exactly that.
Out: a transfer and its operation on disk before it is sent. Invariant: nothing leaves a balance without the payer's own
confirmation, spent in the commit that holds the money.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.auth.proof import Proof, spend, spend_needs
from keelpay_server.auth.terms import WithdrawalTerms
from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.posting import payout as posting

from . import names
from .instrument import Instrument, InstrumentState
from .operation import OperationKind, OperationState, submit
from .payer_balance import has_balance, open_balance
from .submission import submission
from .transfer import KIND, Transfer, TransferKind, event_of

TOP_UP_TEXT: Final = "BALANCE TOP-UP"
WITHDRAWAL_TEXT: Final = "BALANCE WITHDRAWAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCommand(Command):
    """What both directions share.

    Attributes:
        payer: `<partner>/<id>`.
        instrument: Key of the other end.
        currency: Code.
        amount: Minor units, above zero.
    """

    payer: str
    instrument: bytes
    currency: str
    amount: int

    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """The payer and the instrument, then the instrument's bank."""
        need.row(Payer, self.payer)
        instrument = need.row(Instrument, self.instrument)
        if instrument is not None:
            need.row(Bank, instrument.bank)

    def parties(self, world: World) -> tuple[Payer, Instrument, Bank]:
        """Returns who takes part.

        Raises:
            Refused: RESOURCE_NOT_FOUND, PAYER_FROZEN, INSTRUMENT_NOT_USABLE, UNSUPPORTED_BY_RAIL.
        """
        payer = world.require(Payer, self.payer)
        instrument = world.require(Instrument, self.instrument)
        if instrument.payer != self.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
        if payer.state != PayerState.ACTIVE:
            raise Refused(Reason.PAYER_FROZEN)
        if instrument.state != InstrumentState.ACTIVE:
            raise Refused(Reason.INSTRUMENT_NOT_USABLE)
        bank = world.require(Bank, instrument.bank)
        if self.currency not in bank.currencies.split():
            raise Refused(Reason.UNSUPPORTED_BY_RAIL, f"{bank.id} does not take {self.currency}")
        return payer, instrument, bank

    def submitted(self, world: World, kind: TransferKind, instrument: Instrument) -> Changes:
        """Returns a new transfer with its operation, about to be sent."""
        top_up = kind is TransferKind.TOP_UP
        key = world.new_id()
        operation = submission(
            world, subject_kind=KIND, subject=key, number=1,
            kind=OperationKind.AUTHORIZE if top_up else OperationKind.PAY, bank=instrument.bank,
            currency=self.currency, amount=self.amount, token=instrument.token,
            descriptor=TOP_UP_TEXT if top_up else WITHDRAWAL_TEXT, capture=top_up,
        )  # fmt: skip
        transfer = Transfer(
            id=key, payer=self.payer, kind=kind, currency=self.currency, amount=self.amount, instrument=instrument.id,
            bank=instrument.bank, state=OperationState.SUBMITTED, state_version=1, operation=operation.id,
            confirmation=None, hold_debit=0, hold_credit=0, held=0, in_transit=0, suspense=0, in_suspense=0, code="",
            create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(transfer, (operation,), work=(submit(operation, world.wall_us),))


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(TransferCommand):
    """Moves money from a payer's instrument into the balance."""

    def decide(self, world: World) -> Changes:
        """Opens the balance if it is the first in its currency, and asks the bank. Raises as `parties`."""
        payer, instrument, _ = self.parties(world)
        payer, opens = open_balance(payer, self.currency)
        changes = self.submitted(world, TransferKind.TOP_UP, instrument)
        rows = (*changes.rows, payer) if opens else changes.rows
        return changes._replace(rows=rows, opens=opens, events=(event_of(changes.row),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(TransferCommand):
    """Moves money from a payer's balance to an instrument.

    Attributes:
        proof: What verifying the payer's assertion gave.
    """

    proof: Proof

    def needs(self, need: Need) -> None:
        """Also the confirmation, and what the payer has."""
        TransferCommand.needs(self, need)
        spend_needs(need, self.proof)
        payer = need.row(Payer, self.payer)
        if payer is not None and has_balance(payer, self.currency):
            need.account(payer.balance(self.currency))

    def decide(self, world: World) -> Changes:
        """Spends the confirmation, holds the money and asks the bank.

        Raises:
            Refused: As `parties`; RECOVERY_IN_PROGRESS, INSUFFICIENT_FUNDS, and those of `spend`. A confirmation that
                fails is a refusal that spends it.
        """
        payer, instrument, bank = self.parties(world)
        if payer.withdraw_after > world.business_us:
            raise Refused(Reason.RECOVERY_IN_PROGRESS, "the payer's passkeys were recovered")
        balance = payer.balance(self.currency)
        if not has_balance(payer, self.currency) or world.headroom(balance) < self.amount:
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        spent = spend(world, self.proof, self._terms(instrument))
        if spent.refusal is not None:
            return spent
        changes = self.submitted(world, TransferKind.WITHDRAWAL, instrument)
        hold = posting.hold_withdrawal(
            payer=payer.number, bank=bank.number, currency=currency_number(balance), amount=self.amount
        )
        transfer = changes.row._replace(
            confirmation=self.proof.confirmation, hold_debit=hold.debit, hold_credit=hold.credit, held=self.amount
        )
        pending = posting.reserve(hold).pending
        changes = changes._replace(row=transfer, pending=pending, events=(event_of(transfer),))
        return changes.join(spent)

    def _terms(self, instrument: Instrument) -> WithdrawalTerms:
        """Returns what the payer must have signed; the relying party is the confirmation's."""
        return WithdrawalTerms(
            payer_id=names.payer_name(self.payer), currency=self.currency, amount_minor=self.amount,
            instrument_id=names.instrument_name(self.payer, instrument.id), instrument_display=instrument.display,
            rp_id="",
        )  # fmt: skip
