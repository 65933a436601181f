"""Operation: one thing asked of a rail for a payment, refund or transfer, and the hold it placed.

In: decisions to ask, results of asking. Out: the operation after the step. Invariant: SUBMITTED is on disk before
anything is sent; UNKNOWN is resolved by asking with the same key, never by a second charge.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from keelpay_server.book.changes import WALL, Work
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import SECOND_US
from keelpay_server.ledger.hold import Hold

KIND: Final = "op"
WORK: Final = "operation"
SEND, ASK = 0, 1
"""What an operation's work does: `attempt` 0 sends, anything above asks."""
QUERY_SCHEDULE_S: Final = (2, 5, 15, 30, 60, 300, 900, 3600)
"""When an UNKNOWN operation is asked for again; the last step repeats."""


class OperationState(IntEnum):
    """What became of it, numbered as in the contract."""

    SUBMITTED = 1
    SUCCEEDED = 2
    DECLINED = 3
    FAILED = 4
    UNKNOWN = 5


class OperationKind(IntEnum):
    """What is asked, numbered as in the contract."""

    AUTHORIZE = 1
    CAPTURE = 2
    VOID = 3
    REFUND = 4
    PAY = 5


TRANSITIONS: Final[dict[OperationState, frozenset[OperationState]]] = {
    OperationState.SUBMITTED: frozenset(
        {OperationState.SUCCEEDED, OperationState.DECLINED, OperationState.FAILED, OperationState.UNKNOWN}
    ),
    OperationState.UNKNOWN: frozenset({OperationState.SUCCEEDED, OperationState.DECLINED, OperationState.FAILED}),
    OperationState.SUCCEEDED: frozenset(),
    OperationState.DECLINED: frozenset(),
    OperationState.FAILED: frozenset(),
}
TAKING: Final = frozenset({OperationKind.AUTHORIZE, OperationKind.CAPTURE})
"""Kinds by which money comes in; by the others but VOID it goes out."""
UNRESOLVED: Final = frozenset({OperationState.SUBMITTED, OperationState.UNKNOWN})
REFUSED: Final = frozenset({OperationState.DECLINED, OperationState.FAILED})


class Operation(NamedTuple):
    """One operation.

    Attributes:
        id: Its key, sent to the bank with every attempt.
        subject_kind: `pay`, `ref`, `trf` or `po`: what it belongs to.
        subject: The key of that.
        merchant: Whose it is; empty for a transfer.
        number: 1, 2, 3 ... within its subject.
        kind: An OperationKind.
        state: An OperationState.
        bank: The rail that is asked; empty where the payer's balance here is the rail.
        currency: Of the amount.
        amount: Minor units.
        original: The AUTHORIZE that a CAPTURE, VOID or REFUND speaks of.
        token: The rail's token of the payer's or payee's instrument.
        descriptor: What the payer reads at the bank.
        capture: An AUTHORIZE that takes the money at once.
        final: A CAPTURE after which nothing more is taken.
        hold_debit: Account the hold debits, or 0 without a hold.
        hold_credit: Account the hold credits.
        hold_amount: What it reserved.
        hold_captured: What of it was captured.
        hold_released: What of it was released.
        code: The bank's code for a decline, or what went wrong.
        bank_reference: The bank's number of it.
        cost: What the bank charges for it.
        queries: How often its outcome was asked for.
        bank_us: Microseconds spent at the bank.
        create_time: Wall clock: when it was recorded, before it was sent.
        update_time: Wall clock.
        return_uri: Where an AUTHORIZE's redirected payer comes back to, or empty.
    """

    id: bytes
    subject_kind: str
    subject: bytes
    merchant: str
    number: int
    kind: int
    state: int
    bank: str
    currency: str
    amount: int
    original: bytes | None
    token: str
    descriptor: str
    capture: bool
    final: bool
    hold_debit: int
    hold_credit: int
    hold_amount: int
    hold_captured: int
    hold_released: int
    code: str
    bank_reference: str
    cost: int
    queries: int
    bank_us: int
    create_time: int
    update_time: int
    return_uri: str = ""

    @property
    def hold(self) -> Hold:
        """The hold it placed."""
        return Hold(self.hold_debit, self.hold_credit, self.hold_amount, self.hold_captured, self.hold_released)

    def with_hold(self, hold: Hold) -> "Operation":
        """The operation with its hold as it is now."""
        return self._replace(
            hold_debit=hold.debit, hold_credit=hold.credit, hold_amount=hold.amount,
            hold_captured=hold.captured, hold_released=hold.released,
        )  # fmt: skip


def moves_money(operation: Operation) -> bool:
    """Whether money moves when it succeeds, and not just a reservation of it."""
    reserves = operation.kind == OperationKind.AUTHORIZE and not operation.capture
    return operation.kind != OperationKind.VOID and not reserves


def submit(operation: Operation, wall_us: int) -> Work:
    """Returns the work of sending it; its process sends at once, others ask after the lease."""
    return Work(operation.id, WORK, operation.id, WALL, wall_us)


def resolve(operation: Operation, to: OperationState, wall_us: int, **changes: object) -> Operation:
    """Returns the operation with its outcome.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[OperationState(operation.state)]:
        refuse_transition("operation", OperationState(operation.state).name, to.name)
    return operation._replace(state=to, update_time=wall_us, **changes)  # type: ignore[arg-type]


def ask_again(operation: Operation, wall_us: int) -> Work:
    """Returns the work of asking for an unknown outcome, on the schedule."""
    delay_s = QUERY_SCHEDULE_S[min(operation.queries, len(QUERY_SCHEDULE_S) - 1)]
    return Work(operation.id, WORK, operation.id, WALL, wall_us + delay_s * SECOND_US, operation.queries + 1)
