"""The sandbox bank's page is there where a sandbox bank is in the process of a test installation, and nowhere else."""

import secrets

import pytest

from keelpay_server.app.local import QUICK
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE
from keelpay_server.app.serving import open_server
from keelpay_server.config import RailSettings, Settings
from keelpay_server.edge.settings import EdgeSettings
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.server import serve
from tests.infrastructure.http import ask

CALL = "/keelpay.api.sandbox.v1.BankPageService/GetChallenge"
FILES = ("/sandbox-bank", "/sandbox/bank.js", "/sandbox/en.json")
JSON = {"content-type": "application/json"}
INSIDE = RailSettings(name="sandbox-card", channel="card")


@pytest.fixture
async def beside():
    """A rail to a sandbox bank that is a process of its own."""
    async with await serve("127.0.0.1", 0, profile=BankProfile("sandbox-card")) as bank:
        yield RailSettings(name="sandbox-card", channel="card", address=bank.address, insecure=True)


async def doors(folder, rail, **more):
    """What a stranger meets: the statuses of the page's files, and of its call for a ticket that never was."""
    edge = EdgeSettings(listen="127.0.0.1:0")
    settings = Settings(data=str(folder), listen="127.0.0.1:0", edge=edge, rails=(rail,), **more)
    environment = {MASTER_KEY_VARIABLE: secrets.token_hex(32)}
    async with open_server(settings, environment=environment, log=lambda _: None, limits=QUICK) as server:
        files = [(await ask(f"{server.edge_url}{path}", method="GET")).status for path in FILES]
        called = await ask(f"{server.edge_url}{CALL}", b'{"ticket": "%s"}' % (b"A" * 43), headers=JSON)
        return files, called.json()["code"]


async def test_where_a_sandbox_bank_is_inside(tmp_path):
    assert await doors(tmp_path, INSIDE) == ([200] * 3, "not_found")


async def test_not_where_the_bank_is_beside_the_server(tmp_path, beside):
    assert await doors(tmp_path, beside) == ([404] * 3, "unimplemented")


async def test_never_in_a_live_installation(tmp_path):
    """Its settings refuse a sandbox bank before; if they did not, there would still be no door."""
    assert await doors(tmp_path, INSIDE, mode="live", rp_id="pay.example.com") == ([404] * 3, "unimplemented")
