"""The program: its commands, and what somebody who types `keelpay` for the first time reads.

In: arguments. Out: a command, run. Invariant: heavy imports happen inside commands, so that help is quick.
"""

import os
import sys
from io import TextIOWrapper

import click

from .bank import bank
from .demo import demo
from .evidence import evidence
from .keys import keys
from .migrate import migrate
from .serve import serve
from .simulate import simulate
from .trial import trial
from .verify import verify

# gRPC's core writes its own words for what we tell in ours, such as a port that is taken.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog="Exit codes: 0 done, 1 refused, or checked and found wrong, 2 misused, 3 wrong settings, 4 unusable "
    "database, 5 port or file in use, 6 genuine evidence of a refused act.",
)
@click.version_option(package_name="keelpay-server", prog_name="keelpay")
@click.pass_context
def main(context: click.Context) -> None:
    """An online payment system in one program: gateway, biometric confirmation, risk control, clearing.

    \b
    New here? In this order:
      keelpay demo                       one payment, told step by step; leaves nothing behind
      keelpay serve                      a test server on this machine, with sandbox banks inside
      keelpay try                        pay on it with your own finger, in your browser
      keelpay keys admit partner shop    lets a partner in, and writes its private key to a file
      keelpay verify                     proves the books, also while the server runs

    \b
    For production:
      keelpay migrate --check            does this version fit the database?
      keelpay serve --config live.toml   settings by file, KEELPAY_* variables or options, in this order
      keelpay keys rotate                changes our own signing key; nobody notices

    Every command tells more: keelpay COMMAND --help.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that has no ✓ or é gets it written out: a word that cannot be shown is no failure of the work.
            stream.reconfigure(errors="backslashreplace")
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (demo, serve, trial, simulate, migrate, verify, keys, bank, evidence):
    main.add_command(_command)
