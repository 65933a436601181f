"""The levers of a sandbox bank, as the sandbox service pulls them, and its page: ports beside the rail's own, in test
mode only.

In: orders for the bank's next operations, steps of its clock, decisions it is to make. Out: what it shows then.
Invariant: a lever pulled twice with the same order, time or decision does once what it does.
"""

from enum import IntEnum
from typing import NamedTuple, Protocol

from .rail import OperationOutcome, OperationResult


class SandboxOrder(NamedTuple):
    """How a bank is to treat its next operations.

    Attributes:
        id: Tells orders apart.
        behaviour: A Behaviour of keelpay.api.sandbox.v1, by number.
        kinds: Numbers of the OperationKinds it befalls; empty for any.
        instrument: Only operations on this instrument, by the bank's token; empty for any.
        operation_count: How many operations it befalls.
        delay_us: How long a decision takes, on the bank's clock; 0 for the behaviour's own.
        code: Why it is declined, as in OperationResult; empty for the behaviour's own.
        amount_delta: What is added to the amount of a statement's line, in minor units.
    """

    id: bytes
    behaviour: int
    kinds: frozenset[int] = frozenset()
    instrument: str = ""
    operation_count: int = 1
    delay_us: int = 0
    code: str = ""
    amount_delta: int = 0


class SandboxEntry(NamedTuple):
    """A movement of our account that no operation caused.

    Attributes:
        id: 16 bytes; a known one is booked once.
        kind: A StatementLineKind, by number.
        amount: Minor units, not zero; above zero is money in.
        currency: Of the account.
        text: What the line says.
    """

    id: bytes
    kind: int
    amount: int
    currency: str
    text: str


class ChallengeState(IntEnum):
    """BankChallenge.State of keelpay.api.sandbox.v1, by number."""

    OPEN = 1
    APPROVED = 2
    REFUSED = 3
    EXPIRED = 4


class SandboxChallenge(NamedTuple):
    """What a bank asks a redirected payer on its own page.

    Attributes:
        state: Where it stands.
        bank: Its name.
        payee: What the payer's statement will say.
        amount: Minor units.
        currency: Of the amount.
        left_us: How long it waits still; 0 where it does not.
        return_uri: Where the payer goes back to, or empty.
    """

    state: ChallengeState
    bank: str
    payee: str
    amount: int
    currency: str
    left_us: int
    return_uri: str


class ChallengeAnswer(NamedTuple):
    """What became of a payer's answer.

    Attributes:
        challenge: As it is now.
        result: What the bank tells of the operation now.
        replayed: The same request had answered before.
    """

    challenge: SandboxChallenge
    result: OperationResult
    replayed: bool


class SandboxPage(Protocol):
    """The page of one sandbox bank, to which payers are redirected; a ticket opens it."""

    async def challenge(self, ticket: str) -> SandboxChallenge | None:
        """Returns what the payer is asked; None where the ticket is not of this bank, or somebody has answered."""

    async def answer(self, ticket: str, answer_id: str, *, approved: bool) -> ChallengeAnswer | None:
        """Decides an open challenge; None where `challenge` gives none and this request has not answered it.

        Args:
            ticket: Which challenge.
            answer_id: Of the request: repeated, it changes nothing and is answered again.
            approved: The payer says yes.
        """


class SandboxBank(Protocol):
    """One sandbox bank."""

    async def advance_to(self, time_us: int) -> None:
        """Moves the bank's clock forward to a time, if it is not there yet."""

    async def can(self, order: SandboxOrder) -> bool:
        """Returns whether the bank can behave so."""

    async def order(self, order: SandboxOrder) -> None:
        """Takes an order that it can follow; one with a known id is left as it is."""

    async def remaining(self) -> dict[bytes, int]:
        """Returns how many operations are left of each order that was not used up, in the order of their effect."""

    async def post(self, entry: SandboxEntry) -> bool:
        """Books a movement; returns False where the bank has no such lever."""

    async def reset(self) -> None:
        """Forgets all orders."""

    async def decide(self, key: bytes, outcome: OperationOutcome, code: str) -> OperationResult | None:
        """Makes the bank decide an operation now: a pending one, or to return one that it carried out.

        Returns:
            What it tells of the operation then; None where it cannot decide so.
        """
