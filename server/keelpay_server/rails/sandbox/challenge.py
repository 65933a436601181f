"""What a redirected payer is asked on the sandbox bank's page, and the ticket that opens it there.

In: operations, the bank's own secret. Out: tickets, challenges. Pure. Invariant: who does not know the secret makes no
ticket; what somebody else has answered looks as what never was.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final, NamedTuple

from keelpay_server.book.rail import ChallengeKind, OperationOutcome, OperationRequest
from keelpay_server.book.sandbox_bank import ChallengeState, SandboxChallenge

from .operation import Operation

EXPIRED: Final = "CHALLENGE_EXPIRED"
_KEY_BYTES: Final = 16
_MAC_BYTES: Final = 16


class Asked(NamedTuple):
    """What the bank keeps of a challenge beside its operation; the field order is the column order.

    Attributes:
        operation_key: Which operation.
        payee: What the payer's statement will say.
        return_uri: Where the payer goes back to, or empty.
        answer_id: Of the request that answered, or empty.
    """

    operation_key: bytes
    payee: str
    return_uri: str
    answer_id: str = ""


def asked_of(request: OperationRequest) -> Asked:
    """Returns what is kept of a request that waits for its redirected payer."""
    return Asked(request.key, request.descriptor, request.return_uri)


def ticket_of(secret: bytes, key: bytes) -> str:
    """Returns the ticket of an operation: 43 characters, of which 128 bits can only be known."""
    mac = blake2b(key, key=secret, digest_size=_MAC_BYTES).digest()
    return urlsafe_b64encode(key + mac).rstrip(b"=").decode()


def key_of(secret: bytes, ticket: str) -> bytes | None:
    """Returns the operation of a ticket that we made; None for any other text of 43 letters of base64url."""
    key = urlsafe_b64decode(f"{ticket}=")[:_KEY_BYTES]
    return key if hmac.compare_digest(ticket_of(secret, key), ticket) else None


def shown(row: Operation, asked: Asked, answer_id: str, bank: str, now_us: int) -> SandboxChallenge | None:
    """Returns a challenge as somebody sees it.

    Args:
        row: Its operation.
        asked: What is kept of it.
        answer_id: Of the request by which whoever looks has answered, or empty.
        bank: The bank's name.
        now_us: The bank's time.
    """
    state = _state(row, asked, answer_id)
    if state is None:
        return None
    left_us = row.due_us - now_us if state is ChallengeState.OPEN else 0
    return SandboxChallenge(state, bank, asked.payee, row.amount_minor, row.currency, left_us, asked.return_uri)


def _state(row: Operation, asked: Asked, answer_id: str) -> ChallengeState | None:
    if row.outcome == OperationOutcome.PENDING and row.challenge == ChallengeKind.REDIRECT:
        return ChallengeState.OPEN
    if row.code == EXPIRED:
        return ChallengeState.EXPIRED
    if not answer_id or answer_id != asked.answer_id:
        return None
    return ChallengeState.APPROVED if row.outcome == OperationOutcome.SUCCEEDED else ChallengeState.REFUSED
