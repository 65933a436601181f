"""When a process has to leave: SIGTERM or SIGINT, or the end of whoever started it.

In: signals. Out: one event. Invariant: the first signal lets what is under way finish; a SIGINT after it ends the
process at once, which loses nothing that was acknowledged.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from typing import Final

from .logs import Voice

INTERRUPTED: Final = 130
_READ_BYTES: Final = 1024


class Leaving:
    """Waits for the word to leave.

    Args:
        voice: Tells that it was heard.
        with_parent: Leave too when standard input ends, as it does when the process that holds it ends.
    """

    def __init__(self, voice: Voice, *, with_parent: bool = False) -> None:
        self._voice = voice
        self._told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._hear, number)
        if with_parent:
            # A thread, since not everything that can be a standard input can be polled.
            threading.Thread(target=self._read, args=(loop,), name="parent", daemon=True).start()

    async def wait(self) -> None:
        """Returns when it is time to leave."""
        await self._told.wait()

    def _hear(self, number: signal.Signals) -> None:
        if self._told.is_set() and number is signal.SIGINT:
            self._voice.announce("stopped at once")
            os._exit(INTERRUPTED)
        if not self._told.is_set():
            hint = "press Ctrl-C again to stop at once" if number is signal.SIGINT else "finishing what was accepted"
            self._voice.announce("leaving", because=number.name, hint=hint)
        self._told.set()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        while os.read(sys.stdin.fileno(), _READ_BYTES):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(self._told.set)
