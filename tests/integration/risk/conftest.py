"""A book with the real engine on the real databases, and the real counters."""

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.paging import Pager
from keelpay_server.risk.counters import Counters
from keelpay_server.storage.opening import open_store
from tests.integration.risk.commands import PutRow
from tests.unit.risk.stage import POLICY

START_US = 1_800_000_000_000_000
OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")
ACME = Caller(CallerKind.PARTNER, "acme", "acme")
OTHER = Caller(CallerKind.PARTNER, "other", "other")


class Clock:
    def __init__(self):
        self.now_us = START_US

    def __call__(self):
        self.now_us += 1_000
        return self.now_us


class Book:
    """One database that may be opened again and again; each opening is a process of its own."""

    def __init__(self, url):
        self.url, self.clock, self.pager = url, Clock(), Pager(b"a secret for page tokens")

    @asynccontextmanager
    async def open(self, counters=None, reactions=None):
        projection = Counters(POLICY) if counters is None else counters
        async with open_store(self.url, book=1, mode="test", wall=self.clock) as store:
            engine = Engine(1, store, wall=self.clock, process="p1", reactions=reactions or {}, projection=projection)
            try:
                yield engine, projection
            finally:
                await engine.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def book(request, tmp_path):
    if request.param == "sqlite":
        return Book(f"sqlite:///{tmp_path}/keelpay.db")
    return Book(request.getfixturevalue("migrated_dsn"))


@pytest.fixture
async def opened(book):
    """(engine, counters) of a book with one merchant, `cafe`, of the partner `acme`."""
    async with AsyncExitStack() as stack:
        engine, counters = await stack.enter_async_context(book.open())
        await engine.execute(PutRow(row=cafe()))
        yield engine, counters


@pytest.fixture
def call_as(book):
    """Makes a caller the one that handlers see."""

    def become(caller, method="/keelpay.api.risk.v1.RiskService/X"):
        set_current(Call("r-1", caller, method, 0))

    return become


def cafe():
    return Merchant(
        "cafe", "acme", 1, 1, 1, "Cafe", "CAFE", "USD", "UTC@00:00", "{}", "", "{}", 0, "{}", START_US, START_US
    )
