"""`keelpay try`: set up your own finger or face on a test server that runs, and pay with it.

In: a server's address, a partner's key file. Out: links to open in a browser. Invariant: test money alone moves.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .running import FOUND_WRONG, fail, playing, run

if TYPE_CHECKING:
    from rich.console import Console

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("try")
@click.option("--address", default="127.0.0.1:8443", show_default=True, metavar="HOST:PORT", help="gRPC of the server.")
@click.option("--credential", type=_FILE, default=Path("var/sandbox-partner.pem"), show_default=True, metavar="FILE",
              help="Key file of a partner; the first start of `keelpay serve` writes this one.")  # fmt: skip
@click.option("--wait/--links-only", default=None, help="Wait for the payment, and say what became of it.  "
              "[default: wait at a terminal]")  # fmt: skip
def trial(address: str, credential: Path, *, wait: bool | None) -> None:
    """Pay with your own finger: links to the pages of a test server that runs.

    Makes a shop, a person with test money and a payment, as a partner's backend would, and prints a link to set up a
    passkey and a link to pay. Open them in a browser on this machine. Then it waits, and says what became of it.

    \b
    Examples:
      keelpay serve                      in one terminal
      keelpay try                        in another
    """
    from rich.console import Console

    if wait is None:
        wait = sys.stdin.isatty() and sys.stdout.isatty()
    if not run(_try(address, credential, Console(), links_only=not wait)):
        raise SystemExit(FOUND_WRONG)


async def _try(address: str, credential: Path, out: "Console", *, links_only: bool) -> bool:
    from keelpay_clients.key_file import KeyFileError, read_key
    from keelpay_clients.trial import run_trial

    try:
        held = read_key(credential)
    except KeyFileError as error:
        fail(FOUND_WRONG, str(error), "Start a test server first: keelpay serve")
    with playing():
        return await run_trial(address, held, out, links_only=links_only)
