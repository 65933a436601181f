"""What the sandbox bank remembers of one operation, and how it tells of it.

In: requests. Out: rows, whose field order is the column order, and results. Pure. Invariant: a row's key, kind and
body never change; a final outcome changes only from SUCCEEDED to RETURNED.
"""

from datetime import date
from hashlib import blake2b
from typing import Final, NamedTuple

from keelpay_server.book.rail import ChallengeKind, OperationKind, OperationOutcome, OperationRequest, OperationResult

_KIND: Final = tuple(OperationKind)
_OUTCOME: Final = tuple(OperationOutcome)
_CHALLENGE: Final = tuple(ChallengeKind)
_CHALLENGE_URI: Final = {
    ChallengeKind.NONE: "",
    ChallengeKind.APP_APPROVAL: "sandbox-wallet://approve/{reference}",
    ChallengeKind.REDIRECT: "https://bank.example/challenge/{reference}",
}
"""A bank that has a page puts that in the place of the last one, which nobody serves."""


class Operation(NamedTuple):
    """One operation, as stored.

    Attributes:
        key: Primary key.
        kind: Number of the OperationKind.
        body: blake2b-16 of everything asked but the key; empty for a fence, which is an AUTHORIZE that was voided
            before it arrived.
        original_key: For CAPTURE, VOID, REFUND: the AUTHORIZE.
        amount_minor: Asked; for a VOID what it gave back.
        currency: Of the amount.
        scenario: Name of the magic scenario, or empty.
        capture: 1 where an AUTHORIZE takes the money at once.
        outcome: Number of the OperationOutcome.
        code: Why.
        cost_minor: The bank's charge.
        captured_minor: Of an AUTHORIZE: taken so far.
        released_minor: Of an AUTHORIZE: given back so far.
        refunded_minor: Of an AUTHORIZE: returned so far, refunds still pending included.
        challenge: Number of the ChallengeKind.
        create_us: Bank time at which it was accepted.
        decide_us: Bank time of the last decision, 0 while pending.
        value_day: Ordinal of the business day of its statement line, 0 for none.
        due_us: Bank time of the next decision, 0 for none.
        due_outcome: What will be decided then.
        due_code: Why.
    """

    key: bytes
    kind: int
    body: bytes
    original_key: bytes
    amount_minor: int
    currency: str
    scenario: str
    capture: int
    outcome: int
    code: str
    cost_minor: int
    captured_minor: int
    released_minor: int
    refunded_minor: int
    challenge: int
    create_us: int
    decide_us: int
    value_day: int
    due_us: int
    due_outcome: int
    due_code: str

    @property
    def remaining_minor(self) -> int:
        """What an AUTHORIZE still reserves."""
        return self.amount_minor - self.captured_minor - self.released_minor

    @property
    def reference(self) -> str:
        """The bank's own number of it: the same for ever, since it follows from the key."""
        return reference_of(self.kind, self.key)


def new_operation(request: OperationRequest, body: bytes, scenario: str, now_us: int) -> Operation:
    """Returns the row of a request that was just accepted, not decided yet."""
    return Operation(
        request.key, request.kind, body, request.original_key, request.amount_minor, request.currency, scenario,
        request.capture, OperationOutcome.PENDING, "", 0, 0, 0, 0, 0, now_us, 0, 0, 0, 0, "",
    )  # fmt: skip


def fence(key: bytes, now_us: int) -> Operation:
    """Returns the row that keeps an authorization that has not arrived from ever being carried out."""
    return Operation(
        key, OperationKind.AUTHORIZE, b"", b"", 0, "", "", 0, OperationOutcome.FAILED, "ALREADY_VOIDED",
        0, 0, 0, 0, 0, now_us, now_us, 0, 0, 0, "",
    )  # fmt: skip


def body_of(request: OperationRequest) -> bytes:
    """Returns the fingerprint of everything a request asks but its key; fields cannot run into each other."""
    return blake2b(repr(request[1:]).encode(), digest_size=16).digest()


def reference_of(kind: int, key: bytes) -> str:
    """Returns the bank's own number of an operation."""
    return f"{_KIND[kind - 1].name[0]}{blake2b(key, digest_size=9).hexdigest().upper()}"


def line_key_of(key: bytes) -> str:
    """Returns the natural key of the statement line that an operation causes; its fee, its return add to it."""
    return key.hex()


def result_of(row: Operation) -> OperationResult:
    """Returns what the bank tells of an operation."""
    outcome = _OUTCOME[row.outcome]
    moved = row.amount_minor if outcome is OperationOutcome.SUCCEEDED else 0
    pending = outcome is OperationOutcome.PENDING
    challenge = _CHALLENGE[row.challenge] if pending else ChallengeKind.NONE
    return OperationResult(
        key=row.key,
        outcome=outcome,
        code=row.code,
        bank_reference=row.reference,
        cost_minor=row.cost_minor if moved else 0,
        amount_minor=moved,
        value_date=date.fromordinal(row.value_day) if row.value_day else None,
        challenge=challenge,
        challenge_uri=_CHALLENGE_URI[challenge].format(reference=row.reference) if pending else "",
        kind=_KIND[row.kind - 1],
        decide_us=row.decide_us,
    )
