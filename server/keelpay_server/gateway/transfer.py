"""Transfer: money that a payer moves into the balance here (top-up), or out of it (withdrawal).

In: steps decided elsewhere in this room. Out: the transfer after the step. Invariant: its state is that of its one
operation; a withdrawal is held until the bank has paid it, and names the confirmation that allows it.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.auth.names import stream_of
from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.ledger.hold import Hold

from .operation import TRANSITIONS, OperationState

KIND: Final = "trf"


class TransferKind(IntEnum):
    """Which way the money goes, numbered as in the contract."""

    TOP_UP = 1
    WITHDRAWAL = 2


class Transfer(NamedTuple):
    """One transfer.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`.
        kind: A TransferKind.
        currency: Of the amount.
        amount: Minor units.
        instrument: The other end.
        bank: The rail that serves it.
        state: An OperationState: what the bank said, as far as it is certain.
        state_version: Counts its changes.
        operation: What is asked of the bank.
        confirmation: The confirmation that allows a withdrawal; None for a top-up.
        hold_debit: Account 2000 of a withdrawal, or 0.
        hold_credit: Account 2200 of a withdrawal, or 0.
        held: What is reserved and not yet in 2200.
        in_transit: What it has put into 2200.
        suspense: Owner number of the bank in whose 6900 it is, or 0.
        in_suspense: What of it is there, as credits less debits.
        code: The bank's code, or empty.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    payer: str
    kind: int
    currency: str
    amount: int
    instrument: bytes
    bank: str
    state: int
    state_version: int
    operation: bytes
    confirmation: bytes | None
    hold_debit: int
    hold_credit: int
    held: int
    in_transit: int
    suspense: int
    in_suspense: int
    code: str
    create_time: int
    update_time: int

    @property
    def hold(self) -> Hold:
        """What a withdrawal reserves: pending as long as `held` says so."""
        return Hold(self.hold_debit, self.hold_credit, self.amount)


def move(transfer: Transfer, to: OperationState, wall_us: int, **changes: Any) -> Transfer:
    """Returns the transfer in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    origin = OperationState(transfer.state)
    if to not in TRANSITIONS[origin]:
        refuse_transition("transfer", origin.name, to.name)
    return touch(transfer, wall_us, state=to, **changes)


def touch(transfer: Transfer, wall_us: int, **changes: Any) -> Transfer:
    """Returns the transfer with other fields, one version on."""
    return transfer._replace(state_version=transfer.state_version + 1, update_time=wall_us, **changes)


def event_of(transfer: Transfer, what: str = "", **data: Any) -> Event:
    """Returns the event of a transfer's step, by default named after its state, such as `transfer.succeeded`.

    Each event of a withdrawal names its confirmation: a debit of a balance is never without one.
    """
    name = what or OperationState(transfer.state).name.lower()
    facts = {
        "kind": int(transfer.kind), "state": int(transfer.state), "payer": transfer.payer, "amount": transfer.amount,
        "currency": transfer.currency, **data,
    }  # fmt: skip
    if transfer.confirmation is not None:
        facts["confirmation"] = transfer.confirmation
    owner = stream_of(transfer.payer.partition("/")[0])
    return Event(f"transfer.{name}", KIND, transfer.id, transfer.state_version, owner, facts)
