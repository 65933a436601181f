"""A small town: merchants, a bank, captures and refunds on a real book, with clearing wired as `app` wires it."""

import asyncio
import types
import typing
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationResult
from keelpay_server.clearing.paying_out import PayingOut
from keelpay_server.clearing.payout import Payout, PayoutState
from keelpay_server.clearing.payout_commands import CreatePayout
from keelpay_server.clearing.payout_result import record_failure
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.clearing.settling import Settling
from keelpay_server.clearing.window import unsettled_account, window_needs
from keelpay_server.clearing.window_commands import OpenFirstWindow
from keelpay_server.gateway.approvals import AskSecondPerson, DropProposed
from keelpay_server.gateway.bank_commands import OpenBank
from keelpay_server.gateway.matched_line import TellSubject
from keelpay_server.gateway.operation import Operation, OperationState
from keelpay_server.gateway.payment import Payment
from keelpay_server.gateway.payout_operation import SendPayout
from keelpay_server.gateway.refund import Refund, RefundState
from keelpay_server.gateway.resolved_break import SettleSubject, TrySettling
from keelpay_server.gateway.result import RecordOperation
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.posting import payment as payment_posting
from keelpay_server.ledger.posting import refund as refund_posting
from keelpay_server.ledger.posting.refund import Funding
from keelpay_server.storage.audit import SqlAudit
from keelpay_server.storage.channel import SqlChannelRecords
from tests.infrastructure.books import open_engine

CALENDAR, CNY, BANK = "Asia/Shanghai@00:00", "CNY", "sandbox-card"
ACCOUNT = '{"holder": "Cafe", "token": "acct-1", "last_four": "0018"}'
EMPTY = {bytes: b"", int: 0, str: "", bool: False}

REACTIONS = {
    "merchant.created": (OpenFirstWindow(),),
    "payout.created": (AskSecondPerson(),),
    "payout.submitted": (SendPayout(),),
    "break.proposed": (TrySettling(), AskSecondPerson()),
    "adjustment.proposed": (AskSecondPerson(),),
    "proposal.dropped": (DropProposed(),),
    "line.matched": (TellSubject(),),
    "break.resolved": (SettleSubject(),),
}


