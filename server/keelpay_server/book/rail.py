"""The port that a connector implements: what the engine asks of a bank, in plain values without a wire format.

In: `OperationRequest`s under keys that the engine made and committed. Out: `OperationResult`s, told apart by key.
Invariant: a rail answers and never raises; no answer, a late answer, an answer that makes no sense are UNKNOWN. The
numbers of the enums are those of keelpay.api.rail.v1.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from enum import IntEnum
from typing import NamedTuple, Protocol


class OperationKind(IntEnum):
    """What is asked of a bank."""

    AUTHORIZE = 1
    CAPTURE = 2
    VOID = 3
    REFUND = 4
    PAY = 5


class OperationOutcome(IntEnum):
    """What became of it. UNKNOWN is ours alone: nothing certain was heard, so the key has to be queried."""

    UNKNOWN = 0
    SUCCEEDED = 1
    DECLINED = 2
    PENDING = 3
    FAILED = 4
    NOT_FOUND = 5
    MISMATCH = 6
    RETURNED = 7


class StatementLineKind(IntEnum):
    """What a statement line says happened."""

    CAPTURE_SETTLEMENT = 1
    REFUND = 2
    PAYOUT = 3
    PAYOUT_RETURN = 4
    TOP_UP = 5
    WITHDRAWAL = 6
    FEE = 7
    CHARGEBACK = 8
    CHARGEBACK_REVERSAL = 9
    OTHER = 10


class ChallengeKind(IntEnum):
    """What a payer has to do before a PENDING operation is decided."""

    NONE = 0
    APP_APPROVAL = 1
    REDIRECT = 2


class OperationRequest(NamedTuple):
    """One operation to carry out.

    Attributes:
        key: 16 bytes, made once, sent with every attempt.
        kind: What is asked.
        amount_minor: Above zero; 0 for a VOID.
        currency: ISO 4217 or a registered token; empty for a VOID.
        instrument: The bank's token of the payer's (AUTHORIZE) or payee's (PAY) instrument; for a REFUND another way
            to the payer, or empty.
        descriptor: What the payer reads on the bank's screen and statement, up to 64 characters.
        payment: Our name of the payment, refund or payout, up to 128 characters.
        original_key: For CAPTURE, VOID, REFUND the key of the AUTHORIZE; otherwise empty.
        capture: An AUTHORIZE takes the money at once.
        final: A CAPTURE is the last one: what remains is given back.
        return_uri: Where a redirected payer comes back to, or empty.
    """

    key: bytes
    kind: OperationKind
    amount_minor: int = 0
    currency: str = ""
    instrument: str = ""
    descriptor: str = ""
    payment: str = ""
    original_key: bytes = b""
    capture: bool = False
    final: bool = False
    return_uri: str = ""


class OperationResult(NamedTuple):
    """What is known of one operation.

    Attributes:
        key: Its key.
        outcome: What became of it. A port never shows MISMATCH; it is UNKNOWN with code MISMATCH.
        code: Why: a ResultCode of the contract without its prefix, such as INSUFFICIENT_FUNDS; for UNKNOWN what
            went wrong on the way; empty where there is nothing to say.
        bank_reference: The bank's number of it, or empty.
        cost_minor: What the bank charges for it.
        amount_minor: What it moved; for a VOID what was given back.
        bank_us: Microseconds spent at the bank, from our sending to its answer.
        value_date: The business day whose statement carries the money, or None.
        challenge: What the payer has to do, where PENDING.
        challenge_uri: Where to send the payer, or empty.
        detail: The bank's own words, for operators.
        kind: What was asked, where the bank says it.
        decide_us: When the bank decided, on its clock; 0 while it has not.
    """

    key: bytes
    outcome: OperationOutcome
    code: str = ""
    bank_reference: str = ""
    cost_minor: int = 0
    amount_minor: int = 0
    bank_us: int = 0
    value_date: date | None = None
    challenge: ChallengeKind = ChallengeKind.NONE
    challenge_uri: str = ""
    detail: str = ""
    kind: OperationKind | None = None
    decide_us: int = 0


class RailCapabilities(NamedTuple):
    """What a bank declares; times in microseconds. Meanings: keelpay.api.rail.v1.Capabilities."""

    bank: str
    channel: int
    kinds: frozenset[OperationKind]
    currencies: frozenset[str]
    idempotent: bool
    settle_us: int
    remember_us: int
    hold_us: int
    separate_capture: bool
    capture_on_authorize: bool
    partial_capture: bool
    multiple_capture: bool
    batch_items_max: int
    authorize_timeout_us: int
    operation_timeout_us: int
    query_timeout_us: int
    net_of_cost: bool
    utc_offset_minutes: int


class StatementLine(NamedTuple):
    """One movement of our account at a bank.

    Attributes:
        line_number: 1, 2, 3 ... within the statement.
        natural_key: Names the movement for ever; unique within the bank.
        kind: What it is.
        amount_minor: Above zero into the account, below zero out of it; never zero.
        currency: Of the amount.
        reference: The key of the operation that caused it, or empty.
        date: The business day.
        bank_reference: The bank's number of the operation, or empty.
        text: What the line says to a human.
    """

    line_number: int
    natural_key: str
    kind: StatementLineKind
    amount_minor: int
    currency: str
    reference: bytes
    date: date
    bank_reference: str = ""
    text: str = ""


class Statement(NamedTuple):
    """One account, one currency, one closed business day; closing = opening + sum of the lines."""

    bank: str
    number: int
    date: date
    currency: str
    opening_balance_minor: int
    closing_balance_minor: int
    lines: tuple[StatementLine, ...]


class StatementUnavailableError(Exception):
    """A statement cannot be had: the day is open, the account had no such day, or the transfer broke off."""


class Rail(Protocol):
    """A connector to one bank. Every method that takes operations answers each of them, whatever happens."""

    async def capabilities(self) -> RailCapabilities | None:
        """Returns what the bank declares, or None where it does not answer."""
        ...

    def authorize_many(self, operations: Sequence[OperationRequest]) -> AsyncIterator[Sequence[OperationResult]]:
        """Yields results in groups as they arrive, in any order; a key may come twice, its last word counts."""
        ...

    async def capture(self, operation: OperationRequest) -> OperationResult:
        """Takes reserved money."""
        ...

    async def void(self, operation: OperationRequest) -> OperationResult:
        """Gives back reserved money; fences an authorization that the bank does not know."""
        ...

    async def refund(self, operation: OperationRequest) -> OperationResult:
        """Returns captured money."""
        ...

    async def pay(self, operation: OperationRequest) -> OperationResult:
        """Sends money from our reserve account."""
        ...

    async def resume(self, key: bytes, payload: bytes) -> OperationResult:
        """Hands over what a redirected payer brought back."""
        ...

    async def query_many(self, keys: Sequence[bytes]) -> Sequence[OperationResult]:
        """Tells what became of operations; one result a key, UNKNOWN where the bank does not answer."""
        ...

    async def statement(self, day: date, currency: str) -> Statement:
        """Returns the statement of a closed day.

        Raises:
            StatementUnavailableError: It cannot be had whole.
        """
        ...
