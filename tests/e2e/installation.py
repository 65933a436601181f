"""A whole installation over a socket: one server, two partners with merchants and people, two operators, a bank.

In: a folder and a database. Out: SDK clients of everybody, names of everything. Invariant: whatever is set up is set
up through the contract, as its owner would; only who may call is decided at the machine.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from keelpay import (
    AsyncClient,
    BankAccount,
    Calendar,
    Card,
    Defaults,
    Fee,
    Fees,
    Money,
    PayoutDestination,
    Wallet,
    credentials,
    new_request_id,
)
from keelpay.api.rail.v1 import statement_pb2
from keelpay.api.sandbox.v1 import bank_control_pb2
from keelpay.enums import OperationState
from keelpay.signing_key import SigningPrivateKey
from keelpay.testing import PasskeySigner, SoftPasskey
from keelpay_server.app import RunningServer, open_server
from keelpay_server.app.admission import admit
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE
from keelpay_server.clearing.audit import Verdict
from keelpay_server.config import RailSettings, Settings
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.server import serve

ORIGIN = "https://localhost"
QUICK = {"drain_wait_s": 0.0, "drain_watch_s": 0.1, "drain_grace_s": 2.0}
BANKS = {
    "sandbox-wallet": ("wallet", Behaviour.WALLET),
    "sandbox-card": ("card", Behaviour.CARD),
    "sandbox-bank": ("bank", Behaviour.ACCOUNT),
}
CALENDAR = Calendar(time_zone="Asia/Shanghai", cut_off_minute=0)
FEES = Fees(default=Fee(basis_points=100))
BALANCE_MINOR = 500_000
PATIENCE_S = 20.0
POLL_S = 0.02


def cny(amount_minor):
    """An amount in fen."""
    return Money(amount_minor, "CNY")


async def until(read, what):
    """Asks again and again until the answer is true; a wait without end is a failure that names what was awaited."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := await read()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        await asyncio.sleep(POLL_S)
    return found


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody who pays."""

    name: str
    partner: AsyncClient
    card: str = ""
    wallet: str = ""
    account: str = ""
    passkey: SoftPasskey = field(default_factory=lambda: SoftPasskey(origin=ORIGIN))

    @property
    def signer(self):
        """Looks at the terms and puts the finger on the sensor."""
        return PasskeySigner(self.passkey)


@dataclass(slots=True, kw_only=True)
class Installation:
    """Everybody, with clients. `acme` owns the café and the bakery, Ann and Ben; `rival` the stall, and Eve."""

    server: RunningServer
    stack: AsyncExitStack
    acme: AsyncClient
    rival: AsyncClient
    ling: AsyncClient
    omar: AsyncClient
    bank: AsyncClient
    people: dict[str, Person] = field(default_factory=dict)
    levers: dict[str, AsyncClient] = field(default_factory=dict)
    cafe: str = "merchants/cafe"
    bakery: str = "merchants/bakery"
    stall: str = "merchants/stall"

    @property
    def ann(self):
        """Of acme; with a passkey and everything to pay from."""
        return self.people["ann"]

    @property
    def ben(self):
        """Of acme; with a passkey and a balance."""
        return self.people["ben"]

    @property
    def eve(self):
        """Of the rival."""
        return self.people["eve"]

    async def sequence(self):
        """The number of the book's last event."""
        return (await self.server.engine.reader.book()).sequence

    async def still(self):
        """Waits until nothing runs in the background, and returns the book's sequence."""
        before = -1
        while before != (now := await self.sequence()):
            before = now
            await self.server.engine.worker.idle()
            await asyncio.sleep(POLL_S)
        return now

    async def findings(self):
        """What the invariant checker has to say beyond `ok`, and how many invariants it looked at."""
        told = [told async for told in self.server.rooms.audit.examine()]
        (verdict,) = [each for each in told if isinstance(each, Verdict)]
        return [finding for finding in verdict.findings if not finding.ok], len(verdict.findings)

    async def token(self, client):
        """A client's access token."""
        return dict(await client.metadata())["authorization"].removeprefix("Bearer ")

    async def another_operator(self, name):
        """A client of one more operator."""
        return await _enter(self.stack, self.server, f"operators/{name}")

    def as_holder_of(self, token):
        """A client of whoever holds a token; closed with the installation."""
        value = token if isinstance(token, str) else token.value
        client = AsyncClient(self.server.address, credentials=credentials.local(credentials.token(value)))
        self.stack.push_async_callback(client.close)
        return client

    async def deposit(self, amount_minor):
        """Puts own funds on our account at every bank, as its statement will show."""
        for levers in self.levers.values():
            await levers.sandbox_bank.post_entry(
                bank_control_pb2.PostEntryRequest(
                    kind=statement_pb2.STATEMENT_LINE_KIND_TOP_UP, amount_minor=amount_minor, currency_code="CNY",
                    text="OWN FUNDS",
                )
            )  # fmt: skip

    async def advance_to(self, moment):
        """Moves the clocks to a time: the banks' first, for they are asked by ours."""
        for levers in self.levers.values():
            shown = (await levers.sandbox_bank.advance_time()).bank_time.ToDatetime(tzinfo=UTC)
            if shown < moment:
                await levers.sandbox_bank.advance_time(moment - shown)
        await self.ling.sandbox.advance_clock(moment)

    async def top_up(self, person, amount_minor):
        """Moves money from a person's wallet to the balance, and waits until it is there."""
        request_id = new_request_id()

        async def state():
            transfer = await person.partner.payers.top_up(
                person.name, amount=cny(amount_minor), instrument=person.wallet, request_id=request_id
            )
            return transfer.state is OperationState.SUCCEEDED

        await until(state, f"the top-up of {person.name}")


