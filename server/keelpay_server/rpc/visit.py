"""One call on its way through the pipeline: what is known of it so far, and what must be given back at its end.

In: the pipeline's stages write it. Out: the ending reads it for metrics and log.
Invariant: whatever a call holds (a place, a timer, a watch) is noted here before anything can fail.
"""

import asyncio
from collections.abc import Callable

from google.protobuf.message import Message

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.refusal import Refused

from .arrival import rate_address

# By number: looking an enum's name up costs more than the rest of the stage.
_PREFIXES = tuple(f"{kind.name.lower()}:" for kind in sorted(CallerKind))


class Visit:
    """A call under way. Defaults live in the class: most calls never change them, and one is made for every call."""

    request_id: str = ""
    actor: str = ""
    """The caller as the audit trail names it; empty for anyone."""
    address: str = ""
    rate_key: str = ""
    """Whose limits the call counts against."""
    code: str = "OK"
    reason: str = ""
    request: Message | None = None
    """What was asked, once it is read; None where it is many."""
    counted: bool = False
    """It holds one of the places for calls."""
    expired: bool = False
    """The policy's time is over."""
    cut: Callable[[], None] | None = None
    """Ends it for a drain; set on watches."""
    cut_by: Refused | None = None
    """What it is told when it was ended."""
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[object] | None = None

    def __init__(self, started_us: int, metadata: dict[str, str | bytes]) -> None:
        """Begins a call at a monotonic time in microseconds."""
        self.started_us = started_us
        self.metadata = metadata

    def know(self, caller: Caller) -> None:
        """Notes who calls; an anonymous caller stays without a name and is counted by its address."""
        if caller.kind is CallerKind.ANYONE:
            self.rate_key = rate_address(self.address)
        else:
            self.actor = self.rate_key = _PREFIXES[caller.kind] + caller.subject

    def expire_after(self, seconds: float) -> None:
        """Interrupts the call after a time, unless it ended before."""
        self.task = asyncio.current_task()
        self.timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def cut_off(self, refused: Refused) -> None:
        """Interrupts the call with a refusal."""
        self.cut_by = refused
        if self.task is not None:
            self.task.cancel()

    def resume(self) -> None:
        """Takes an interruption of our own back, so that the call's last words can still be sent."""
        if self.task is not None:
            self.task.uncancel()

    def _expire(self) -> None:
        self.expired = True
        if self.task is not None:
            self.task.cancel()
