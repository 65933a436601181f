"""One HTTP connection: uvicorn's HTTP/1.1 on h11, with the limits it lacks.

In: a socket. Out: requests for the front. Invariant: a connection that sends nothing, or its headers drop by drop, is
closed after a set time; no address and no crowd of addresses holds more connections than it may.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Who is connected, by address."""

    def __init__(self, most: int, most_per_address: int, trusts: Callable[[str], bool]) -> None:
        """Starts with nobody.

        Args:
            most: Connections open at once.
            most_per_address: Of these, of one address.
            trusts: Whether an address is a proxy, behind which many stand.
        """
        self._most, self._most_per_address, self._trusts = most, most_per_address, trusts
        self._counts: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Counts a connection in; returns whether there is room for it. `leave` follows either way."""
        self._counts[address] += 1
        if self._counts.total() > self._most:
            return False
        return self._counts[address] <= self._most_per_address or self._trusts(address)

    def leave(self, address: str) -> None:
        """Counts a connection out."""
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]


def connection_class(connections: Connections, *, idle_s: float, header_s: float) -> type[H11Protocol]:
    """Makes the class of connections that uvicorn opens one of for each socket.

    Args:
        connections: Who is connected.
        idle_s: How long a new connection may wait for its first byte; browsers open some beforehand.
        header_s: From a request's first byte to the end of its headers.
    """

    class Connection(H11Protocol):
        _address = ""
        _waiting: asyncio.TimerHandle | None = None
        _begun = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._address = self.client[0] if self.client else ""
            if connections.enter(self._address):
                self._wait(idle_s)
            else:
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            connections.leave(self._address)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._is_serving():
                self._stop_waiting()
                self._begun = False
            elif not self._begun:
                self._stop_waiting()
                self._wait(header_s)
                self._begun = True

        def _is_serving(self) -> bool:
            cycle: Any = self.cycle  # None until the first request, whatever its annotation says
            return cycle is not None and not cycle.response_complete

        def _wait(self, seconds: float) -> None:
            self._waiting = self.loop.call_later(seconds, self.transport.abort)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return Connection
