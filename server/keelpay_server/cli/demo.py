"""`keelpay demo`: the whole product in a few minutes: the story of one payment, a short simulation, the books.

In: nothing. Out: text, and an exit code that says whether the books were right. Invariant: it leaves nothing running,
and no file unless a folder is named; before that, a person at the terminal may pay with their own finger.
"""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .running import FOUND_WRONG, playing, run
from .simulate import traffic_options

if TYPE_CHECKING:
    from rich.console import Console

    from keelpay_clients.connection import Connection
    from keelpay_clients.simulation import Options


@click.command()
@traffic_options(days=2, payments=300)
@click.option("--story-only", is_flag=True, help="Tell the one payment, simulate nothing.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Keep database, settings and logs in this new folder.")  # fmt: skip
@click.option("--stay/--leave", default=None, help="At the end, wait until you have paid with your own finger, or "
              "press Enter.  [default: stay at a terminal]")  # fmt: skip
def demo(
    file: Path | None, days: int, payments: int, merchants: int, seed: int, keep: Path | None, *, story_only: bool,
    stay: bool | None,
) -> None:  # fmt: skip
    """Show the whole product: one payment told step by step, a short simulation, then the books.

    Starts a server on SQLite and three sandbox banks, each a process of its own on this machine, and talks to them as
    any client would. It ends with links to pages where you enrol and pay with your own finger or face; then all of it
    is gone, and its files with it.

    \b
    Examples:
      keelpay demo
      keelpay demo --story-only
      keelpay demo --keep ./look --payments 1000     then: keelpay serve --config look/keelpay.toml
    """
    from rich.console import Console

    from keelpay_clients.simulation import Options

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty: name a new folder")
    options = None
    if not story_only:
        options = Options(traffic=file, days=days, payments=payments, merchants=merchants, seed=seed)
    if stay is None:
        stay = sys.stdin.isatty() and sys.stdout.isatty()
    if not run(_demo(options, keep, Console(), stay=stay)):
        raise SystemExit(FOUND_WRONG)


async def _demo(options: "Options | None", keep: Path | None, out: "Console", *, stay: bool) -> bool:
    from .stage import settings_of
    from .verify import prove

    with tempfile.TemporaryDirectory(prefix="keelpay-") as temporary:
        folder = keep or Path(temporary)
        make_folder(folder)
        ok = await _play(options, folder, out, stay=stay)
        out.rule("The books, read by another program now that the server has left")
        ok = await prove(settings_of(folder), out) and ok
    if keep is not None:
        out.print(f"database, settings and logs are in {keep}", highlight=False)
    next_words = "keelpay serve, and beside it keelpay try for fresh links; each tells more with --help."
    out.print(f"[dim]Next: {next_words}[/]", highlight=False, soft_wrap=True)
    return ok


async def _play(options: "Options | None", folder: Path, out: "Console", *, stay: bool) -> bool:
    """Tells the story, simulates, and lets a person pay; returns whether what ran by itself ended well."""
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
        out.rule("Your turn: pay with your own finger or face")
        await _hand_over(connection, out, stay=stay)
        return ok


async def _hand_over(connection: "Connection", out: "Console", *, stay: bool) -> None:
    """Prints the links to the pages; where somebody is there, waits until they have paid or press Enter."""
    from keelpay_clients.key_file import HeldKey
    from keelpay_clients.trial import run_trial

    held = HeldKey(connection.partner, connection.audience)
    trial = run_trial(connection.target, held, out, links_only=not stay, way_out="Enter")
    if not stay:
        await trial
        out.print("[dim]These answer while the demo runs: with --stay it waits for you.[/]", highlight=False)
        return
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), pressed.set)
    both = asyncio.ensure_future(trial), asyncio.ensure_future(pressed.wait())
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if both[0].done():
            await both[0]
    finally:
        loop.remove_reader(sys.stdin.fileno())
        for each in both:
            each.cancel()
        await asyncio.gather(*both, return_exceptions=True)


def make_folder(folder: Path) -> None:
    """Makes a folder that only its owner may enter: keys lie in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
