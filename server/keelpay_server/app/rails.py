"""The rails of a process: a connector for every bank in the settings, the sandbox's own banks among them.

In: settings. Out: connectors by name, the routes to them, their declared capabilities.
Invariant: live mode has no sandbox; a bank that does not answer at the start still has its accounts, and UNKNOWN is
what it says until it does.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import WallClock
from keelpay_server.book.rail import Rail, RailCapabilities
from keelpay_server.book.sandbox_bank import SandboxBank
from keelpay_server.config import RailSettings, Settings
from keelpay_server.gateway.bank_commands import OpenBank
from keelpay_server.gateway.routes import Route, Routes
from keelpay_server.rails.grpc_rail import GrpcRail, RailTls
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.local_levers import LocalLevers
from keelpay_server.rails.sandbox.local_rail import LocalRail, open_local_rail

CHANNELS: Final = {"wallet": 1, "card": 3, "bank": 4, "stablecoin": 5}
_BEHAVIOURS: Final = {"wallet": Behaviour.WALLET, "card": Behaviour.CARD, "bank": Behaviour.ACCOUNT}
_SETTLE_US_UNKNOWN: Final = 3_600_000_000
"""How long a NOT_FOUND is not believed of a bank that has not declared it."""


class Rails(NamedTuple):
    """The open connectors.

    Attributes:
        connectors: By the name that operations carry.
        levers: The levers of those that are sandbox banks inside this process.
        routes: Which serves what.
    """

    connectors: Mapping[str, Rail]
    levers: Mapping[str, SandboxBank]
    routes: Routes


@asynccontextmanager
async def open_rails(settings: Settings, wall: WallClock) -> AsyncIterator[Rails]:
    """Opens every connector of the settings, and closes them at the end."""
    connectors: dict[str, Rail] = {}
    sandboxes: dict[str, LocalRail] = {}
    remote: list[GrpcRail] = []
    for rail in settings.rails:
        if rail.address == "local":
            sandboxes[rail.name] = connectors[rail.name] = _sandbox(settings, rail, wall)
        else:
            connector = GrpcRail(rail.address, _tls(rail))
            connectors[rail.name] = connector
            remote.append(connector)
    routes = Routes(
        tuple(Route(rail.name, CHANNELS[rail.channel], frozenset(rail.currencies)) for rail in settings.rails)
    )
    try:
        levers = {name: LocalLevers(sandbox.delivery.lane) for name, sandbox in sandboxes.items()}
        yield Rails(connectors, levers, routes)
    finally:
        for connector in remote:
            await connector.close()
        for sandbox in sandboxes.values():
            await sandbox.close()


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
    return open_local_rail(profile, clock=wall, path=folder / f"{rail.name}.sqlite")


def _tls(rail: RailSettings) -> RailTls | None:
    if rail.insecure:
        return None
    return RailTls(Path(rail.roots).read_bytes() if rail.roots else None)
