"""What the edge asks of its neighbours, handed in by `app`: methods of the contract, words for refusals, limits, a log.

In: nothing. Out: types alone. Invariant: the edge imports no other room of its level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from google.protobuf.message import Message

from keelpay_server.book.refusal import Refused


class Method(NamedTuple):
    """One RPC that the edge exposes.

    Attributes:
        path: `/package.Service/Method`, in HTTP as in gRPC.
        request: The request's message class.
        response: The response's message class.
        server_streaming: Whether the response is a stream. Request streams are not bridged: HTTP/1.1 has none.
        bytes_max: The biggest request, as protobuf.
    """

    path: str
    request: type[Message]
    response: type[Message]
    server_streaming: bool
    bytes_max: int


class Ended(NamedTuple):
    """How a call ended.

    Attributes:
        code: The gRPC status.
        message: One English sentence for developers; empty where all is well.
        details: The serialized google.rpc.Status; empty where there is none.
        metadata: What the server adds to every answer: request id and mode.
    """

    code: grpc.StatusCode
    message: str = ""
    details: bytes = b""
    metadata: tuple[tuple[str, str], ...] = ()


class Answered(NamedTuple):
    """One HTTP request that has ended, as it may be written down.

    Attributes:
        request_id: Of its call; of another request the one that a proxy gave it, or empty.
        verb: The HTTP method.
        path: A path that is ours, without query; empty for any other.
        status: Of the answer; 499 where the browser left before there was one.
        duration_us: How long it took, in microseconds.
        bytes_sent: Of the answer's body.
        address: Whom it is counted by, after trusted proxies.
    """

    request_id: str
    verb: str
    path: str
    status: int
    duration_us: int
    bytes_sent: int
    address: str


Render = Callable[[Refused, str, str], Ended]
"""Puts a refusal into the contract's error shape, given a request id and an Accept-Language value."""
Record = Callable[[str, str, Ended, Refused], None]
"""Writes down a call that the edge itself refused: path, request id, how it ended, why."""
Log = Callable[[Answered], None]
"""Writes down a request that has ended."""
Take = Callable[[str], None]
"""Counts one request of an address. Raises Refused: RATE_LIMITED."""
Party = Callable[[str], str]
"""Names whoever has an address: one party has a whole network of IPv6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the edge is given."""

    channel: grpc.aio.Channel
    """To the gRPC server of this process."""
    methods: tuple[Method, ...]
    """What is exposed."""
    forwarder: tuple[str, str]
    """The metadata pair that proves to the gRPC server that a forwarded address is the edge's word."""
    make_request_id: Callable[[], str]
    is_request_id: Callable[[object], bool]
    """Whether a client's request id is sane."""
    render: Render
    record: Record
    take: Take
    party: Party
    log: Log | None = None
    """None where requests are not written down."""
    sandbox: bool = False
    """Whether a sandbox bank has its page here."""
