"""A street of real processes: servers on one database, a sandbox bank, and nothing between them but sockets.

In: a folder, a database, how many servers, how the bank misbehaves. Out: processes to be killed and started again.
Invariant: nothing outlives the test; whoever is killed is killed by SIGKILL, and comes back on the same port and data.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from keelpay import AsyncClient, Calendar, Defaults, Fee, Fees, credentials
from keelpay.signing_key import SigningPrivateKey
from keelpay_server.app import open_server
from keelpay_server.app.admission import admit
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE
from keelpay_server.book.bank import Bank
from keelpay_server.config import RailSettings, Settings
from tests.infrastructure.ports import free_port
from tests.integration.gateway.shop import PayIn

COMMAND = (sys.executable, "-m", "keelpay_server.cli")
LOOPBACK = "127.0.0.1"
WALLET = "sandbox-wallet"
SHOP = "merchants/shop"
START_S_MAX = 60.0
AUTHORIZE, SUCCEEDED = 1, 1


@dataclass(slots=True, kw_only=True)
class Neighbour:
    """One process, and how to start it again."""

    arguments: tuple[str, ...]
    port: int
    log: Path
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    kills: int = 0

    async def start(self):
        """Starts it, and waits until it listens."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND, *self.arguments, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment,
            )  # fmt: skip
        deadline = asyncio.get_running_loop().time() + START_S_MAX
        while True:
            assert self.process.returncode is None, self.log.read_text()[-3000:]
            assert asyncio.get_running_loop().time() < deadline, self.log.read_text()[-3000:]
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
                return

    async def kill(self):
        """Ends it as a power cut would."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.kills += 1


@dataclass(slots=True, kw_only=True)
class Street:
    """Everybody: the servers, their bank, and the keys of a partner and an operator."""

    servers: list[Neighbour]
    bank: Neighbour
    bank_file: Path
    keys: dict[str, SigningPrivateKey]
    audience: str
    clients: list[AsyncClient] = field(default_factory=list)

    def client(self, name, server=None):
        """A client of somebody, of all servers or of one."""
        ports = [each.port for each in self.servers] if server is None else [self.servers[server].port]
        target = "ipv4:" + ",".join(f"{LOOPBACK}:{port}" for port in ports)
        caller = credentials.local(credentials.signed(self.keys[name], audience=self.audience))
        defaults = Defaults(partner=name if name.startswith("partners/") else "", merchant=SHOP, region="CN")
        made = AsyncClient(target, credentials=caller, defaults=defaults)
        self.clients.append(made)
        return made

    async def charges(self):
        """What the bank's own book says it took, smallest first; killed first, for it alone may open it."""
        await self.bank.kill()
        with contextlib.closing(sqlite3.connect(self.bank_file)) as book:
            rows = book.execute(
                "select captured_minor from operation where kind = ? and outcome = ? and captured_minor > 0",
                (AUTHORIZE, SUCCEEDED),
            )  # fmt: skip
            return sorted(row[0] for row in rows)


@asynccontextmanager
async def open_street(folder, database="", *, servers=1, faults=()):
    """Starts everybody, with a merchant ready to be paid.

    Args:
        folder: Where data, settings and logs are.
        database: URL of PostgreSQL; empty for SQLite in the folder.
        servers: How many processes serve it.
        faults: Options of the bank.
    """
    bank_port, ports = free_port(), [free_port() for _ in range(servers)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEELPAY_")}
    environment[MASTER_KEY_VARIABLE] = secrets.token_hex(32)
    rail = RailSettings(name=WALLET, channel="wallet", address=f"{LOOPBACK}:{bank_port}", insecure=True)
    bank_file = folder / "bank.sqlite"
    bank = Neighbour(
        arguments=("bank", "serve", "--behaviour", "wallet", "--name", WALLET, "--listen", f"{LOOPBACK}:{bank_port}",
                   "--file", str(bank_file), *map(str, faults)),
        port=bank_port, log=folder / "bank.log", environment=environment,
    )  # fmt: skip
    street = None
    try:
        await bank.start()
        settings = Settings(data=str(folder), listen=f"{LOOPBACK}:0", database=database, rails=(rail,))
        keys = await _move_in(settings, environment)
        config = folder / "keelpay.toml"
        config.write_text(
            f'data = "{folder}"\ndatabase = "{database}"\n[[rails]]\nname = "{WALLET}"\nchannel = "wallet"\n'
            f'address = "{rail.address}"\ninsecure = true\n'
        )
        street = Street(
            servers=[
                Neighbour(
                    arguments=(
                        "serve", "--config", str(config), "--listen", f"{LOOPBACK}:{port}", "--drain-wait", "0",
                        "--no-edge",
                    ),
                    port=port, log=folder / f"server-{number}.log", environment=environment,
                )
                for number, port in enumerate(ports)
            ],
            bank=bank, bank_file=bank_file, keys=keys, audience=settings.name,
        )  # fmt: skip
        await asyncio.gather(*(each.start() for each in street.servers))
        yield street
    finally:
        for each in street.clients if street else ():
            await each.close()
        for each in (*(street.servers if street else ()), bank):
            await each.kill()


async def _move_in(settings, environment):
    """The partner, its shop, an operator and the house's own funds; returns the keys."""
    keys = {}
    quick = {"drain_wait_s": 0.0, "drain_watch_s": 0.1, "drain_grace_s": 2.0}
    async with open_server(settings, environment=environment, log=lambda _lines: None, limits=quick) as server:
        await server.engine.execute(PayIn(bank=await server.engine.reader.get(Bank, WALLET)))
        for name in ("partners/acme", "operators/ling"):
            admitted = await admit(server.engine, name, name)
            keys[name] = SigningPrivateKey.from_pem(admitted.private_key, holder=name, key_id=admitted.key_id)
        caller = credentials.local(credentials.signed(keys["partners/acme"], audience=settings.name))
        async with AsyncClient(server.address, credentials=caller, defaults=Defaults(partner="partners/acme")) as acme:
            await acme.merchants.create(
                "shop", display_name="Shop", settlement_currency="CNY", fees=Fees(default=Fee(basis_points=100)),
                calendar=Calendar(time_zone="Asia/Shanghai", cut_off_minute=0),
            )  # fmt: skip
    return keys
