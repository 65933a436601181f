"""Options that name an installation, shared by every command that opens one.

In: --config, --data, --database and the environment. Out: settings. Invariant: the same options mean the same
installation in every command.
"""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .running import WRONG_SETTINGS, fail

if TYPE_CHECKING:
    from keelpay_server.config import Settings


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command is given `settings` in their place, and may take further overrides by `refine`."""

    @click.option("--config", type=click.Path(dir_okay=False), envvar="KEELPAY_CONFIG", help="Settings file, TOML.")
    @click.option("--data", type=click.Path(file_okay=False), help="Folder of database and keys.  [default: var]")
    @click.option(
        "--database", metavar="URL", help="sqlite:///PATH or postgresql://USER@HOST/NAME; a password is better kept "
        "in KEELPAY_DATABASE.  [default: a file in the data folder]",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(config: str | None, data: str | None, database: str | None, **options: Any) -> Any:
        def refine(**overrides: Any) -> "Settings":
            return read_settings(config, {"data": data, "database": database, **overrides})

        return command(refine, **options)

    return wrapped


def read_settings(config: str | None, overrides: dict[str, Any]) -> "Settings":
    """Reads the settings, or ends the process with what is wrong with them."""
    from keelpay_server.config import SettingsError, load_settings

    try:
        return load_settings(config, overrides, os.environ)
    except SettingsError as error:
        fail(WRONG_SETTINGS, str(error), "Settings come from --config, KEELPAY_* and options, in this order.")
