"""How many calls and streams one address, and all together, have under way, and how much they are sending.

In: an address, a size. Out: a place, given back at the end, or a refusal. Invariant: what is counted in is counted out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .settings import EdgeSettings

_RETRY_MS: Final = 1_000


class Crowd:
    """Who is here."""

    def __init__(self, settings: EdgeSettings) -> None:
        """Starts empty."""
        self._settings = settings
        self._calls: dict[str, int] = {}
        self._streams: dict[str, int] = {}
        self._streams_open = 0
        self._bytes_coming = 0

    @contextmanager
    def enter(self, address: str, *, streaming: bool) -> Iterator[None]:
        """Counts a call in, and out at the end.

        Raises:
            Refused: RATE_LIMITED when the address has its share, OVERLOADED when all streams are taken.
        """
        settings = self._settings
        if streaming and self._streams_open >= settings.streams_max:
            raise Refused(Reason.OVERLOADED, "all places for streams are taken", retry_after_ms=_RETRY_MS)
        counts = self._streams if streaming else self._calls
        most = settings.streams_per_address_max if streaming else settings.calls_per_address_max
        own = counts.get(address, 0)
        if own >= most:
            what = "streams" if streaming else "calls"
            raise Refused(Reason.RATE_LIMITED, f"one address may have {most} {what} open", retry_after_ms=_RETRY_MS)
        counts[address] = own + 1
        self._streams_open += streaming
        try:
            yield
        finally:
            self._streams_open -= streaming
            counts[address] -= 1
            if not counts[address]:
                del counts[address]

    @contextmanager
    def send(self, size: int) -> Iterator[None]:
        """Makes room for a body of at most `size` bytes while it is read.

        Raises:
            Refused: OVERLOADED when all that is coming would be too much.
        """
        if self._bytes_coming + size > self._settings.bodies_bytes_max:
            raise Refused(Reason.OVERLOADED, "too much is being sent at once", retry_after_ms=_RETRY_MS)
        self._bytes_coming += size
        try:
            yield
        finally:
            self._bytes_coming -= size
