"""What a wire is: one way of putting an RPC into an HTTP request and its answer.

In: an exchange and a method. Out: the request as bytes, the answer as the wire writes it. Invariant: wires differ in
shape alone; what is asked and what is answered is the same on each of them.
"""

from collections.abc import Mapping
from typing import Protocol

from .exchange import Exchange
from .ports import Ended, Method
from .relay import Relay


class Wire(Protocol):
    """One wire."""

    encoding_field: str
    """The header that names the compression of a request."""
    accepted_field: str
    """The header of an answer that names those we know."""

    def carries(self, method: Method) -> bool:
        """Whether this wire carries this kind of RPC."""
        ...

    def bytes_max(self, method: Method) -> int:
        """The biggest body of a request."""
        ...

    def timeout_s(self, fields: Mapping[str, str]) -> float | None:
        """The caller's deadline. Raises Refused where it is none."""
        ...

    def unwrap(self, body: bytes, method: Method, encoding: str) -> bytes:
        """The one message of a body, unpacked. Raises Refused where there is none."""
        ...

    def read(self, message: bytes, method: Method) -> bytes:
        """The message as protobuf. Raises Refused where it cannot be read."""
        ...

    async def relay(self, exchange: Exchange, relay: Relay, method: Method) -> None:
        """Writes the answer as it comes, and how it ended."""
        ...

    async def refuse(self, exchange: Exchange, ended: Ended) -> None:
        """Answers a call that was never made."""
        ...
