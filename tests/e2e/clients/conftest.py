"""A whole test installation over sockets: sandbox banks, a server on SQLite, a partner and two operators."""

from contextlib import AsyncExitStack
from io import StringIO

import pytest
from rich.console import Console

from keelpay import SigningPrivateKey
from keelpay_clients.connection import Connection
from keelpay_server.app import open_server
from keelpay_server.app.admission import admit
from keelpay_server.config import RailSettings, Settings
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.server import serve

LOOPBACK = "127.0.0.1"
QUICK = {"drain_wait_s": 0.0, "drain_watch_s": 0.1, "drain_grace_s": 2.0}
BANKS = {
    "sandbox-wallet": ("wallet", Behaviour.WALLET),
    "sandbox-card": ("card", Behaviour.CARD),
    "sandbox-bank": ("bank", Behaviour.ACCOUNT),
}


@pytest.fixture
async def banks(tmp_path):
    """Addresses of sandbox banks, by name."""
    async with AsyncExitStack() as stack:
        addresses = {}
        for name, (_, behaviour) in BANKS.items():
            profile = BankProfile(name, behaviour)
            bank = await serve(LOOPBACK, 0, profile=profile, path=tmp_path / f"{name}.sqlite")
            addresses[name] = (await stack.enter_async_context(bank)).address
        yield addresses


@pytest.fixture
async def installation(tmp_path, banks):
    async with AsyncExitStack() as stack:
        rails = tuple(
            RailSettings(name=name, channel=channel, address=banks[name], insecure=True)
            for name, (channel, _) in BANKS.items()
        )
        settings = Settings(data=str(tmp_path), listen=f"{LOOPBACK}:0", rails=rails)
        server = await stack.enter_async_context(
            open_server(settings, environment={}, log=lambda lines: None, limits=QUICK)
        )
        keys = []
        for client in ("partners/demo", "operators/ling", "operators/omar"):
            admitted = await admit(server.engine, client, client)
            keys.append(
                SigningPrivateKey.from_pem(admitted.private_key, holder=admitted.client, key_id=admitted.key_id)
            )
        yield Connection(
            target=server.address,
            audience=settings.name,
            partner=keys[0],
            operators=(keys[1], keys[2]),
            addresses={"gRPC": server.address},
        )


@pytest.fixture
def screen():
    return Console(record=True, width=80, force_terminal=False, file=StringIO())
