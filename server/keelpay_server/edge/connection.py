"""One HTTP connection: uvicorn's HTTP/1.1 on h11, with the limits it lacks.

In: a socket. Out: requests for the front. Invariant: a connection that sends nothing, its headers drop by drop, or does
not read, is closed after a set time; no party and no crowd of parties holds more connections than it may; reading never
stops for long, for only who reads hears that the other side has left.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .connect_unary import NO_STORE
from .ports import Party
from .security_headers import EVERY_ANSWER, NO_PAGE

_UNREADABLE: Final = [
    (name.encode(), value.encode())
    for name, value in (("connection", "close"), ("content-length", "0"), NO_STORE, *EVERY_ANSWER, *NO_PAGE)
]
"""Headers of the answer to what is no HTTP."""
_SILENT_S: Final = 60
"""A connection that is silent for so long is asked for a sign of life: a phone may be gone without a word."""
_ASKED_AGAIN_S: Final = 10


class Connections:
    """Who is connected, by party."""

    def __init__(self, most: int, most_per_address: int, trusts: Callable[[str], bool], party: Party) -> None:
        """Starts with nobody.

        Args:
            most: Connections open at once.
            most_per_address: Of these, of one address.
            trusts: Whether an address is a proxy, behind which many stand.
            party: Who has an address.
        """
        self._most, self._most_per_address, self._trusts, self._party = most, most_per_address, trusts, party
        self._counts: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Counts a connection in; returns whether there is room for it. `leave` follows either way."""
        party = self._party(address)
        self._counts[party] += 1
        if self._counts.total() > self._most:
            return False
        return self._counts[party] <= self._most_per_address or self._trusts(address)

    def leave(self, address: str) -> None:
        """Counts a connection out."""
        party = self._party(address)
        self._counts[party] -= 1
        if not self._counts[party]:
            del self._counts[party]


class Limits(NamedTuple):
    """What a connection may do.

    Attributes:
        connections: Who is connected.
        idle_s: How long a new connection may wait for its first byte; browsers open some beforehand.
        header_s: From a request's first byte to the end of its headers.
        write_s: How long what is written may lie unsent, also after the connection was closed on our side.
    """

    connections: Connections
    idle_s: float
    header_s: float
    write_s: float


class Connection(H11Protocol):
    """uvicorn's connection, which makes one for each socket, with our limits."""

    limits: ClassVar[Limits]
    _address = ""
    _waiting: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _begun = False

    def connection_made(self, transport: Any) -> None:
        """Counts it in, or ends it where there is no room; the first byte has a time."""
        super().connection_made(transport)
        # Whatever lies unsent is to be told: closing waits for it without an end.
        transport.set_write_buffer_limits(high=1, low=0)
        self._address = self.client[0] if self.client else ""
        _notice_silence(transport.get_extra_info("socket"), self.limits.write_s)
        if self.limits.connections.enter(self._address):
            self._wait(self.limits.idle_s)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts it out."""
        self._stop_waiting()
        self._stop_stuck()
        self.limits.connections.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads, with a time for headers; while an answer is under way only to hear that the other side has left."""
        if self._is_serving() and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        super().data_received(data)
        if self._is_serving():
            self._stop_waiting()
            self._begun = False
            if not self.cycle.more_body and self.conn.trailing_data[0]:
                # A request before the last one is answered (pipelining): it is left unread, and the connection
                # closes after that answer, so its sender asks again (RFC 9112, 9.3.2). uvicorn would stop reading.
                self.cycle.keep_alive = False
                self.flow.resume_reading()
        elif not self._begun:
            self._stop_waiting()
            self._wait(self.limits.header_s)
            self._begun = True

    def pause_writing(self) -> None:
        """Gives a reader that does not read a time."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stop_stuck()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's words are not ours)
        """Answers what is no HTTP, with the headers of every answer, and closes."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()  # the answer is on its way already
            return
        answer = h11.Response(status_code=400, headers=_UNREADABLE, reason=b"Bad Request")
        for event in (answer, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _is_serving(self) -> bool:
        cycle: Any = self.cycle  # None until the first request, whatever its annotation says
        return cycle is not None and not cycle.response_complete

    def _wait(self, seconds: float) -> None:
        self._waiting = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _stop_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def _notice_silence(connected: Any, unacknowledged_s: float) -> None:
    """Lets the system end a connection whose other side acknowledges nothing, neither bytes nor signs of life."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _SILENT_S), ("TCP_KEEPINTVL", _ASKED_AGAIN_S),
        ("TCP_USER_TIMEOUT", round(unacknowledged_s * 1_000)),
    ):  # fmt: skip
        if hasattr(socket, name):  # of Linux; elsewhere the system's own patience counts
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def connection_class(limits: Limits) -> type[Connection]:
    """Makes the class of connections with these limits: uvicorn takes a class, and makes its objects itself."""
    return type("Connection", (Connection,), {"limits": limits})
