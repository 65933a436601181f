"""A stage: a whole test installation for a while, each part a process of its own, and everything gone at the end.

In: a folder. Out: a connection for clients: a server on SQLite, three sandbox banks over gRPC, a partner and two
operators. Invariant: it listens on loopback only, and its processes end when this one does, however that ends; what it
leaves in its folder can be served again, by a server with the banks inside.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from . import key_file, part
from .serve import CREDENTIAL

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
NO_ADDRESSES: Final[Mapping[str, str]] = MappingProxyType({})
ANY_PORT: Final = "127.0.0.1:0"
SETTINGS: Final = "keelpay.toml"
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
        stack.callback(_write_settings, folder)  # at the end: the banks' addresses have gone with them
        banks = {
            name: await stack.enter_async_context(part.start(name, folder, _bank_command(name, folder)))
            for name in BANKS
        }
        addresses = {name: await bank.address() for name, bank in banks.items()}
        settings = _write_settings(folder, addresses)
        files = await _admit(settings, folder)
        command = ["serve", "--config", str(folder / SETTINGS), "--listen", ANY_PORT, "--drain-wait", "0"]
        server = await stack.enter_async_context(part.start("server", folder, command))
        partner, *operators = (read_key(file).key for file in files)
        yield Connection(
            target=await server.address(), audience=settings.name, partner=partner,
            operators=(operators[0], operators[1]),
        )  # fmt: skip


@asynccontextmanager
async def open_counter(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Starts a fresh server with banks inside, whose clock nobody has moved; gives its address and a key file.

    Args:
        folder: An empty one.

    Raises:
        PartFailed: It did not start.
    """
    command = ["serve", "--data", str(folder), "--listen", ANY_PORT, "--drain-wait", "0"]
    async with part.start("server", folder, command) as server:
        yield await server.address(), folder / CREDENTIAL


def settings_of(folder: Path) -> "Settings":
    """Returns the settings of a stage, to open its books when it is gone."""
    from keelpay_server.config import load_settings

    return load_settings(str(folder / SETTINGS), {}, {})


def _bank_command(name: str, folder: Path) -> list[str]:
    file = str(folder / f"{name}.sqlite")
    return ["bank", "serve", "--behaviour", BANKS[name].behaviour, "--name", name, "--file", file]


def _write_settings(folder: Path, addresses: Mapping[str, str] = NO_ADDRESSES) -> "Settings":
    """Writes the server's settings file; TOML's strings are JSON's.

    Args:
        folder: Of the stage.
        addresses: Where its banks listen; those that do not are inside the server, on the same files.
    """
    lines = [f"data = {json.dumps(str(folder.absolute()))}"]
    for name, address in addresses.items():
        lines += ["", "[[rails]]", f'name = "{name}"', f'channel = "{BANKS[name].channel}"']
        lines += [f'address = "{address}"', "insecure = true"]
    (folder / SETTINGS).write_text("\n".join(lines) + "\n", encoding="utf-8")
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
