"""A stage: a whole test installation for a while, each part a process of its own, and everything gone at the end.

In: a folder. Out: a connection for clients: a server on SQLite, three sandbox banks over gRPC, a partner and two
operators. Invariant: it listens on loopback only, and its processes end when this one does, however that ends.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from . import key_file, part

if TYPE_CHECKING:
    from keelpay_clients.connection import Connection
    from keelpay_server.config import Settings


class BankPart(NamedTuple):
    """A sandbox bank: the channel it serves, and how it behaves."""

    channel: str
    behaviour: str


BANKS: Final = {
    "sandbox-wallet": BankPart("wallet", "wallet"),
    "sandbox-card": BankPart("card", "card"),
    "sandbox-bank": BankPart("bank", "account"),
}
PARTNER: Final = "partners/demo"
OPERATORS: Final = ("operators/ann", "operators/ben")


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator["Connection"]:
    """Starts everything, and ends it in the opposite order.

    Args:
        folder: An empty one; database, keys, settings and logs go there.

    Raises:
        PartFailed: A part did not start.
    """
    from keelpay_clients.connection import Connection
    from keelpay_clients.key_file import read_key

    async with AsyncExitStack() as stack:
        banks = {
            name: await stack.enter_async_context(part.start(name, folder, _bank_command(name, folder)))
            for name in BANKS
        }
        addresses = {name: await bank.address() for name, bank in banks.items()}
        settings = _settings(folder, addresses)
        files = await _admit(settings, folder)
        command = ["serve", "--config", str(folder / "keelpay.toml"), "--drain-wait", "0"]
        server = await stack.enter_async_context(part.start("server", folder, command))
        partner, *operators = (read_key(file).key for file in files)
        yield Connection(
            target=await server.address(), audience=settings.name, partner=partner,
            operators=(operators[0], operators[1]),
        )  # fmt: skip


def settings_of(folder: Path) -> "Settings":
    """Returns the settings of a stage, to open its books when it is gone."""
    from keelpay_server.config import load_settings

    return load_settings(str(folder / "keelpay.toml"), {}, {})


def _bank_command(name: str, folder: Path) -> list[str]:
    file = str(folder / f"{name}.sqlite")
    return ["bank", "serve", "--behaviour", BANKS[name].behaviour, "--name", name, "--file", file]


def _settings(folder: Path, addresses: dict[str, str]) -> "Settings":
    """Writes the server's settings file; TOML's strings are JSON's."""
    lines = [f"data = {json.dumps(str(folder))}", 'listen = "127.0.0.1:0"']
    for name, bank in BANKS.items():
        lines += ["", "[[rails]]", f'name = "{name}"', f'channel = "{bank.channel}"']
        lines += [f'address = "{addresses[name]}"', "insecure = true"]
    (folder / "keelpay.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return settings_of(folder)


async def _admit(settings: "Settings", folder: Path) -> list[Path]:
    """Lets the partner and the operators in, before the server has the file; returns their key files."""
    from keelpay_server.app.office import open_office

    files = []
    async with open_office(settings, {}) as office:
        for client in (PARTNER, *OPERATORS):
            name = client.rpartition("/")[2]
            file = folder / f"{name}.pem"
            key_file.write(file, await office.admit(client, name.title()), settings.name)
            files.append(file)
    return files
