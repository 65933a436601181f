"""The state of a drain: what new and open calls are told while the process is leaving.

In: `begin` and `end_watches` by the server. Out: refusals in the pipeline; `wait` for servicers that end by themselves.
Invariant: no call that was let in is cut in the middle of a change; only watches are ended, with DRAINING.
"""

import asyncio
from collections.abc import Callable

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused


class Drain:
    """Serving, then draining; there is no way back."""

    def __init__(self, retry_after_ms: int) -> None:
        """Starts as serving.

        Args:
            retry_after_ms: What refused callers are told to wait; another process is there at once.
        """
        self._begun = asyncio.Event()
        self._retry_after_ms = retry_after_ms
        self._watches: set[Callable[[], None]] = set()
        self.refusing = False

    def begin(self) -> None:
        """From now on changing calls are refused, and open request streams take no further message."""
        self.refusing = True
        self._begun.set()

    async def wait(self) -> None:
        """Returns when the drain begins, for watches that want to end with a last cursor of their own."""
        await self._begun.wait()

    def refusal(self) -> Refused:
        """What a caller is told."""
        message = "this server process is leaving; call again and another one answers"
        return Refused(Reason.DRAINING, message, retry_after_ms=self._retry_after_ms)

    def hold(self, cut: Callable[[], None]) -> None:
        """Registers how to end a watch."""
        self._watches.add(cut)

    def release(self, cut: Callable[[], None]) -> None:
        """Forgets a watch that has ended."""
        self._watches.discard(cut)

    def end_watches(self) -> None:
        """Ends every watch that is still open."""
        for cut in tuple(self._watches):
            cut()
