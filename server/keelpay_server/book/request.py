"""Idempotency: what is remembered of a mutating request, in the same commit as its effect.

In: caller, method, parent and the client's request id. Out: a key, and the row that a repeat finds.
Invariant: a key has one row for ever as long as it is remembered; an answer is never stored, only what it spoke of.
"""

import json
from hashlib import blake2b
from typing import NamedTuple, Protocol
from uuid import UUID

from .call import Call
from .reasons import Reason
from .refusal import Refused


class Message(Protocol):
    """What idempotency needs of a parsed request."""

    request_id: str

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: D102, N802


class Request(NamedTuple):
    """A mutating request's identity.

    Attributes:
        key: The client's request id (16 bytes, first, so that keys made in time order are stored in time order), then a
            digest of caller, method and parent (AIP-155 scope).
        body_hash: Digest of the whole body: the same key with another body is refused.
    """

    key: bytes
    body_hash: bytes


class RequestRow(NamedTuple):
    """What is kept of it: the entity it made or changed, or why it was refused."""

    id: bytes
    body_hash: bytes
    entity: bytes
    reason: str
    detail: str
    create_time: int


def request_of(actor: str, method: str, parent: str, request_id: bytes, body: bytes, key: bytes = b"") -> Request:
    """Builds the identity of a request.

    Args:
        actor: The caller's audit name.
        method: Full gRPC method.
        parent: The resource the request is about; it names the book.
        request_id: The client's UUID, 16 bytes.
        body: The request's bytes, serialised deterministically by this process.
        key: Keys the body's digest, 0..64 bytes: where a body holds a card number, nobody who reads the digest may
            find the number by trying all of them.
    """
    scope = f"{actor}\n{method}\n{parent}".encode()
    body_hash = blake2b(body, digest_size=16, key=key).digest()
    return Request(request_id + blake2b(scope, digest_size=16).digest(), body_hash)


def identify(call: Call, message: Message, parent: str, key: bytes = b"") -> Request:
    """Returns the identity of the mutating request being served.

    A UUID in upper case (Swift makes such) is the same as in lower case (RFC 9562, section 4): so is a request whose id
    was sent in the other case, and its whole body with it.

    Args:
        call: The call being served.
        message: The parsed request; its `request_id` is a UUID, checked by the bounds of the contract, and is in lower
            case afterwards.
        parent: The resource the request is about.
        key: Keys the digest of a body that holds a secret, see `request_of`.
    """
    message.request_id = message.request_id.lower()
    body = message.SerializeToString(deterministic=True)
    return request_of(call.caller.actor, call.method, parent, UUID(message.request_id).bytes, body, key)


def key_bytes(entity: bytes | str | int) -> bytes:
    """Returns an entity's key as it is remembered: names in UTF-8, numbers in 8 bytes."""
    if isinstance(entity, int):
        return entity.to_bytes(8, "big")
    return entity.encode() if isinstance(entity, str) else entity


def remember(request: Request, entity: bytes | str | int, refusal: Refused | None, now_us: int) -> RequestRow:
    """Returns the row that a repeat of the request will find."""
    key = key_bytes(entity)
    if refusal is None:
        return RequestRow(request.key, request.body_hash, key, "", "", now_us)
    detail = json.dumps({"message": refusal.message, "metadata": refusal.metadata})
    return RequestRow(request.key, request.body_hash, key, refusal.reason.name, detail, now_us)


def recall(row: RequestRow, request: Request) -> Refused | None:
    """Returns why a repeat of a remembered request is refused, or None if the request was carried out.

    Returns:
        IDEMPOTENCY_MISMATCH for another body; else what the request ended with.
    """
    if row.body_hash != request.body_hash:
        return Refused(Reason.IDEMPOTENCY_MISMATCH)
    if not row.reason:
        return None
    detail = json.loads(row.detail)
    refusal = Refused(Reason[row.reason], detail["message"], replayed=True)
    refusal.metadata.update(detail["metadata"])
    return refusal
