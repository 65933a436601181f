"""How much one caller, and all together, may ask at once: call rates, calls in flight, open watches.

In: the caller's key and a monotonic time in microseconds. Out: nothing, or a refusal with the time to wait.
Invariant: memory is bounded whatever the callers do; a forgotten caller is only ever treated too kindly.
"""

from collections.abc import Hashable

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import MINUTE_US

_US_PER_MS = 1_000


class RateLimit:
    """A token bucket a caller for one RPC, kept as one number each.

    The bucket holds a minute's worth of calls and refills evenly. Only the time at which it will be full again is
    kept (the generic cell rate algorithm, ITU-T I.371): a time in the past is the same as no entry.
    """

    __slots__ = ("_callers_max", "_full_at_us", "_interval_us", "_tolerance_us")

    def __init__(self, rate_per_minute: int, callers_max: int) -> None:
        """Makes the buckets of one RPC.

        Args:
            rate_per_minute: Calls a caller may make in a minute; at least 1.
            callers_max: Callers remembered at once; at least 1.
        """
        self._interval_us = MINUTE_US // rate_per_minute
        self._tolerance_us = self._interval_us * (rate_per_minute - 1)
        self._callers_max = callers_max
        self._full_at_us: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """Callers remembered now."""
        return len(self._full_at_us)

    def take(self, key: Hashable, now_us: int) -> None:
        """Takes one token.

        Args:
            key: Whose bucket.
            now_us: A monotonic time in microseconds.

        Raises:
            Refused: RATE_LIMITED, with the time after which the next token is there.
        """
        full_at_us = self._full_at_us.get(key)
        if full_at_us is None:
            if len(self._full_at_us) >= self._callers_max:
                self._forget(now_us)
            full_at_us = now_us
        elif full_at_us < now_us:
            full_at_us = now_us
        wait_us = full_at_us - now_us - self._tolerance_us
        if wait_us > 0:
            retry_after_ms = -(-wait_us // _US_PER_MS)
            raise Refused(Reason.RATE_LIMITED, "too many calls of this method", retry_after_ms=retry_after_ms)
        self._full_at_us[key] = full_at_us + self._interval_us

    def _forget(self, now_us: int) -> None:
        """Makes room: first full buckets, which say nothing; if that is not enough, the half known longest."""
        kept = {key: at for key, at in self._full_at_us.items() if at > now_us}
        if len(kept) >= self._callers_max:
            kept = dict(list(kept.items())[self._callers_max // 2 + 1 :])
        self._full_at_us = kept


class Load:
    """Calls in flight: short ones against one limit, watches against another and against a share a caller.

    A watch may stay open for hours. Counted together with payments, idle watchers would starve them, or a limit wide
    enough for watchers would let payments pile up far past the machine's capacity.
    """

    __slots__ = (
        "_per_caller",
        "calls",
        "calls_max",
        "retry_after_ms",
        "watches",
        "watches_max",
        "watches_per_caller_max",
    )

    def __init__(self, calls_max: int, watches_max: int, watches_per_caller_max: int, retry_after_ms: int) -> None:
        """Starts with nothing in flight.

        Args:
            calls_max: Calls served at once, watches aside.
            watches_max: Watches open at once.
            watches_per_caller_max: Watches one caller may have open.
            retry_after_ms: What a refused caller is told to wait.
        """
        self.calls = 0
        self.watches = 0
        self.calls_max = calls_max
        self.watches_max = watches_max
        self.watches_per_caller_max = watches_per_caller_max
        self.retry_after_ms = retry_after_ms
        self._per_caller: dict[Hashable, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether all places for calls are taken."""
        return self.calls >= self.calls_max

    def refusal(self) -> Refused:
        """What the excess is told."""
        return Refused(Reason.OVERLOADED, "the server is at its limit", retry_after_ms=self.retry_after_ms)

    def enter(self) -> None:
        """Counts one call in; `leave` must follow.

        Raises:
            Refused: OVERLOADED; nothing was counted.
        """
        if self.is_full:
            raise self.refusal()
        self.calls += 1

    def leave(self) -> None:
        """Counts one call out."""
        self.calls -= 1

    def open_watch(self, key: Hashable) -> None:
        """Counts one watch of a caller in; `close_watch` must follow.

        Raises:
            Refused: OVERLOADED when all places are taken, RATE_LIMITED when this caller has its share; nothing was
                counted.
        """
        if self.watches >= self.watches_max:
            raise Refused(Reason.OVERLOADED, "all places for watches are taken", retry_after_ms=self.retry_after_ms)
        own = self._per_caller.get(key, 0)
        if own >= self.watches_per_caller_max:
            message = f"one caller may hold {self.watches_per_caller_max} watches open"
            raise Refused(Reason.RATE_LIMITED, message, retry_after_ms=self.retry_after_ms)
        self._per_caller[key] = own + 1
        self.watches += 1

    def close_watch(self, key: Hashable) -> None:
        """Counts one watch of a caller out."""
        self.watches -= 1
        own = self._per_caller[key] - 1
        if own:
            self._per_caller[key] = own
        else:
            del self._per_caller[key]