def row_of(entity: type, **fields: Any) -> Any:
    """An entity whose other fields are empty."""
    found = {}
    for name, hint in typing.get_type_hints(entity).items():
        found[name] = None if isinstance(hint, types.UnionType) else EMPTY.get(hint, 0)
    return entity(**{**found, **fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit(Command):
    """A merchant joins, as auth's command admits it."""

    name: str
    calendar: str = CALENDAR
    payout_account: str = ACCOUNT
    emits: ClassVar[str] = "merchant.created"

    def needs(self, need):
        need.row(Merchant, self.name)

    def decide(self, world):
        merchant = row_of(
            Merchant, id=self.name, partner="acme", number=world.new_owner(), state=1, state_version=1, currency=CNY,
            calendar=self.calendar, payout_bank=BANK, payout_account=self.payout_account,
            statement_descriptor=self.name.upper(),
        )  # fmt: skip
        event = Event("merchant.created", "merchants", self.name, 1, "acme", {})
        return Changes(merchant, events=(event,), opens=(merchant.available(), merchant.owed()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Command):
    """The bank took a payment: authorized and captured in one step."""

    merchant: str
    amount: int
    fee: int = 0
    cost: int = 0
    bank: int = 1
    depth: ClassVar[int] = 1

    def needs(self, need):
        need.row(Merchant, self.merchant)
        window_needs(need)

    def decide(self, world):
        merchant = world.require(Merchant, self.merchant)
        account, opens, opened = unsettled_account(world, merchant)
        parts = parse(account)
        key = world.new_id()
        hold = payment_posting.hold_bank(
            bank=self.bank, merchant=merchant.number, window=parts.window, currency=parts.currency, amount=self.amount
        )
        after = hold.capture(self.amount, final=True)
        posted = payment_posting.capture(hold, after, window=parts.window, fee=self.fee, cost=self.cost)
        operation = row_of(
            Operation, id=world.new_id(), subject_kind="pay", subject=key, merchant=self.merchant, number=1,
            kind=OperationKind.AUTHORIZE, state=OperationState.SUCCEEDED, bank=BANK, currency=CNY, amount=self.amount,
            capture=True, cost=self.cost, create_time=world.wall_us, update_time=world.wall_us,
        ).with_hold(after)  # fmt: skip
        payment = row_of(
            Payment, id=key, merchant=self.merchant, currency=CNY, amount=self.amount, state=8, state_version=1,
            authorized=self.amount, captured=self.amount, fee=self.fee, operation=None, authorization=operation.id,
        )  # fmt: skip
        rows = (operation,) if opened is None else (operation, opened)
        event = Event("payment.captured", "pay", key, 1, self.merchant, {})
        return Changes(payment, rows, posted.legs, (*hold.placed(), *posted.pending), (event,), opens=opens)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRefund(Command):
    """A refund is reserved on the open window's money."""

    payment: bytes
    amount: int

    depth: ClassVar[int] = 2

    def needs(self, need):
        window_needs(need)
        payment = need.row(Payment, self.payment)
        if payment is not None:
            need.row(Merchant, payment.merchant)

    def decide(self, world):
        payment = world.require(Payment, self.payment)
        merchant = world.require(Merchant, payment.merchant)
        parts = parse(unsettled_account(world, merchant)[0])
        funding = Funding(merchant.number, parts.currency, parts.window, 0, self.amount, 0)
        refund = row_of(
            Refund, id=world.new_id(), merchant=merchant.id, payment=payment.id, currency=CNY, amount=self.amount,
            bank=BANK, state=RefundState.RESERVED, state_version=1, held=True, transit=1,
        ).with_funding(funding)  # fmt: skip
        payment = payment._replace(refund_pending=payment.refund_pending + self.amount)
        pending = refund_posting.reserve(funding, 1).pending
        event = Event("refund.reserved", "ref", refund.id, 1, merchant.id, {})
        return Changes(refund, (payment,), pending=pending, events=(event,))


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRefund(Command):
    """The refund leaves, and the bank says yes."""

    refund: bytes
    depth: ClassVar[int] = 2

    def needs(self, need):
        refund = need.row(Refund, self.refund)
        if refund is not None:
            need.row(Payment, refund.payment)

    def decide(self, world):
        refund = world.require(Refund, self.refund)
        payment = world.require(Payment, refund.payment)
        posted = refund_posting.submit(refund.funding, 1)
        operation = row_of(
            Operation, id=world.new_id(), subject_kind="ref", subject=refund.id, merchant=refund.merchant, number=1,
            kind=OperationKind.REFUND, state=OperationState.SUCCEEDED, bank=BANK, currency=CNY, amount=refund.amount,
            create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        refund = refund._replace(
            state=RefundState.SUCCEEDED, held=False, in_transit=refund.amount, state_version=2, operations=1
        )
        payment = payment._replace(
            refund_pending=payment.refund_pending - refund.amount, refunded=payment.refunded + refund.amount
        )
        event = Event("refund.succeeded", "ref", refund.id, 2, refund.merchant, {})
        return Changes(refund, (payment, operation), posted.legs, posted.pending, (event,))


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Command):
    """The payee's bank sends a payout back, and tells us before its statement does."""

    payout: bytes

    def needs(self, need):
        need.row(Payout, self.payout)

    def decide(self, world):
        payout = world.require(Payout, self.payout)
        return record_failure(world, payout, PayoutState.RETURNED, "ACCOUNT_CLOSED")


class Town:
    """One book with clearing on it; work is done when a test says so."""

    def __init__(self, engine, auto_payout=False, portion=500):
        self.engine, self.reader = engine, engine.reader
        self.settling = Settling(engine, auto_payout=auto_payout, portion=portion)
        self.paying = PayingOut(engine)
        self.reconciling = Reconciling(engine, SqlChannelRecords(engine.reader))
        self.audit = SqlAudit(engine.reader, engine.book)

    def start(self):
        """Does clearing's work as it falls due."""
        handlers = {**self.settling.handlers(), **self.paying.handlers(), **self.reconciling.handlers()}
        self.engine.worker.start({**handlers, "operation": _leave})

    async def build(self, *names):
        await self.engine.execute(OpenBank(bank=BANK, currencies=(CNY,), settle_time_us=0, idempotent=True))
        for name in names:
            await self.engine.execute(Admit(name=name))

    async def do(self, command):
        return (await self.engine.execute(command)).row

    async def take(self, merchant, amount, **parts):
        return await self.do(Take(merchant=merchant, amount=amount, **parts))

    async def answer(self, operation, outcome=OperationOutcome.SUCCEEDED, **facts):
        await self.engine.execute(RecordOperation(result=OperationResult(operation, outcome, **facts)))

    async def balance(self, account):
        """Credits less debits, posted."""
        row = await self.reader.account(account)
        return 0 if row is None else row.credits - row.debits

    async def verdict(self):
        news = [one async for one in self.audit.examine()]
        return news[-1]

    async def prove(self):
        """Every invariant of the ledger holds."""
        assert [(f.invariant.name, f.detail) for f in (await self.verdict()).findings if not f.ok] == []

    async def until(self, condition, seconds=20.0):
        """Waits for work to come about."""
        async with asyncio.timeout(seconds):
            while not (found := await condition()):
                await self.engine.hub.wait(None, 0.05)
        return found


async def _leave(tasks, look):
    """Banks are played by the tests."""


@asynccontextmanager
async def open_town(url, *names, **options):
    async with open_engine(url, reactions=REACTIONS) as engine:
        await engine.worker.close()
        engine.worker._closed = False  # the town starts its own handlers
        town = Town(engine, **options)
        town.start()
        await town.build(*names)
        yield town


MAKER = Caller(CallerKind.OPERATOR, "", "ops-1")
CHECKER = Caller(CallerKind.OPERATOR, "", "ops-2")


def payout_of(merchant, amount, number="po-1"):
    return CreatePayout(merchant=merchant, number=number, currency=CNY, amount=amount, caller=MAKER)
