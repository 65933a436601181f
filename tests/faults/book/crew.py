"""Processes under load that are killed or stand still at random moments, and the proof of what they have promised.

In: a database, names, a seed. Out: kills, stalls, and the acknowledgements that the dead and the living wrote.
Invariant: what was started is ended; a process is killed only when it is at work.
"""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from tests.faults.book.load import ROUND, Acknowledged, MakeWithWork, command
from tests.infrastructure.book_audit import audit, everything
from tests.infrastructure.sources import ROOT
from tests.integration.book.things import Thing, asked

START_S_MAX = 60.0
END_S_MAX = 60.0


class Crew:
    """Load processes on one database: `with Crew(...) as crew: crew.run(seconds)`."""

    def __init__(self, url: str, names: list[str], seed: int, folder: Path) -> None:
        self.url, self.names, self.folder = url, names, folder
        self.draw = random.Random(seed)
        self.kills = self.stalls = self.starts = 0
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._files: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def run(self, seconds: float, *, stall_s: float = 0.0) -> None:
        """Strikes one after the other, and lets them finish at the end.

        Args:
            seconds: How long, at least; there is one blow for each of them.
            stall_s: How long a struck one stands still before it goes on; 0 kills it and starts it again.
        """
        for name in self.names:
            self._start(name)
        end = time.monotonic() + seconds
        while time.monotonic() < end or self.kills + self.stalls < len(self.names):
            name = self.draw.choice(self.names)
            self._await_work(name)
            time.sleep(self.draw.random() * 0.6)
            if stall_s:
                self._stall(name, stall_s)
            else:
                self._kill(name)
        for name in self.names:
            self._await_work(name)
            self._processes[name].send_signal(signal.SIGTERM)
        for name in self.names:
            assert self._processes[name].wait(END_S_MAX) == 0, self._log(name).read_text()[-3000:]

    def acknowledged(self) -> list[Acknowledged]:
        """Everything that was promised; the last line of a killed process may be cut short."""
        found = []
        for path in self.folder.glob("*.acknowledged"):
            for line in path.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    number, body, answer = line.split()
                    found.append(Acknowledged(int(number), bytes.fromhex(body), answer))
        return found

    def _kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait()
        self.kills += 1
        self._start(name)

    def _stall(self, name: str, seconds: float) -> None:
        self._processes[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._processes[name].send_signal(signal.SIGCONT)
        self.stalls += 1

    def _start(self, name: str) -> None:
        # Each life begins some rounds back: it sends again what an earlier one may have been answered.
        reached = max((answer.number for answer in self.acknowledged()), default=0)
        first = max(0, reached // ROUND - 3) * ROUND
        self.starts += 1
        life = f"{name}-{self.starts}"
        self._files[name] = self.folder / f"{life}.acknowledged"
        self._files[name].touch()
        arguments = [self.url, life, str(self.draw.randrange(1 << 30)), str(self._files[name]), str(first)]
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.book.load", *arguments], cwd=ROOT, stdout=log, stderr=log
            )

    def _await_work(self, name: str) -> None:
        """Waits until the process has been answered something since now."""
        size, end = self._files[name].stat().st_size, time.monotonic() + START_S_MAX
        while self._files[name].stat().st_size == size:
            assert self._processes[name].poll() is None, self._log(name).read_text()[-3000:]
            assert time.monotonic() < end, f"{name} was answered nothing for {START_S_MAX} s"
            time.sleep(0.01)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


async def finish_work(engine: Engine) -> None:
    """Waits until the work of the dead is done: their leases end, and this process claims it."""
    async with asyncio.timeout(30):
        while await engine.reader.count(Work, {}):  # noqa: ASYNC110  (a database has no event to wait for)
            await asyncio.sleep(0.05)


class Proof(NamedTuple):
    """What was proved."""

    requests: int
    """Remembered in the book."""
    acknowledged: int
    """Answered at least once; none of them lost, doubled or told two ways."""
    answers: int
    """Answers in all."""
    unknown: int
    """Sent and never answered, but done: once each."""


async def prove(engine: Engine, answers: list[Acknowledged], others: Sequence[bytes] = ()) -> Proof:
    """Asserts the promise: what was acknowledged is there once, everything else at most once, and all sums are right.

    Args:
        engine: Of the book, when all its work is done.
        answers: What was acknowledged.
        others: Keys of requests that were sent beside the load, and made things.
    """
    told: dict[int, Acknowledged] = {}
    for answer in answers:
        assert told.setdefault(answer.number, answer) == answer, "one id had two answers"
    held = await audit(engine.reader)
    things = {thing.id: thing for thing in await everything(engine.reader, Thing)}
    keys = {}
    for number in range(max(told, default=0) + 2 * ROUND):
        row = held.requests.get(asked(number).key)
        if row is not None:
            keys[row.id] = number
        answer = told.get(number)
        if answer is None:
            continue
        assert row is not None, f"request {number} was acknowledged and is lost"
        assert row.body_hash == asked(number, answer.body).body_hash, f"request {number} has another body"
        assert answer.answer == (f"!{row.reason}" if row.reason else row.entity.hex()), f"request {number} changed"
    assert keys.keys() | set(others) == held.requests.keys()
    made = [row.entity for row in held.requests.values() if not row.reason]
    assert len(made) == len(set(made)) == len(things)
    assert set(made) == things.keys(), "things and the requests that made them differ"
    assert await engine.reader.count(Work, {}) == 0
    for row in held.requests.values():
        if not row.reason and row.id in keys:
            touches = int(isinstance(command(keys[row.id]), MakeWithWork))
            assert things[row.entity].touches == touches, "its work was done twice or never"
    return Proof(len(held.requests), len(told), len(answers), len(held.requests) - len(told))
