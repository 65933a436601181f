"""The call being served: its id, caller, method and deadline, for code that has no gRPC context in hand.

In: set once a request by the pipeline in `rpc`. Out: `current()`. Invariant: inside a handler there is always one.
"""

from contextvars import ContextVar
from typing import NamedTuple

from .caller import Caller


class Call(NamedTuple):
    """One request under way.

    Attributes:
        request_id: The correlation id that logs and errors carry (not the idempotency key).
        caller: Who calls.
        method: The full gRPC method, `/package.Service/Method`.
        deadline_us: Wall-clock time in microseconds after which nobody waits for the answer.
        address: The peer's address as the server saw it, or empty.
        certificate: PEM that the peer proved in the TLS handshake, where the method serves callers without a token.
    """

    request_id: str
    caller: Caller
    method: str
    deadline_us: int
    address: str = ""
    certificate: bytes = b""


_current: ContextVar[Call] = ContextVar("keelpay_call")
set_current = _current.set


def current() -> Call:
    """Returns the call being served.

    Raises:
        LookupError: Outside a handler.
    """
    return _current.get()
