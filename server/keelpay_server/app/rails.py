"""The rails of a process: a connector for every bank in the settings, the sandbox's own banks among them.

In: settings. Out: connectors by name, the routes to them, their declared capabilities.
Invariant: live mode has no sandbox; a bank that does not answer at the start still has its accounts, and UNKNOWN is
what it says until it does.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import WallClock
from keelpay_server.book.rail import Rail, RailCapabilities
from keelpay_server.book.sandbox_bank import SandboxBank, SandboxPage
from keelpay_server.book.times import HOUR_US
from keelpay_server.config import RailSettings, Settings, SettingsError
from keelpay_server.edge.site import BANK_PAGE
from keelpay_server.gateway.bank_commands import OpenBank
from keelpay_server.gateway.routes import Route, Routes
from keelpay_server.rails.grpc_rail import GrpcRail, RailTls
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.local_levers import LocalLevers
from keelpay_server.rails.sandbox.local_page import LocalPage
from keelpay_server.rails.sandbox.local_rail import LocalRail, open_local_rail
from keelpay_server.rails.sandbox.remote_levers import RemoteLevers

CHANNELS: Final = {"wallet": 1, "card": 3, "bank": 4, "stablecoin": 5}
_BEHAVIOURS: Final = {"wallet": Behaviour.WALLET, "card": Behaviour.CARD, "bank": Behaviour.ACCOUNT}
_SETTLE_US_UNKNOWN: Final = HOUR_US
"""How long a NOT_FOUND is not believed of a bank that has not declared it."""


class Rails(NamedTuple):
    """The open connectors.

    Attributes:
        connectors: By the name that operations carry.
        levers: In test mode the levers of all: of sandbox banks inside this process, and of those behind an address.
        pages: In test mode the pages of sandbox banks inside this process, to which their payers are redirected.
        routes: Which serves what.
    """

    connectors: Mapping[str, Rail]
    levers: Mapping[str, SandboxBank]
    pages: tuple[SandboxPage, ...]
    routes: Routes


@asynccontextmanager
async def open_rails(settings: Settings, wall: WallClock) -> AsyncIterator[Rails]:
    """Opens every connector of the settings, and closes them at the end.

    Raises:
        SettingsError: A bank calls itself otherwise than its rail: its statements would be those of a stranger.
    """
    connectors: dict[str, Rail] = {}
    sandboxes: dict[str, LocalRail] = {}
    remote: dict[str, GrpcRail] = {}
    for rail in settings.rails:
        if rail.address == "local":
            sandboxes[rail.name] = connectors[rail.name] = _sandbox(settings, rail, wall)
        else:
            connector = GrpcRail(rail.address, _tls(rail), rail.name)
            remote[rail.name] = connectors[rail.name] = connector
    routes = Routes(
        tuple(Route(rail.name, CHANNELS[rail.channel], frozenset(rail.currencies)) for rail in settings.rails)
    )
    try:
        levers: dict[str, SandboxBank] = {
            name: LocalLevers(sandbox.delivery.lane) for name, sandbox in sandboxes.items()
        }
        pages: tuple[SandboxPage, ...] = ()
        if settings.mode == "test":
            pages = tuple(LocalPage(sandbox.delivery.lane) for sandbox in sandboxes.values())
            levers |= {name: RemoteLevers(name, connector.channel) for name, connector in remote.items()}
        await _refuse_strangers(remote)
        yield Rails(connectors, levers, pages, routes)
    finally:
        for connector in remote.values():
            await connector.close()
        for sandbox in sandboxes.values():
            await sandbox.close()


async def _refuse_strangers(remote: Mapping[str, GrpcRail]) -> None:
    """Asks all banks at once for their names; one that does not answer yet is told nothing until it has."""
    await asyncio.gather(*(connector.capabilities() for connector in remote.values()))
    for name, connector in remote.items():
        if connector.stranger:
            raise SettingsError(
                f"the bank of rail {name!r} calls itself {connector.stranger!r}: name the rail so, or mend its address"
            )


async def open_accounts(engine: Engine, settings: Settings, connectors: Mapping[str, Rail]) -> frozenset[str]:
    """Opens the accounts of every bank, by what it declares of itself; returns the banks that did not answer."""
    silent = set()
    for rail in settings.rails:
        declared: RailCapabilities | None = await connectors[rail.name].capabilities()
        if declared is None:
            silent.add(rail.name)
        await engine.execute(
            OpenBank(
                bank=rail.name,
                currencies=tuple(rail.currencies),
                settle_time_us=_SETTLE_US_UNKNOWN if declared is None else declared.settle_us,
                idempotent=declared is not None and declared.idempotent,
                declared=declared is not None,
            )
        )
    return frozenset(silent)


def _sandbox(settings: Settings, rail: RailSettings, wall: WallClock) -> LocalRail:
    folder = Path(settings.data)
    folder.mkdir(parents=True, exist_ok=True)
    profile = BankProfile(rail.name, _BEHAVIOURS[rail.channel], frozenset(rail.currencies))
    served = settings.mode == "test" and settings.edge.listen
    page = f"{settings.pages()}{BANK_PAGE}" if served else ""
    return open_local_rail(profile, clock=wall, path=folder / f"{rail.name}.sqlite", page=page)


def _tls(rail: RailSettings) -> RailTls | None:
    if rail.insecure:
        return None
    return RailTls(Path(rail.roots).read_bytes() if rail.roots else None)
