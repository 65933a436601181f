"""What a run measures: one server on one database, with what a caller asks of it, and the books afterwards.

In: a database of its own, filled. Out: a running server and a measurement of it at any time.
Invariant: servers and client are processes of their own and share the machine; only one is loaded at a time.
"""

import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import to_builtins

from bench.books import Books, read_books
from bench.bootstrap import Town, fill
from bench.process import Child
from bench.town import Buyer
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE, MasterKey
from keelpay_server.config import Settings
from tests.infrastructure.postgres import PostgresServer

MASTER: Final = bytes(range(32))
"""Of throw-away installations."""
DATABASES: Final = ("sqlite", "postgresql")
POSTGRES_SETTINGS: Final = {"shared_buffers": "256MB", "max_wal_size": "2GB"}
"""Enough memory and log for both servers alike; all else is PostgreSQL's default, durability above all."""
_SHAPES: Final = {
    "engine": (("unary", "balance"), ("unary_bank", "wallet")),
    "naive": (("naive", "balance"),),
}
"""What is asked of each server: the name in the report, and what the client sends."""
_US_PER_S: Final = 1_000_000
_seeds = itertools.count(int(time.time()))


class Subject(NamedTuple):
    """One line of the report.

    Attributes:
        name: `echo`, `unary`, `unary_bank` or `naive`.
        database: One of DATABASES, or empty for the echo.
        address: Where it listens.
        kind: What the client sends.
        town: Who pays.
        url: Its database, or empty.
    """

    name: str
    database: str
    address: str
    kind: str
    town: Town
    url: str

    @property
    def label(self) -> str:
        """The beginning of its figures' names."""
        return f"{self.name}.{self.database}" if self.database else self.name


class Sums:
    """What the client was told in all, by database URL."""

    def __init__(self) -> None:
        self.payments: dict[str, int] = {}
        self.minor: dict[str, int] = {}
        self.failures: dict[str, dict[str, int]] = {}

    def add(self, subject: Subject, told: dict[str, Any]) -> None:
        """Adds one measurement."""
        self.payments[subject.url] = self.payments.get(subject.url, 0) + told["acknowledged"]
        self.minor[subject.url] = self.minor.get(subject.url, 0) + told["acknowledged_minor"]
        failures = self.failures.setdefault(subject.label, {})
        for what, number in told["failures"].items():
            failures[what] = failures.get(what, 0) + number


class Field(NamedTuple):
    """Everything that runs.

    Attributes:
        subjects: In the order of the report.
        clients: The loading process of each database URL; they differ in whom they know.
        servers: The server processes by address.
    """

    subjects: tuple[Subject, ...]
    clients: dict[str, Child]
    servers: dict[str, Child]

    async def measure(self, subject: Subject, *, callers: int, warm_s: float, measured_s: float) -> dict[str, Any]:
        """Loads one subject and returns its figures."""
        server = self.servers[subject.address]
        before_s = server.cpu_s()
        told = await self.clients[subject.url].ask({
            "kind": subject.kind, "address": subject.address, "callers": callers, "warm_s": warm_s,
            "measured_s": measured_s, "seed": next(_seeds), "tokens": subject.town.tokens(int(time.time())),
        })  # fmt: skip
        told["server_us"] = (server.cpu_s() - before_s) * _US_PER_S / max(told["acknowledged"], 1)
        return told

    async def books(self) -> dict[str, Books]:
        """Reads what every database has in the end, by URL."""
        return {url: await read_books(url) for url in self.clients if url}


@asynccontextmanager
async def open_field(folder: Path, databases: Sequence[str]) -> AsyncIterator[Field]:
    """Fills the databases and starts every server and client."""
    async with AsyncExitStack() as stack:
        postgres = PostgresServer(settings=POSTGRES_SETTINGS)
        if "postgresql" in databases:
            stack.enter_context(postgres)
        subjects: list[Subject] = []
        clients: dict[str, Child] = {}
        servers: dict[str, Child] = {}
        environment = {MASTER_KEY_VARIABLE: MASTER.hex()}
        for database in databases:
            for name in ("engine", "naive"):
                place = folder / f"{name}-{database}"
                url = postgres.create_database() if database == "postgresql" else ""
                settings = Settings(data=str(place), database=url, listen="127.0.0.1:0", log_level="WARNING")
                town = await fill(settings, environment)
                child = _server(name, settings)
                server = await stack.enter_async_context(child)
                servers[server.ready["address"]] = server
                clients[settings.url()] = await stack.enter_async_context(_client(town.buyers))
                subjects += [
                    Subject(shape, database, server.ready["address"], kind, town, settings.url())
                    for shape, kind in _SHAPES[name]
                ]
        echo = await stack.enter_async_context(Child("bench.echo", {}))
        servers[echo.ready["address"]] = echo
        any_town = subjects[0].town
        clients[""] = await stack.enter_async_context(_client(any_town.buyers))
        subjects.insert(0, Subject("echo", "", echo.ready["address"], "echo", any_town, ""))
        yield Field(tuple(subjects), clients, servers)


def _server(name: str, settings: Settings) -> Child:
    if name == "engine":
        return Child("bench.engine_server", {"settings": to_builtins(settings), "master_key": MASTER.hex()})
    key = MasterKey(MASTER).derive("platform-keys").hex()
    return Child(
        "bench.naive_server",
        {"url": settings.url(), "book": settings.book, "name": settings.name, "platform_key": key},
    )


def _client(buyers: tuple[Buyer, ...]) -> Child:
    return Child("bench.load", {"buyers": buyers})
