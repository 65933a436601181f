"""`keelpay keys`: who may call, with which keys, and our own signing keys.

In: names. Out: key files, lists, changes in the database. Invariant: whoever can open the database decides; a private
key is written to a file of its owner and never shown.
"""

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keelpay_server.book.times import SECOND_US

from . import key_file
from .installation import installation_options
from .running import run

if TYPE_CHECKING:
    from keelpay_server.app.admission import Admitted
    from keelpay_server.app.office import Office
    from keelpay_server.config import Settings

Result = TypeVar("Result")
KINDS = {"partner": "partners", "operator": "operators", "bank": "banks"}
_ID = r"[a-z0-9][a-z0-9-]{0,62}"
_FILE = click.Path(dir_okay=False, path_type=Path)


class ClientName(click.ParamType[str]):
    """`partners/shop`, `operators/ann` or `banks/first-bank`."""

    name = "client"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the name, or says how one looks."""
        text = str(value)
        if not re.fullmatch(rf"({'|'.join(KINDS.values())})/{_ID}", text):
            self.fail(f"{text!r} is not partners/ID, operators/ID or banks/ID (a-z, 0-9 and -)", param, ctx)
        return text


@click.group()
def keys() -> None:
    """Let partners, operators and banks in, and look after all keys.

    These commands open the database themselves. On SQLite a running server holds the file: stop it first. On PostgreSQL
    they work beside running servers, which notice within a second. `list` and `jwks` only read, and always work.

    \b
    A partner's key changes over without a pause:
      keelpay keys add partners/shop             a second key; the partner starts to use it
      keelpay keys revoke partners/shop KEY      then the first one ends
    """


@keys.command()
@installation_options
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--display-name", help="What people call it.  [default: NAME]")
@click.option("--out", type=_FILE, help="Where the private key goes.  [default: KIND-NAME.pem]")
def admit(refine: Any, kind: str, name: str, display_name: str | None, out: Path | None) -> None:
    """Let a partner, an operator or a bank in, with a first key.

    The private key is made here and written to a file that only you can read; it is kept nowhere else. Hand it over on
    a way that you trust. Money-moving decisions of operators need two of them, so admit at least two.

    \b
    Examples:
      keelpay keys admit partner shop --display-name "Flower Shop"
      keelpay keys admit operator ann --out ~/.keelpay/ann.pem
    """
    client = ClientName().convert(f"{KINDS[kind]}/{name}", None, click.get_current_context())
    path = out or Path(f"{kind}-{name}.pem")
    admitted = _write(refine(), path, lambda office: office.admit(client, display_name or name))
    click.echo(f"{admitted.client} is admitted; its key {admitted.key_id} is in {path} (readable by you alone)")


@keys.command()
@installation_options
@click.argument("client", type=ClientName())
@click.option("--out", type=_FILE, help="Where the private key goes.  [default: KIND-NAME-2.pem and so on]")
def add(refine: Any, client: str, out: Path | None) -> None:
    """Give a client one more key, so that it can change over.

    \b
    Example:
      keelpay keys add partners/shop --out shop-2027.pem
    """
    path = out or _free_name(client)
    admitted = _write(refine(), path, lambda office: office.add_key(client))
    click.echo(f"{client} has one more key: {admitted.key_id} in {path} (readable by you alone)")


@keys.command(name="list")
@installation_options
def list_(refine: Any) -> None:
    """List who may call, and their keys.

    \b
    Example:
      keelpay keys list --data /var/lib/keelpay
    """
    from keelpay_server.app.office import list_keys

    rows = run(list_keys(refine()))
    if not rows:
        click.echo("nobody is admitted yet: keelpay keys admit partner NAME")
        return
    lines = [("client", "called", "key", "state", "since")]
    for row in rows:
        state = "suspended" if row.suspended and row.state == "active" else row.state
        day = time.strftime("%Y-%m-%d", time.gmtime(row.create_time_us // SECOND_US))
        lines.append((row.client, row.display_name, row.key_id, state, day))
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@keys.command()
@installation_options
@click.argument("client", type=ClientName())
@click.argument("key")
def revoke(refine: Any, client: str, key: str) -> None:
    """End a client's KEY at once, and every token that was issued for it.

    \b
    Example:
      keelpay keys revoke partners/shop key-01k5w3m8v2p4q6r8t0w2y4a6b8
    """
    _act(refine(), lambda office: office.revoke_key(client, key))
    click.echo(f"{key} of {client} is revoked, for ever")


@keys.command()
@installation_options
@click.argument("client", type=ClientName())
def suspend(refine: Any, client: str) -> None:
    """Refuse every call of a CLIENT and of its payers, until it is resumed (the kill switch).

    \b
    Example:
      keelpay keys suspend partners/shop
    """
    _act(refine(), lambda office: office.suspend(client))
    click.echo(f"{client} is suspended: keelpay keys resume {client} lets it call again")


@keys.command()
@installation_options
@click.argument("client", type=ClientName())
def resume(refine: Any, client: str) -> None:
    """Let a suspended CLIENT call again.

    \b
    Example:
      keelpay keys resume partners/shop
    """
    _act(refine(), lambda office: office.resume(client))
    click.echo(f"{client} may call again")


@keys.command()
@installation_options
@click.option("--revoke", "old", metavar="KEY", help="End this platform key at once instead, as when it leaked.")
def rotate(refine: Any, old: str | None) -> None:
    """Change our own signing key, with which tokens are signed.

    The new key is published at once and signs half a minute later; the old one verifies until its last token has
    expired, so nobody notices. A key that leaked is ended by --revoke, after a rotation; its tokens are refused then.

    \b
    Examples:
      keelpay keys rotate
      keelpay keys rotate --revoke M3t1Qm9...
    """
    if old is not None:
        _act(refine(), lambda office: office.revoke_platform_key(old))
        click.echo(f"the platform key {old} is revoked: what it signed is refused")
        return
    click.echo(f"the platform key {_act(refine(), lambda office: office.rotate())} signs in half a minute")


@keys.command()
@installation_options
def jwks(refine: Any) -> None:
    """Print our public keys as a JWKS document (RFC 7517), for whoever verifies our tokens.

    \b
    Example:
      keelpay keys jwks > jwks.json
    """
    from keelpay_server.app.office import platform_jwks

    click.echo(run(platform_jwks(refine())))


def _act(settings: "Settings", what: "Callable[[Office], Awaitable[Result]]") -> Result:
    return run(_in_office(settings, what))


async def _in_office(settings: "Settings", what: "Callable[[Office], Awaitable[Result]]") -> Result:
    from keelpay_server.app.office import open_office

    async with open_office(settings) as office:
        return await what(office)


def _write(settings: "Settings", path: Path, what: "Callable[[Office], Awaitable[Admitted]]") -> "Admitted":
    """Makes a key and writes it; the file is there first, and goes again if no key is made."""
    try:
        key_file.reserve(path)
    except FileExistsError as error:
        raise click.UsageError(f"{path} exists, and keys are not overwritten: choose another --out") from error
    try:
        admitted = _act(settings, what)
    except BaseException:
        path.unlink()
        raise
    key_file.write(path, admitted, settings.name)
    return admitted


def _free_name(client: str) -> Path:
    collection, _, name = client.partition("/")
    number = 2
    while (path := Path(f"{collection.removesuffix('s')}-{name}-{number}.pem")).exists():
        number += 1
    return path