@asynccontextmanager
async def open_installation(
    folder: Path, database: str = "", *, own_banks: bool = False, **settings
) -> AsyncIterator[Installation]:
    """Opens an installation, with everybody in it.

    Args:
        folder: Where the sandbox banks and, without a database, the book live.
        database: URL of another database.
        own_banks: Banks behind sockets of their own, with levers.
        settings: Of the server, that differ from its defaults.
    """
    environment = {MASTER_KEY_VARIABLE: secrets.token_hex(32)} if database.startswith("postgres") else {}
    async with AsyncExitStack() as stack:
        banks = await _open_banks(stack, folder) if own_banks else {}
        if banks:
            settings["rails"] = tuple(
                RailSettings(name=name, channel=BANKS[name][0], address=address, insecure=True)
                for name, address in banks.items()
            )
        chosen = Settings(data=str(folder), listen="127.0.0.1:0", database=database, **settings)
        server = await stack.enter_async_context(
            open_server(chosen, environment=environment, log=lambda _lines: None, limits=QUICK)
        )

        names = ("partners/acme", "partners/rival", "operators/ling", "operators/omar", "banks/sandbox-bank")
        acme, rival, ling, omar, bank = [await _enter(stack, server, name) for name in names]
        made = Installation(server=server, acme=acme, rival=rival, ling=ling, omar=omar, bank=bank, stack=stack)
        for partner, merchant in ((acme, "cafe"), (acme, "bakery"), (rival, "stall")):
            await _open_merchant(partner, merchant)
        for partner, name in ((acme, "ann"), (acme, "ben"), (rival, "eve")):
            made.people[name] = await _settle_in(made, partner, name)
        for name, address in banks.items():
            caller = credentials.local(credentials.anonymous())
            made.levers[name] = await stack.enter_async_context(AsyncClient(address, credentials=caller))
        yield made


async def _enter(stack, server, name):
    """A client of somebody who is let in now."""
    admitted = await admit(server.engine, name, name)
    key = SigningPrivateKey.from_pem(admitted.private_key, holder=name, key_id=admitted.key_id)
    caller = credentials.local(credentials.signed(key, audience=server.settings.name))
    defaults = Defaults(partner=name if name.startswith("partners/") else "", region="CN")
    return await stack.enter_async_context(AsyncClient(server.address, credentials=caller, defaults=defaults))


async def _open_banks(stack, folder):
    """Sandbox banks on free ports; their addresses by name."""
    addresses = {}
    for name, (_, behaviour) in BANKS.items():
        bank = await serve("127.0.0.1", 0, profile=BankProfile(name, behaviour), path=folder / f"{name}.sqlite")
        addresses[name] = (await stack.enter_async_context(bank)).address
    return addresses


async def _open_merchant(partner, merchant):
    await partner.merchants.create(
        merchant,
        display_name=merchant.title(),
        settlement_currency="CNY",
        calendar=CALENDAR,
        fees=FEES,
        payout_account=PayoutDestination(
            bank_code="ICBKCNBJ", account_holder=merchant.title(), account_number="6222020200112233445"
        ),
    )


async def _settle_in(made, partner, name):
    """A person with a card, a wallet, a bank account, a passkey and a balance."""
    payer = await partner.payers.create(name, locale="zh-CN", region="CN")
    number = sum(name.encode())
    person = Person(name=payer.name, partner=partner)
    for attribute, details in (
        ("card", Card(number="4242424242424242", expire_month=12, expire_year=2035)),
        ("wallet", Wallet(wallet="alipay", wallet_account=f"20880000{number:08}")),
        ("account", BankAccount(account_number=f"622202{number:013}", bank_code="ICBKCNBJ", holder_name=name)),
    ):
        stored = await partner.payers.tokenize(payer, details)
        setattr(person, attribute, stored.name)
    token = await partner.tokens.enrol(payer, partner.attest(payer, amr=["pwd", "otp"]))
    async with partner.with_token(token) as app:
        await app.passkeys.register(payer, person.passkey.create, display_name="Phone")
    await made.top_up(person, BALANCE_MINOR)
    return person
