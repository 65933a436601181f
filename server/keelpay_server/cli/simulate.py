"""`keelpay simulate`: days of payments in minutes, against an installation of its own or one that runs.

In: a file of transactions or a seed. Out: a report and an exit code. Invariant: simulated people are clients like all
others; a report with anything unexplained is a failure.
"""

import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .running import FOUND_WRONG, WRONG_SETTINGS, fail, playing, run

if TYPE_CHECKING:
    from rich.console import Console

    from keelpay_clients.connection import Connection
    from keelpay_clients.simulation import Options

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def traffic_options(days: int, payments: int) -> Callable[[Command], Command]:
    """Returns the options that choose what is simulated, with these defaults."""

    def add(command: Command) -> Command:
        for option in (
            click.option("--seed", type=int, default=1, show_default=True, help="Decides all that is drawn by chance."),
            click.option("--merchants", type=click.IntRange(1), default=60, show_default=True, metavar="N",
                         help="At most so many; few payments need fewer."),
            click.option("--payments", type=click.IntRange(1), default=payments, show_default=True, metavar="N"),
            click.option("--days", type=click.IntRange(1, 60), default=days, show_default=True, metavar="N"),
            click.option(
                "--file", type=_FILE, envvar="KEELPAY_TRANSACTIONS",
                help="Transactions to replay, .csv.gz or .parquet with the columns of the Fraud Detection Handbook "
                "(also KEELPAY_TRANSACTIONS); without one they are made up from the seed.",
            ),
        ):  # fmt: skip
            command = option(command)
        return command

    return add


@click.command()
@traffic_options(days=3, payments=2000)
@click.option("--address", metavar="HOST:PORT", help="A running test server, instead of one of its own.")
@click.option("--credentials", type=_FILE, multiple=True, metavar="FILE",
              help="With --address: key files of one partner and of two operators.")  # fmt: skip
def simulate(
    file: Path | None, days: int, payments: int, merchants: int, seed: int, address: str | None,
    credentials: tuple[Path, ...],
) -> None:  # fmt: skip
    """Replay days of payments in minutes, and report what came of them.

    Merchants, people, passkeys and mandates are made; payments arrive as the clock of the installation is moved;
    some are declined, stepped up, reviewed, refunded; windows close, merchants are paid out, statements are matched.
    The report adds up both sides of everything that is known twice. Exit code 1 if anything is left unexplained.

    Without --address it starts a server and three sandbox banks in a folder of its own, and removes them at the end.
    With it a test installation is played with as it stands: its sandbox banks, inside the server or beside it, go along
    with its clock, which cannot be moved back.

    \b
    Examples:
      keelpay simulate
      keelpay simulate --file transactions.csv.gz --days 7 --payments 20000
    \b
    With a server of yours (on SQLite clients are admitted before it starts):
      keelpay keys admit partner shop
      keelpay keys admit operator ann
      keelpay keys admit operator ben
      keelpay serve &
      keelpay simulate --address 127.0.0.1:8443 --credentials partner-shop.pem \\
          --credentials operator-ann.pem --credentials operator-ben.pem
    """
    from rich.console import Console

    from keelpay_clients.simulation import Options

    options = Options(traffic=file, days=days, payments=payments, merchants=merchants, seed=seed)
    if not run(_simulate(options, address, credentials, Console())):
        raise SystemExit(FOUND_WRONG)


async def _simulate(options: "Options", address: str | None, credentials: tuple[Path, ...], out: "Console") -> bool:
    from keelpay_clients.simulation import run_simulation

    from .stage import open_stage

    async with AsyncExitStack() as stack:
        stack.enter_context(playing())
        if address is not None:
            connection = running(address, credentials)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="keelpay-"))
            with out.status("starting a server and three sandbox banks"):
                connection = await stack.enter_async_context(open_stage(Path(folder)))
        return (await run_simulation(connection, options, out)).ok


def running(address: str, credentials: tuple[Path, ...]) -> "Connection":
    """Returns a connection to an installation that runs, or ends the process with what is missing."""
    from keelpay_clients.connection import Connection
    from keelpay_clients.key_file import KeyFileError, read_key

    try:
        held = [read_key(path) for path in credentials]
    except KeyFileError as error:
        fail(WRONG_SETTINGS, str(error))
    partners = [each for each in held if each.key.holder.startswith("partners/")]
    operators = [each for each in held if each.key.holder.startswith("operators/")]
    if len(partners) != 1 or len(operators) != 2:  # noqa: PLR2004  (one proposes, one approves)
        fail(
            WRONG_SETTINGS, "--address needs --credentials of one partner and of two operators",
            "keelpay keys admit partner shop; keelpay keys admit operator ann; keelpay keys admit operator ben",
        )  # fmt: skip
    return Connection(
        target=address, audience=partners[0].audience, partner=partners[0].key,
        operators=(operators[0].key, operators[1].key),
    )  # fmt: skip
