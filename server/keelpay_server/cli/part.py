"""A part of a stage: a command of ours in a process of its own, which ends with the process that started it.

In: a command. Out: where it listens. Invariant: its words are in a log file; when it does not start, its last ones are
in the failure.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from .running import RunFailed

_START_S_MAX: Final = 60.0
_STOP_S_MAX: Final = 30.0
_LOOK_S: Final = 0.05
_LAST_LINES: Final = 5
_LAST_LETTERS: Final = 2000


class PartFailed(RunFailed):
    """A part did not start, or ended by itself; the text has its last words."""


class Part:
    """A running command.

    Args:
        name: What people call it.
        log: The file of its words.
        process: The process.
    """

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self._name, self._log, self._process = name, log, process

    async def address(self) -> str:
        """Waits until it listens, and returns where.

        Raises:
            PartFailed: It ended, or does not come to listen.
        """
        until = time.monotonic() + _START_S_MAX
        while time.monotonic() < until:
            for line in self._words().splitlines():
                if line.startswith("{") and (told := json.loads(line)).get("message") == "listening":
                    return str(told["address"])
            if self._process.returncode is not None:
                break
            await asyncio.sleep(_LOOK_S)
        last = "\n".join(self._words()[-_LAST_LETTERS:].splitlines()[-_LAST_LINES:])
        raise PartFailed(f"{self._name} did not start:\n{last}")

    async def stop(self) -> None:
        """Lets it leave in an orderly way, and ends it where it does not."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_S_MAX):  # wait_for may swallow a Ctrl-C that comes as the process ends
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _words(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return text[: text.rfind("\n") + 1]


@asynccontextmanager
async def start(name: str, folder: Path, arguments: Sequence[str]) -> AsyncIterator[Part]:
    """Starts `keelpay ARGUMENTS`, and stops it at the end.

    Args:
        name: What people call it, and its log file.
        folder: Where the log file goes.
        arguments: The command, which understands --with-parent and --log.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as words:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "keelpay_server.cli", *arguments, "--with-parent", "--log", "json",
            stdin=asyncio.subprocess.PIPE, stdout=words, stderr=words, start_new_session=True, env=_environment(),
        )  # fmt: skip
    part = Part(name, log, process)
    try:
        yield part
    finally:
        await part.stop()


def _environment() -> dict[str, str]:
    """The environment without our own settings: a stage is decided by its folder alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KEELPAY_")}
