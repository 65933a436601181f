"""Break: something that our ledger, the channel's record and the bank's statement do not agree on.

(`break` is a word of the language, so the type is called Disagreement here and Break in the contract.)
In: lines and records that do not match, operators' decisions. Out: the break after the step.
Invariant: what a break has put into 6900 is told by `in_suspense`, until it is out again.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import DAY_US

KIND: Final = "brk"


class BreakKind(IntEnum):
    """What does not agree, numbered as in the contract."""

    BANK_ONLY = 1
    LEDGER_ONLY = 2
    AMOUNT = 3
    DUPLICATE = 4
    CHANNEL = 5
    OPERATION_UNKNOWN = 6


class BreakState(IntEnum):
    """Life of a break, numbered as in the contract."""

    OPEN = 1
    EXPLAINED = 2
    PROPOSED = 3
    RESOLVED = 4


class Resolution(IntEnum):
    """How a break is settled, numbered as in the contract."""

    MATCH = 1
    CREDIT_MERCHANT = 2
    RETURN_TO_PAYER = 3
    CLAIM = 4
    WRITE_OFF = 5
    OPERATION_FAILED = 6


TRANSITIONS: Final[dict[BreakState, frozenset[BreakState]]] = {
    BreakState.OPEN: frozenset({BreakState.EXPLAINED, BreakState.PROPOSED}),
    BreakState.PROPOSED: frozenset({BreakState.RESOLVED, BreakState.OPEN}),
    BreakState.EXPLAINED: frozenset(),
    BreakState.RESOLVED: frozenset(),
}
UNSETTLED: Final = frozenset({BreakState.OPEN, BreakState.PROPOSED})


class Disagreement(NamedTuple):
    """One break. Amounts are minor units, above zero into our account; times are the business clock's.

    Attributes:
        id: Its key.
        kind: A BreakKind.
        state: A BreakState.
        state_version: Counts its changes.
        bank: The bank.
        currency: Of the amounts.
        statement: The statement it was found with, or None.
        line: The line it speaks of, or None.
        bank_reference: The bank's reference of the line, or empty.
        operation: The operation it speaks of, or empty.
        subject_kind: What that was asked for: `pay`, `ref`, `trf`, `po`, or empty.
        subject: The key of that, or None.
        merchant: Whose that is, or empty.
        ledger_amount: What our ledger says, or None.
        channel_amount: What the channel's record says, or None.
        bank_amount: What the statement says, or None.
        proposal: The last proposal, or None.
        resolution: A Resolution, or 0.
        target: The merchant that CREDIT_MERCHANT credits, or empty.
        claim: The break whose claim MATCH says that the line pays, or None.
        comment: What explained it, or what the operators noted.
        in_suspense: What it holds in 6900, as credits less debits.
        create_time: When it was found.
        update_time: When it changed last.
    """

    id: bytes
    kind: int
    state: int
    state_version: int
    bank: str
    currency: str
    statement: bytes | None
    line: bytes | None
    bank_reference: str
    operation: bytes
    subject_kind: str
    subject: bytes | None
    merchant: str
    ledger_amount: int | None
    channel_amount: int | None
    bank_amount: int | None
    proposal: bytes | None
    resolution: int
    target: str
    claim: bytes | None
    comment: str
    in_suspense: int
    create_time: int
    update_time: int


def move(row: Disagreement, to: BreakState, business_us: int, **changes: Any) -> Disagreement:
    """Returns the break in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[BreakState(row.state)]:
        refuse_transition("break", BreakState(row.state).name, to.name)
    return row._replace(state=to, state_version=row.state_version + 1, update_time=business_us, **changes)


def age_days(row: Disagreement, business_us: int) -> int:
    """Returns how many days a break has been known."""
    return max(0, business_us - row.create_time) // DAY_US


def event_of(row: Disagreement) -> Event:
    """Returns the event of a break's step, such as `break.open`."""
    data: dict[str, object] = {
        "kind": int(row.kind), "state": int(row.state), "bank": row.bank, "currency": row.currency,
        "resolution": row.resolution,
    }  # fmt: skip
    for name in ("ledger_amount", "channel_amount", "bank_amount"):
        if (amount := getattr(row, name)) is not None:
            data[name] = amount
    return Event(f"break.{BreakState(row.state).name.lower()}", KIND, row.id, row.state_version, "", data)
