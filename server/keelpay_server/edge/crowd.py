"""How many calls and streams one party, and all together, have under way, and how much they are sending.

In: an address, a size. Out: a place, given back at the end, or a refusal. Invariant: what is counted in is counted out;
no party takes the room of all.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .ports import Party
from .settings import EdgeSettings

_RETRY_MS: Final = 1_000


class Crowd:
    """Who is here."""

    def __init__(self, settings: EdgeSettings, party: Party) -> None:
        """Starts empty."""
        self._settings, self._party = settings, party
        self._calls: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._streams_open = 0
        self._bytes_coming = 0

    @contextmanager
    def enter(self, address: str, *, streaming: bool) -> Iterator[None]:
        """Counts a call in, and out at the end.

        Raises:
            Refused: RATE_LIMITED when the address has its share, OVERLOADED when all streams are taken.
        """
        settings, party = self._settings, self._party(address)
        if streaming and self._streams_open >= settings.streams_max:
            raise Refused(Reason.OVERLOADED, "all places for streams are taken", retry_after_ms=_RETRY_MS)
        counts = self._streams if streaming else self._calls
        most = settings.streams_per_address_max if streaming else settings.calls_per_address_max
        if counts[party] >= most:
            what = "streams" if streaming else "calls"
            raise Refused(Reason.RATE_LIMITED, f"one address may have {most} {what} open", retry_after_ms=_RETRY_MS)
        self._streams_open += streaming
        try:
            with _counted(counts, party, 1):
                yield
        finally:
            self._streams_open -= streaming

    @contextmanager
    def send(self, address: str, size: int) -> Iterator[None]:
        """Makes room for a body of at most `size` bytes while it is read.

        Raises:
            Refused: RATE_LIMITED when the address has its share, OVERLOADED when all that is coming would be too much.
        """
        party, most = self._party(address), self._settings.bodies_bytes_per_address_max
        if self._bytes[party] + size > most:
            raise Refused(Reason.RATE_LIMITED, f"one address may send {most} bytes at once", retry_after_ms=_RETRY_MS)
        if self._bytes_coming + size > self._settings.bodies_bytes_max:
            raise Refused(Reason.OVERLOADED, "too much is being sent at once", retry_after_ms=_RETRY_MS)
        self._bytes_coming += size
        try:
            with _counted(self._bytes, party, size):
                yield
        finally:
            self._bytes_coming -= size


@contextmanager
def _counted(counts: Counter[str], party: str, count: int) -> Iterator[None]:
    """Counts in and out; who is not here takes no memory."""
    counts[party] += count
    try:
        yield
    finally:
        counts[party] -= count
        if not counts[party]:
            del counts[party]
