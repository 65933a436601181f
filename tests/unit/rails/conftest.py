"""A sandbox bank in memory, with a clock that the test moves."""

from itertools import count

import pytest

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest
from keelpay_server.rails.sandbox.bank import SandboxBank
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.store import BankStore

NOON_US = 1_772_337_600_000_000  # 2026-03-01 04:00 UTC, noon at UTC+8
SECOND_US = 1_000_000


class Counter:
    """Sits before a bank: short words for requests, and the first answer's result."""

    def __init__(self, profile=None, path=None):
        self.now_us = NOON_US
        self.bank = SandboxBank(profile or BankProfile(), BankStore(path), lambda: self.now_us, tells=True)
        self._keys = count(1)

    def key(self):
        return next(self._keys).to_bytes(16, "big")

    def ask(self, kind, **fields):
        fields.setdefault("key", self.key())
        return self.bank.operate([OperationRequest(kind=OperationKind[kind], **fields)])[0]

    def authorize(self, amount=1000, **fields):
        fields = {"instrument": "tok-x", "currency": "CNY"} | fields
        return self.ask("AUTHORIZE", amount_minor=amount, **fields).result

    def capture(self, original, amount=1000, **fields):
        fields = {"original_key": original.key, "currency": "CNY"} | fields
        return self.ask("CAPTURE", amount_minor=amount, **fields).result

    def void(self, original, **fields):
        return self.ask("VOID", original_key=original.key, **fields).result

    def refund(self, original, amount=1000, **fields):
        fields = {"original_key": original.key, "currency": "CNY"} | fields
        return self.ask("REFUND", amount_minor=amount, **fields).result

    def pay(self, amount=1000, **fields):
        fields = {"instrument": "tok-x", "currency": "CNY"} | fields
        return self.ask("PAY", amount_minor=amount, **fields).result

    def query(self, result):
        return self.bank.query([result.key])[0]

    def wait(self, seconds):
        self.now_us += seconds * SECOND_US

    def close_day(self, currency="CNY"):
        day = self.bank.business_date
        self.bank.advance(days=1)
        return self.bank.statement(day, currency)


def said(result):
    return (result.outcome.name, result.code)


@pytest.fixture
def make_counter():
    made = []

    def make(profile=None, path=None):
        made.append(Counter(profile, path))
        return made[-1]

    yield make
    for counter in made:
        counter.bank.close()


@pytest.fixture
def counter(make_counter):
    return make_counter()


@pytest.fixture(name="said")
def said_fixture():
    return said


@pytest.fixture
def done():
    return OperationOutcome.SUCCEEDED
