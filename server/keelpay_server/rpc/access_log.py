"""The access log: one JSON line a call, and one an HTTP request, written by a thread of its own, in blocks.

In: what the pipeline, and the edge, know when a call or a request has ended; never a body, a token or a link. Out:
lines that begin as every other line of the process does, with time, level, logger and message: `call` or `request`.
Invariant: a full disk or a stuck pipe never delays a call: lines are dropped then, and their number is told.
"""

import threading
from collections import deque
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from time import gmtime, strftime, time_ns
from typing import NamedTuple

from keelpay_server.book.times import SECOND_US

LINES_WAITING_MAX = 50_000
_BLOCK_LINES_MAX = 1_000
_PAUSE_S = 0.1
_US_PER_MS = 1_000
_NS_PER_US = 1_000
DROPPED = "access log lines dropped"

Sink = Callable[[str], object]


class Entry(NamedTuple):
    """One call that has ended.

    Attributes:
        time_us: When it ended, wall clock in microseconds.
        request_id: Its id.
        method: The full gRPC method.
        caller: The caller's audit name, or empty before it was known.
        code: The gRPC status, such as `OK`.
        reason: The contract's reason, or empty.
        duration_us: How long it took, in microseconds.
    """

    time_us: int
    request_id: str
    method: str
    caller: str
    code: str
    reason: str
    duration_us: int


class HttpEntry(NamedTuple):
    """One HTTP request that has ended: a page, a file, or the way of a call through the edge.

    Attributes:
        time_us: When it ended, wall clock in microseconds.
        request_id: Of its call; of another request the one that a proxy gave it, or empty.
        verb: `GET`, `POST` and so on.
        path: A path that is ours, without query; empty for any other, which may hold whatever somebody typed.
        status: Of the answer; 499 where the browser left before there was one.
        duration_us: How long it took, in microseconds.
        bytes_sent: Of the answer's body.
        address: Whom it is counted by, after trusted proxies.
    """

    time_us: int
    request_id: str
    verb: str
    path: str
    status: int
    duration_us: int
    bytes_sent: int
    address: str


def line_of(entry: Entry | HttpEntry) -> str:
    """Returns the JSON line of a call or request. What came from outside is quoted; the rest are words of ours."""
    if isinstance(entry, Entry):
        return (
            f'{_head(entry.time_us, "INFO", "call")},"request_id":{quote(entry.request_id)},"method":"{entry.method}",'
            f'"caller":{quote(entry.caller)},"code":"{entry.code}","reason":"{entry.reason}",'
            f'"ms":{entry.duration_us / _US_PER_MS:.3f}}}\n'
        )
    return (
        f'{_head(entry.time_us, "INFO", "request")},"request_id":{quote(entry.request_id)},'
        f'"verb":{quote(entry.verb)},"path":{quote(entry.path)},"status":{entry.status},'
        f'"ms":{entry.duration_us / _US_PER_MS:.3f},"bytes":{entry.bytes_sent},"address":{quote(entry.address)}}}\n'
    )


def _head(time_us: int, level: str, message: str) -> str:
    second, micros = divmod(time_us, SECOND_US)
    time = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(second))}.{micros // _US_PER_MS:03d}Z"
    return f'{{"time":"{time}","level":"{level}","logger":"keelpay.access","message":"{message}"'


class AccessLog:
    """Takes entries on the event loop, and hands lines to a sink from its thread."""

    def __init__(self, sink: Sink, lines_waiting_max: int = LINES_WAITING_MAX) -> None:
        """Starts the writing thread.

        Args:
            sink: Takes a block of whole lines, such as `sys.stdout.write`; it may block.
            lines_waiting_max: Lines kept while the sink is stuck; more are dropped.
        """
        self._sink = sink
        self._waiting: deque[Entry | HttpEntry] = deque()  # safe between two threads that only append and pop
        self._waiting_max = lines_waiting_max
        self._dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="access-log", daemon=True)
        self._thread.start()

    def add(self, entry: Entry | HttpEntry) -> None:
        """Adds one call or request; never blocks, never formats."""
        if len(self._waiting) < self._waiting_max:
            self._waiting.append(entry)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Writes what is waiting and ends the thread."""
        self._closing.set()
        self._thread.join()

    def _write_all(self) -> None:
        while not self._closing.wait(_PAUSE_S):
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._waiting or self._dropped:
            count = min(len(self._waiting), _BLOCK_LINES_MAX)
            block = [line_of(self._waiting.popleft()) for _ in range(count)]
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                now_us = time_ns() // _NS_PER_US
                block.append(f'{_head(now_us, "WARNING", DROPPED)},"lines":{dropped}}}\n')
            try:
                self._sink("".join(block))
            except (OSError, ValueError):  # ValueError: the stream was closed
                self._dropped += count
                return
