"""Pruning: forgets once a day what is past its keeping time, a few rows at a time, and never the journal.

In: rules, one a kind of row. Out: fewer rows. Invariant: a row goes only if it fulfils its rule in the moment it goes;
what a remembered request speaks of outlives the request, for requests go first and are kept for the shortest time.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Final, NamedTuple

from .changes import WALL, Changes, Work
from .command import Command
from .engine import Engine
from .need import Need
from .ports import Page
from .times import DAY_US
from .worker import Handler, Look
from .world import World

PRUNE: Final = "book.prune"
ROWS_A_STEP: Final = 500
PAUSE_S: Final = 0.05
"""Between two steps, so that whoever pays hardly notices."""
_KEY: Final = blake2b(PRUNE.encode(), digest_size=16).digest()
_log = logging.getLogger("keelpay.pruning")
Where = Mapping[str, object]
"""As in `ports.Reader.find`: equals, one of, or with `__lt` before."""


class Keeping(NamedTuple):
    """How long one kind of row is kept.

    Attributes:
        entity: The kind.
        order: The column to walk it by: one with an index, and rows are met in its order.
        days: For how long.
        past: What is past it, for the moment (wall clock, microseconds) that lies so many days back.
    """

    entity: type
    order: str
    days: int
    past: Callable[[int], Where]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePruning(Command):
    """Sets when is pruned next.

    Attributes:
        first: The process starts: a time that is set already stays.
    """

    first: bool

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The work row."""
        need.row(Work, _KEY)

    def decide(self, world: World) -> Changes:
        """Sets it: at once the first time, else a day later."""
        if not self.first:
            return Changes(work=(Work(_KEY, PRUNE, b"", WALL, world.wall_us + DAY_US),))
        if world.get(Work, _KEY) is not None:
            return Changes()
        return Changes(work=(Work(_KEY, PRUNE, b"", WALL, world.wall_us),))


class Pruning:
    """Prunes one book.

    Args:
        engine: The book.
        rules: In the order they are followed.
    """

    def __init__(self, engine: Engine, rules: Sequence[Keeping]) -> None:
        self._engine, self._rules = engine, rules

    def handlers(self) -> dict[str, Handler]:
        """Returns the handler by its kind of work."""
        return {PRUNE: self.handle}

    async def begin(self) -> None:
        """Schedules it, unless that was done before."""
        await self._engine.execute(SchedulePruning(first=True))

    async def handle(self, _tasks: list[Work], _look: Look) -> None:
        """Does all of it; a process that ends on the way leaves the rest to whoever claims the work next."""
        for rule in self._rules:
            count = await self._prune(rule)
            if count:
                _log.info("%d rows of %s were past their %d days", count, rule.entity.__name__, rule.days)
        await self._engine.execute(SchedulePruning(first=False))

    async def _prune(self, rule: Keeping) -> int:
        where = rule.past(self._engine.wall() - rule.days * DAY_US)
        count, after = 0, None
        while True:
            page = Page(ROWS_A_STEP, after, order=rule.order)
            rows: list[Any] = await self._engine.reader.find(rule.entity, where, page)
            if rows:
                count += await self._engine.store.prune(rule.entity, [row.id for row in rows], where)
            if len(rows) < ROWS_A_STEP:
                return count
            after = (getattr(rows[-1], rule.order), rows[-1].id)
            await asyncio.sleep(PAUSE_S)
