"""`keelpay bank`: the sandbox bank as a process, its table of stories, and the test every bank must pass.

In: options, an address. Out: a running bank, a report. Invariant: the sandbox bank serves this machine alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .leaving import Leaving
from .logs import Voice, voice
from .running import FOUND_WRONG, run

if TYPE_CHECKING:
    from keelpay_server.app.sandbox_bank import BankOptions

_FAULTS = {
    "request_lost": "does not arrive",
    "reply_lost": "is carried out, and its answer is lost",
    "reply_late": "is answered late",
    "doubled": "is answered twice",
    "reordered": "of many is answered in another order",
    "contradictory": "is carried out, and answered as failed",
}


@click.group()
def bank() -> None:
    """Run a sandbox bank, or try whether a bank of yours speaks our contract.

    A bank is whoever serves keelpay.api.rail.v1.RailService, in any language. The sandbox bank does, with a book of its
    own, statements and faults on demand.
    """


def _fault_options(command: Any) -> Any:
    for name, what in reversed(_FAULTS.items()):
        text = f"Of a thousand calls, how many: each {what}."
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, type=click.IntRange(0, 1000), default=0, metavar="PERMILLE", help=text)(command)
    return command


@bank.command()
@click.option("--behaviour", type=click.Choice(["card", "wallet", "account"]), default="card", show_default=True,
              help="A card acquirer, an external wallet, or a bank account scheme.")  # fmt: skip
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Its book; without one it forgets all.")
@click.option("--name", metavar="NAME", default="", help="What it calls itself.  [default: sandbox-BEHAVIOUR]")
@click.option("--currency", "currencies", multiple=True, metavar="CODE", help="What it takes; may be repeated.")
@_fault_options
@click.option("--late", "late_s", type=click.FloatRange(0, 3600), default=3.0, show_default=True, metavar="SECONDS",
              help="How late a late answer is.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same faults.")
@click.option("--log", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True)
@click.option("--with-parent", is_flag=True, hidden=True, help="Leave when standard input ends.")
def serve(
    behaviour: str, listen: str, file: Path | None, name: str, currencies: tuple[str, ...], log: str,
    with_parent: bool, **faults: Any,
) -> None:  # fmt: skip
    """Run a sandbox bank on this machine.

    Test cards and amounts ask it for stories (`keelpay bank magic` lists them), faults come from a seed, and its levers
    are a gRPC service of their own (keelpay.api.sandbox.v1). A server is pointed at it by its settings:

    \b
      [[rails]]
      name = "sandbox-card"
      channel = "card"
      address = "127.0.0.1:7001"
      insecure = true

    \b
    Examples:
      keelpay bank serve --listen 127.0.0.1:7001 --file card.sqlite
      keelpay bank serve --behaviour wallet --reply-lost 20 --doubled 5 --seed 7
    """
    from keelpay_server.app.sandbox_bank import BankOptions, FaultPlan

    options = BankOptions(behaviour, listen, name, file, currencies, FaultPlan(**faults))
    run(_serve(options, voice(log), with_parent=with_parent))


async def _serve(options: "BankOptions", speaker: Voice, *, with_parent: bool) -> None:
    from keelpay_server.app.sandbox_bank import open_bank

    leaving = Leaving(speaker, with_parent=with_parent)
    async with open_bank(options) as address:
        speaker.announce("listening", address=address, behaviour=options.behaviour, file=str(options.file or "none"))
        await leaving.wait()
    speaker.announce("stopped")


@bank.command()
@click.argument("address", metavar="HOST:PORT")
@click.option("--currency", default="CNY", show_default=True, metavar="CODE", help="In which to ask.")
@click.option("--case", "cases", type=int, multiple=True, metavar="NUMBER", help="Only this case; may be repeated.")
@click.option("--roots", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM of whom to trust.")
@click.option("--insecure", is_flag=True, help="Speak without TLS; always so with a bank on this machine.")
def conformance(address: str, currency: str, cases: tuple[int, ...], roots: Path | None, *, insecure: bool) -> None:
    """Try whether the bank at HOST:PORT keeps the contract.

    One case a rule: a repeated key charges once, an unknown outcome is told by a query, amounts stay within bounds,
    statements say what happened. Give it the test environment of your bank: cases move money there. Exit code 1 if a
    rule is broken.

    \b
    Examples:
      keelpay bank conformance 127.0.0.1:7001
      keelpay bank conformance rail.example.com:443 --roots our-ca.pem --currency EUR
      keelpay bank conformance 127.0.0.1:7001 --case 12
    """
    from rich.console import Console

    from keelpay_server.app.sandbox_bank import LOOPBACK, render_report, try_bank

    clear = insecure or (roots is None and address.rpartition(":")[0] in LOOPBACK)
    trusted = None if roots is None else roots.read_bytes()
    with Console(stderr=True).status(f"trying the bank at {address}"):
        report = run(try_bank(address, currency=currency, roots=trusted, in_the_clear=clear, only=cases))
    click.echo(render_report(report), nl=False)
    if not report.passed:
        raise SystemExit(FOUND_WRONG)


@bank.command()
def magic() -> None:
    """Print the test cards, accounts, wallets and amounts that ask a sandbox bank for a story.

    Store a test card or account with a payer, or pay exactly that amount (in a currency of two decimals; 9,990,001
    minor units and so on in any). Every other number and amount succeeds at once. The scenario's name is what
    SetScenario of the bank's levers takes, and `tok-` before it the bank's own token of it.

    \b
    Examples:
      keelpay bank magic | grep timeout
      keelpay bank magic | less -S
    """
    from keelpay_server.app.sandbox_bank import table_text

    click.echo(table_text(), nl=False)
