"""Progress: how far a run has come, as bars on a terminal and as plain lines everywhere else.

In: steps with a number of parts. Out: something to look at. Invariant: nothing depends on it; a console that is no
terminal gets one line a step, so that a log stays readable.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

Advance = Callable[[], None]


class Progress:
    """Shows steps.

    Args:
        out: Where.
    """

    def __init__(self, out: Console) -> None:
        self._out = out

    @contextmanager
    def step(self, title: str, count: int) -> Iterator[Advance]:
        """Shows one step while the block lasts.

        Args:
            title: What it is.
            count: Of how many parts.
        """
        begin = time.monotonic()
        if self._out.is_terminal:
            columns = (
                TextColumn("{task.description:<34}"), BarColumn(bar_width=22), MofNCompleteColumn(),
                TimeElapsedColumn(),
            )  # fmt: skip
            with Bars(*columns, console=self._out) as bars:
                task = bars.add_task(title, total=count)
                yield lambda: bars.advance(task)
            return
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1

        yield advance
        self._out.print(f"{title:<34} {done:>6,} of {count:,}  {time.monotonic() - begin:.1f} s", highlight=False)
