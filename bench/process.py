"""A child process of a benchmark, spoken to in lines of JSON: servers, and the client that loads them.

In: a module to run and what it is told first. Out: its answers. Invariant: a child ends when its standard input does,
so nothing outlives a benchmark, however that ends.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[1]
LINE_BYTES_MAX: Final = 64 * 1024 * 1024
STOP_S_MAX: Final = 30.0
_USER_TICKS, _SYSTEM_TICKS = 11, 12
"""Places in /proc/<pid>/stat, counted after the command (proc(5))."""


class ChildFailed(Exception):  # noqa: N818  (told to the person at the keyboard)
    """A child ended, or answered something else than JSON."""


class Child:
    """A running module: `async with Child("bench.echo", {...}) as child: await child.ask({...})`.

    Args:
        module: What to run.
        settings: Its first line.
    """

    def __init__(self, module: str, settings: Mapping[str, Any]) -> None:
        self._module, self._settings = module, dict(settings)
        self._process: asyncio.subprocess.Process
        self.ready: dict[str, Any] = {}
        """What it said when it was ready."""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, cwd=ROOT, limit=LINE_BYTES_MAX,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            self.ready = await self.ask(self._settings)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    @property
    def pid(self) -> int:
        """Its process id, for profilers."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Returns the processor time it has used so far, in seconds; 0 where the system does not tell."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / os.sysconf("SC_CLK_TCK")

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a line and returns the line that answers it.

        Raises:
            ChildFailed: There is no answer.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(question).encode() + b"\n")
        line = await stdout.readline()
        if not line:
            raise ChildFailed(f"{self._module} ended (its words are above)")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S_MAX)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def read_lines() -> asyncio.StreamReader:
    """Returns the standard input of a child; it ends when the benchmark does."""
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def answer(values: Mapping[str, Any]) -> None:
    """Writes one line to whoever asked."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def serve(run: Callable[[dict[str, Any], Callable[[Mapping[str, Any]], Awaitable[None]]], Awaitable[None]]) -> None:
    """Runs a server as a child.

    Args:
        run: Takes the settings and a function that tells where it listens and returns when it has to stop.
    """

    async def main() -> None:
        lines = await read_lines()
        settings: dict[str, Any] = json.loads(await lines.readline())

        async def until_stopped(ready: Mapping[str, Any]) -> None:
            answer(ready)
            await lines.read()

        await run(settings, until_stopped)

    asyncio.run(main())
