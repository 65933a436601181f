"""`keelpay demo`: the whole product in a few minutes: the story of one payment, a short simulation, the books.

In: nothing. Out: text, and an exit code that says whether the books were right. Invariant: it leaves nothing running,
and no file unless a folder is named; before it leaves, a person at the terminal may pay with their own finger.
"""

import asyncio
import os
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from .running import FOUND_WRONG, at_terminal, command_words, playing, run
from .simulate import traffic_options
from .verify import prove

if TYPE_CHECKING:
    from rich.console import Console

    from keelpay_clients.simulation import Options

LINE_BYTES: Final = 4_096
CLOSED: Final = -1


@click.command()
@traffic_options(days=2, payments=300)
@click.option("--story-only", is_flag=True, help="Tell the one payment, simulate nothing.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Keep database, settings and logs in this new folder.")  # fmt: skip
@click.option("--stay/--leave", default=None, help="At the end, show links to pay by with your own finger, and wait "
              "until you press Enter.  [default: stay at a terminal]")  # fmt: skip
def demo(
    file: Path | None, days: int, payments: int, merchants: int, seed: int, keep: Path | None, *, story_only: bool,
    stay: bool | None,
) -> None:  # fmt: skip
    """Show the whole product: one payment told step by step, a short simulation, then the books.

    Starts a server on SQLite and three sandbox banks, each a process of its own on this machine, and talks to them as
    any client would. At a terminal, or with --stay, it ends with links to pages where you enrol and pay with your own
    finger or face, and waits until you press Enter; then all of it is gone, and its files with it.

    \b
    Examples:
      keelpay demo
      keelpay demo --story-only --stay
      keelpay demo --keep ./look --payments 1000
        then: keelpay serve --config look/keelpay.toml
        and:  keelpay try --credential look/demo.pem
    """
    from rich.console import Console

    from keelpay_clients.simulation import Options

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty: name a new folder")
    options = None
    if not story_only:
        options = Options(traffic=file, days=days, payments=payments, merchants=merchants, seed=seed)
    if stay is None:
        stay = at_terminal()
    if not run(_demo(options, keep, Console(), stay=stay)):
        raise SystemExit(FOUND_WRONG)


async def _demo(options: "Options | None", keep: Path | None, out: "Console", *, stay: bool) -> bool:
    from .stage import settings_of

    with tempfile.TemporaryDirectory(prefix="keelpay-") as temporary:
        folder = keep or Path(temporary)
        make_folder(folder)
        ok = await _play(options, folder, out)
        out.rule("The books, read by another program now that the server has left")
        ok = await prove(settings_of(folder), out) and ok
    out.rule("Your turn: pay with your own finger or face")
    if stay:
        await _hand_over(out)
    else:
        out.print("At a terminal, or with --stay, the demo now shows links to pay by and waits for you.")
    out.print(f"[dim]Next: {_next(keep)}[/]", highlight=False, soft_wrap=True)
    return ok


def _next(keep: Path | None) -> str:
    """What to do afterwards, in words that this shell understands; a kept folder is served as it lies."""
    command = command_words()
    if keep is None:
        return f"{command} serve, and beside it {command} try for fresh links; each tells more with --help."
    words = f"{command} serve --config {keep / 'keelpay.toml'}, and beside it {command} try --credential"
    return f"database, settings and logs are in {keep}: {words} {keep / 'demo.pem'}"


async def _play(options: "Options | None", folder: Path, out: "Console") -> bool:
    """Tells the story and simulates; returns whether it ended well."""
    from keelpay_clients.simulation import run_simulation
    from keelpay_clients.story import run_story

    from .stage import open_stage

    async with AsyncExitStack() as stack:
        stack.enter_context(playing())
        with out.status("starting a server and three sandbox banks"):
            connection = await stack.enter_async_context(open_stage(folder))
        ok = await run_story(connection, out)
        if options is not None:
            out.rule(f"{options.payments:,} payments in {options.days} days")
            ok = (await run_simulation(connection, options, out)).ok and ok
        return ok


async def _hand_over(out: "Console") -> None:
    """Lets a person pay, on a fresh server: the other one's clock is days ahead by now."""
    from keelpay_clients.key_file import read_key
    from keelpay_clients.trial import run_trial

    from .stage import open_counter

    async with AsyncExitStack() as stack:
        stack.enter_context(playing())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="keelpay-"))
        with out.status("starting a fresh server"):
            address, credential = await stack.enter_async_context(open_counter(Path(folder)))
        keyboard = stack.enter_context(listening())
        way_out = "Ctrl-C" if keyboard.over.is_set() else "Enter"
        await run_trial(
            address, read_key(credential), out, links_only=False, enough=keyboard.enter, way_out=way_out, lasting=False
        )
        if not keyboard.over.is_set():
            with out.status("the receipt and your devices are there to look at; Enter ends the demo"):
                await keyboard.over.wait()


class Keyboard(NamedTuple):
    """Who sits at the terminal.

    Attributes:
        enter: Set when somebody presses Enter.
        over: Set then too, and where there is no key to press: with `</dev/null`, with `&`, or when the other end was
            closed.
    """

    enter: asyncio.Event
    over: asyncio.Event


@contextmanager
def listening() -> Iterator[Keyboard]:
    """Listens to standard input; what was typed before, while the demo was at work, is forgotten."""
    loop, keyboard = asyncio.get_running_loop(), Keyboard(asyncio.Event(), asyncio.Event())

    def read() -> None:
        if os.read(keys, LINE_BYTES):
            keyboard.enter.set()
        else:
            loop.remove_reader(keys)
        keyboard.over.set()

    try:
        keys = sys.stdin.fileno() if sys.stdin else CLOSED
        if os.isatty(keys):
            _forget_typed(keys)
        loop.add_reader(keys, read)
    except (OSError, ValueError):  # a file, or closed, or the shell's
        keyboard.over.set()
        yield keyboard
        return
    try:
        yield keyboard
    finally:
        loop.remove_reader(keys)


def _forget_typed(terminal: int) -> None:
    """Empties the terminal's queue.

    Raises:
        BlockingIOError: We are in the background: who touches the terminal then is stopped by it.
    """
    try:
        in_front = os.tcgetpgrp(terminal)
    except OSError:  # not the terminal that we were started from: it stops nobody
        in_front = os.getpgrp()
    if in_front != os.getpgrp():
        raise BlockingIOError
    termios.tcflush(terminal, termios.TCIFLUSH)


def make_folder(folder: Path) -> None:
    """Makes a folder that only its owner may enter: keys lie in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
