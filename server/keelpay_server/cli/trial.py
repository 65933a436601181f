"""`keelpay try`: set up your own finger or face on a test server that runs, and pay with it.

In: a server's address, a partner's key file. Out: links to open in a browser. Invariant: test money alone moves.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .running import FOUND_WRONG, WRONG_SETTINGS, at_terminal, fail, playing, run

if TYPE_CHECKING:
    from rich.console import Console

PARTNERS: Final = "partners/"
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
    Another time it takes the same shop and person and makes a new payment; its links to set up and to the devices take
    the place of those before.

    Exit codes: 0 paid (or links printed), 1 not paid, refused, or nobody answers, 3 the key file or the address is
    none, 130 stopped while it waited.

    \b
    Examples:
      keelpay serve                      in one terminal
      keelpay try                        in another
      keelpay try --address 127.0.0.1:9443 --credential look/demo.pem
    """
    from rich.console import Console

    if not credential.exists():
        fail(
            WRONG_SETTINGS, f"there is no key file {credential}",
            "Start a test server first: keelpay serve. It says where its sandbox credential is: --credential names it.",
        )  # fmt: skip
    if wait is None:
        wait = at_terminal()
    if not run(_try(address, credential, Console(), links_only=not wait)):
        raise SystemExit(FOUND_WRONG)


async def _try(address: str, credential: Path, out: "Console", *, links_only: bool) -> bool:
    from keelpay_clients.key_file import KeyFileError, read_key
    from keelpay_clients.run_error import AddressError
    from keelpay_clients.trial import run_trial

    try:
        held = read_key(credential)
    except KeyFileError as error:
        fail(WRONG_SETTINGS, f"--credential: {error}", "It is the file of a partner's private key, such as a server's "
             "first start or `keelpay keys admit partner shop` writes.")  # fmt: skip
    if not held.key.holder.startswith(PARTNERS):
        fail(WRONG_SETTINGS, f"--credential: {credential} is the key of {held.key.holder}, and a partner's is needed")
    with playing():
        try:
            return await run_trial(address, held, out, links_only=links_only)
        except AddressError as error:
            fail(WRONG_SETTINGS, f"--address: {error}")
