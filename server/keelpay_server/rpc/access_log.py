"""The access log: one JSON line a call, formatted and written by a thread of its own, in blocks.

In: what the pipeline knows when a call has ended; never a request's or a response's body, nor a token. Out: lines
with time, request_id, method, caller, code, reason, ms.
Invariant: a full disk or a stuck pipe never delays a call: lines are dropped then, and their number is told.
"""

import threading
from collections import deque
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from time import gmtime, strftime
from typing import NamedTuple

from keelpay_server.book.times import SECOND_US

LINES_WAITING_MAX = 50_000
_BLOCK_LINES_MAX = 1_000
_PAUSE_S = 0.1
_US_PER_MS = 1_000

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


def line_of(entry: Entry) -> str:
    """Returns the JSON line of a call. What came from outside is quoted; the rest are words of ours."""
    second, micros = divmod(entry.time_us, SECOND_US)
    time = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(second))}.{micros // _US_PER_MS:03d}Z"
    return (
        f'{{"time":"{time}","request_id":{quote(entry.request_id)},"method":"{entry.method}",'
        f'"caller":{quote(entry.caller)},"code":"{entry.code}","reason":"{entry.reason}",'
        f'"ms":{entry.duration_us / _US_PER_MS:.3f}}}\n'
    )


class AccessLog:
    """Takes entries on the event loop, and hands lines to a sink from its thread."""

    def __init__(self, sink: Sink, lines_waiting_max: int = LINES_WAITING_MAX) -> None:
        """Starts the writing thread.

        Args:
            sink: Takes a block of whole lines, such as `sys.stdout.write`; it may block.
            lines_waiting_max: Lines kept while the sink is stuck; more are dropped.
        """
        self._sink = sink
        self._waiting: deque[Entry] = deque()  # safe between two threads that only append and pop
        self._waiting_max = lines_waiting_max
        self._dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="access-log", daemon=True)
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Adds one call; never blocks, never formats."""
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
                block.append(f'{{"access_log_lines_dropped":{dropped}}}\n')
            try:
                self._sink("".join(block))
            except (OSError, ValueError):  # ValueError: the stream was closed
                self._dropped += count
                return
