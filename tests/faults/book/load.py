"""Load on one book, by number: the same number is the same request in every process and after every restart.

In: a database, a name, a seed, a file for acknowledgements. Out: one line there for each answer that must stand.
Invariant: a line is written only after the engine has answered.

`python -m tests.faults.book.load URL NAME SEED FILE FIRST` sends until SIGTERM, then drains and ends with 0.
"""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from keelpay_server.book.changes import WALL, Changes, Event, Outcome, Work
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.world import World
from tests.infrastructure.books import open_engine
from tests.integration.book.things import MakeThing, OpenAccounts, RefuseThing, Thing, asked

LEASE_US = 400_000
"""Short, so that the work of a dead process is done within a short test."""
FUNDS = 1_000_000
CALLERS = 24
ROUND = 480
"""Numbers a round; the next begins when all of this one are answered."""


class Acknowledged(NamedTuple):
    """An answer that must stand."""

    number: int
    body: bytes
    answer: str
    """The key of what was made, or ! and the reason of a remembered refusal."""

    def line(self) -> str:
        """One line of the file."""
        return f"{self.number} {self.body.hex()} {self.answer}\n"


Note = Callable[[Acknowledged], object]
"""Keeps an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWithWork(MakeThing):
    """A thing that is touched once, later, by work."""

    def decide(self, world: World) -> Changes:
        changes = MakeThing.decide(self, world)
        thing = changes.row
        return changes._replace(work=(Work(thing.id, "touch", thing.id, WALL, world.wall_us + thing.id[-1] * 500),))


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchOnce(Command):
    """What the work ends in; done twice it changes nothing."""

    thing: bytes

    def needs(self, need: Need) -> None:
        need.row(Thing, self.thing)
        need.row(Work, self.thing)

    def decide(self, world: World) -> Changes:
        if world.get(Work, self.thing) is None:
            return Changes()
        thing = world.require(Thing, self.thing)
        thing = thing._replace(touches=thing.touches + 1)
        return Changes(thing, events=(Event("thing.touched", "thg", thing.id, 1, "cafe", {}),), done=(thing.id,))


def command(number: int, body: bytes = b"body") -> Command:
    """The request of a number."""
    draw = random.Random(number)
    request, kind = asked(number, body), draw.random()
    if kind < 0.04:
        return RefuseThing(request=request)
    if kind < 0.05:
        return MakeThing(request=request, name=1 << 70)  # type: ignore[arg-type]  # cannot be saved
    if kind < 0.25:
        return MakeWithWork(request=request, amount=draw.randrange(1, 30))
    return MakeThing(request=request, amount=draw.randrange(30), name="x" * draw.randrange(200))


def said(outcome: Outcome) -> str | None:
    """What an outcome says for ever, or None for one that promises nothing."""
    if outcome.refusal is None:
        return outcome.key.hex() if isinstance(outcome.key, bytes) else outcome.key
    return f"!{outcome.refusal.reason.name}" if outcome.refusal.reason.stored else None


@asynccontextmanager
async def loaded_engine(url: str, process: str) -> AsyncIterator[Engine]:
    """An engine that does the load's later work."""

    async def touch(tasks: list[Work], look: Callable[[type, bytes], object]) -> None:
        await engine.execute_many([TouchOnce(thing=task.subject) for task in tasks])

    async with open_engine(url, process=process, handlers={"touch": touch}, lease_us=LEASE_US) as engine:
        yield engine


async def open_accounts(url: str) -> None:
    """Makes the book ready for the load."""
    async with open_engine(url) as engine:
        await engine.execute(OpenAccounts(funds=FUNDS))


async def send(engine: Engine, numbers: Sequence[int], note: Note, draw: random.Random, told: Counter[Reason]) -> None:
    """Sends the requests of some numbers, one by one or some together, some of them twice, and notes the answers."""
    at = 0
    while at < len(numbers):
        part = list(numbers[at : at + draw.choice((1, 1, 3, 9))])
        at += len(part)
        part += part[: draw.randrange(2)]
        bodies = [b"body" if draw.random() > 0.02 else b"other" for _ in part]
        outcomes = await engine.execute_many([command(n, body) for n, body in zip(part, bodies, strict=True)])
        for number, body, outcome in zip(part, bodies, outcomes, strict=True):
            if (answer := said(outcome)) is not None:
                note(Acknowledged(number, body, answer))
            elif outcome.refusal is not None:
                told[outcome.refusal.reason] += 1


async def drive(engine: Engine, seed: int, note: Note, stop: asyncio.Event, first: int = 0) -> Counter[Reason]:
    """Sends round after round from many callers until it is told to stop; returns the refusals that promise nothing."""
    draw, told = random.Random(seed), Counter[Reason]()
    while not stop.is_set():
        numbers = list(range(first, first + ROUND))
        draw.shuffle(numbers)
        callers = [send(engine, numbers[at::CALLERS], note, draw, told) for at in range(CALLERS)]
        await asyncio.gather(*callers)
        first += ROUND
    return told


async def main(url: str, name: str, seed: int, note: Note, first: int) -> None:
    """Sends until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with loaded_engine(url, name) as engine:
        await drive(engine, seed, note, stop, first)


if __name__ == "__main__":
    with Path(sys.argv[4]).open("a", buffering=1) as file:
        asyncio.run(
            main(sys.argv[1], sys.argv[2], int(sys.argv[3]), lambda told: file.write(told.line()), int(sys.argv[5]))
        )
