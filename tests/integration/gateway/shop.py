"""A shop in a real book: a merchant, a payer with a balance and a card, sandbox banks, and everything due done at once.

In: an engine on either database. Out: verbs that run real commands. Invariant: `audit` runs the product's own checker.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keelpay_server.auth.client_commands import CreateClient
from keelpay_server.auth.mandate import Mandate, MandateState
from keelpay_server.auth.merchant_commands import CreateMerchant
from keelpay_server.book import journal
from keelpay_server.book.bank import Bank
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.changes import Changes, Event, Work
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.request import request_of
from keelpay_server.clearing.audit import Verdict
from keelpay_server.clearing.settling import Settling
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow, OpenFirstWindow
from keelpay_server.gateway.bank_commands import OpenBank
from keelpay_server.gateway.create import CreatePayment
from keelpay_server.gateway.dispatch import Dispatcher
from keelpay_server.gateway.expiry import expiry_handlers
from keelpay_server.gateway.instrument import Instrument, InstrumentState
from keelpay_server.gateway.method import Method
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.payer_commands import CreatePayer
from keelpay_server.gateway.payment import Payment
from keelpay_server.gateway.refund import Refund, RefundPolicy
from keelpay_server.gateway.refund_advance import refund_handlers
from keelpay_server.gateway.refund_commands import CreateRefund
from keelpay_server.gateway.result import RecordOperation
from keelpay_server.gateway.review import PaymentReviewed
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.gateway.transfer_commands import TopUp
from keelpay_server.ledger.posting.bank import capital
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.local_rail import open_local_rail
from keelpay_server.storage.audit import SqlAudit

ACME = Caller(CallerKind.PARTNER, "acme", "acme")
AMA, CAFE = "acme/ama", "cafe"
BALANCE, CARD, WALLET = 2, 3, 1
CNY = 156
SECOND, DAY = 1_000_000, 86_400_000_000
FEES = '{"default": {"basis_points": 100, "fixed_minor": 0}}'
POLICY = RefundPolicy(may_owe=False, return_fee=True)
REACTIONS = {"merchant.created": (OpenFirstWindow(),), "review.decided": (PaymentReviewed(),)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Command):
    """Puts rows as they are, standing for the rooms that own them."""

    rows: tuple[Any, ...]

    def needs(self, need):
        for row in self.rows:
            need.row(type(row), row[0])

    def decide(self, world):
        return Changes(rows=self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayIn(Command):
    """Own funds of the house, so that what banks charge is not paid with clients' money."""

    bank: Bank

    def decide(self, world):
        posted = capital(bank=self.bank.number, currency=CNY, amount=1_000_000)
        return Changes(legs=posted.legs, events=(Event("capital.paid_in", "banks", self.bank.id, 1, "", {}),))


class Shop:
    """See the module."""

    def __init__(self, engine, policy=POLICY):
        self.engine, self.reader, self.policy = engine, engine.reader, policy
        self.bank_ahead_us = 0
        self.rails = {
            name: open_local_rail(BankProfile(bank=name, behaviour=kind), clock=self.bank_clock, sleep=self.no_wait)
            for name, kind in (("sandbox-card", Behaviour.CARD), ("sandbox-wallet", Behaviour.WALLET))
        }
        self.dispatcher = Dispatcher(engine, self.rails)
        settling = Settling(engine, auto_payout=False)
        self.handlers = {
            "operation": self.dispatcher.handle, **refund_handlers(engine, policy), **expiry_handlers(engine),
            **settling.handlers(),
        }  # fmt: skip
        # The worker follows up on commits; what is due later is done when a test says so (`do_due`).
        engine.worker._handlers = self.handlers
        self.numbers = 0

    def bank_clock(self):
        """The banks' clock: ours, and as much ahead as a test wants."""
        return self.engine.wall() + self.bank_ahead_us

    @staticmethod
    async def no_wait(_seconds):
        await asyncio.sleep(0)

    async def open(self):
        """Banks, a partner, a merchant, a payer with two instruments."""
        for name in self.rails:
            await self.run(OpenBank(bank=name, currencies=("CNY",), settle_time_us=0, idempotent=True))
            await self.run(PayIn(bank=await self.bank(name)))
        key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        await self.run(CreateClient(client="partners/acme", display_name="Acme", scopes=frozenset(), public_key=key))
        await self.run(
            CreateMerchant(
                merchant=CAFE, partner="acme", display_name="Café", statement_descriptor="CAFE", currency="CNY",
                calendar="Asia/Shanghai@00:00", fee_plan=FEES, payout_bank="", payout_account="", metadata="",
                return_origins="https://shop.example com.example.app:",
            )
        )  # fmt: skip
        await self.run(CreatePayer(partner="acme", person="ama", handle=secrets.token_bytes(32)))
        self.card = await self.instrument()
        return self

    async def close(self):
        """Closes the banks."""
        await self.settle()
        for rail in self.rails.values():
            await rail.close()

    async def run(self, command):
        """Executes a command and returns the row it answers with."""
        outcome = await self.engine.execute(command)
        return outcome.row

    def asked(self, name):
        """An identity for a request; the same name is the same request."""
        key = name.encode().ljust(16, b"\0")[:16]
        return request_of("partner:acme", "/test", "merchants/cafe", key, name.encode())

    async def instrument(
        self, token="card", bank="sandbox-card", channel=CARD, payer=AMA, state=InstrumentState.ACTIVE
    ):
        """An instrument as tokenising leaves it; the sandbox does as its token says."""
        row = Instrument(
            secrets.token_bytes(16), payer, channel, bank, token, b"sealed", "nobody", "f" * 32, "Visa •••• 4242",
            "visa", "4242", 12, 2040, state, 1, 1, 1,
        )  # fmt: skip
        await self.run(Put(rows=(row,)))
        return row

    async def settle(self):
        """Waits until nothing runs here any more."""
        for _ in range(50):
            await self.engine.worker.idle()
            await asyncio.sleep(0)
        await self.engine.worker.idle()

    async def advance(self, by_us):
        """Moves the business clock, and does whatever became due."""
        await self.engine.store.advance(by_us)
        await self.do_due()

    async def do_due(self):
        """Claims and does what is due, until nothing is."""
        for _ in range(20):
            tasks = await self.engine.store.claim("test", self.engine.wall(), 1, 500)
            for task in tasks:
                await self.handlers[task.kind]([task], lambda _entity, _key: None)
            await self.settle()
            if not tasks:
                return

    async def pay(self, amount=10_000, *, method=None, instrument=None, order=None, capture_method=1, payer=AMA):
        """A payment by card, captured unless its token says otherwise."""
        self.numbers += 1
        used = instrument or self.card
        method = method or Method(used.channel, used.id, None, used.bank, used.token)
        row = await self.run(
            CreatePayment(
                caller=ACME, merchant=CAFE, number=f"p-{self.numbers}", order=order, payer=payer, method=method,
                region="CN", region_source=1, currency="CNY", amount=amount, capture_method=capture_method,
                description="", descriptor="", metadata="", device="", expire_time=0, go=True,
                received_us=self.engine.wall(),
            )
        )  # fmt: skip
        await self.settle()
        return await self.payment(row.id)

    async def fill(self, amount=100_000, instrument=None):
        """Tops the payer's balance up."""
        used = instrument or self.card
        row = await self.run(TopUp(caller=ACME, payer=AMA, instrument=used.id, currency="CNY", amount=amount))
        await self.settle()
        return await self.reader.get(Transfer, row.id)

    async def pay_from_balance(self, amount=10_000, capture_method=1):
        """A payment from the payer's balance, under a mandate."""
        mandate = Mandate(
            id=secrets.token_bytes(16), merchant=CAFE, payer=AMA, instrument=None, currency="CNY",
            payment_max=10**9, day_max=10**9, total_max=0, day_zone="Asia/Shanghai", state=MandateState.ACTIVE,
            state_version=1, day=0, spent_day=0, spent_total=0, confirmation=bytes(16), expire_time=1 << 60,
            create_time=1, update_time=1,
        )  # fmt: skip
        await self.run(Put(rows=(mandate,)))
        return await self.pay(amount, method=Method(BALANCE, None, mandate.id, "", ""), capture_method=capture_method)

    async def get_mandate(self, payment):
        """The mandate a payment was made under."""
        return await self.reader.get(Mandate, payment.mandate)

    async def pay_from_balance_manually(self, amount=10_000):
        """A payment from the payer's balance, under a mandate, held for a later capture."""
        return await self.pay_from_balance(amount, capture_method=2)

    def answers(self, what, outcome, code="", bank="sandbox-card"):
        """Has a bank answer every request of a kind in the same way, and do nothing."""

        async def answer(request):
            return OperationResult(request.key, outcome, code)

        setattr(self.rails[bank], what, answer)

    def answers_again(self, what, bank="sandbox-card"):
        """Lets a bank do again what it is asked."""
        delattr(self.rails[bank], what)

    def pass_bank_time(self, seconds):
        """Lets the banks' clocks run ahead."""
        self.bank_ahead_us += seconds * SECOND

    async def refund(self, payment, amount=0, number="", **fields):
        """Asks for a refund and lets the bank answer."""
        self.numbers += 1
        row = await self.run(
            CreateRefund(
                caller=ACME, merchant=CAFE, number=number or f"r-{self.numbers}", payment=payment.id, amount=amount,
                policy=self.policy, **fields,
            )
        )  # fmt: skip
        await self.settle()
        return await self.reader.get(Refund, row.id)

    async def answer(self, operation, outcome, code="", cost=0):
        """A bank's answer, as a notification brings it."""
        await self.run(RecordOperation(result=OperationResult(operation.id, outcome, code, cost_minor=cost)))
        await self.settle()

    async def close_window(self):
        """Closes and settles the open window."""
        (window,) = await self.reader.find(Window, {"state": int(WindowState.OPEN)}, Page(10))
        await self.run(CloseWindow(window=window.id))
        await self.do_due()

    async def payment(self, key):
        return await self.reader.get(Payment, key)

    async def get(self, entity, key):
        return await self.reader.get(entity, key)

    async def operations(self, subject):
        """Everything asked of a bank for a subject, oldest first."""
        return await self.reader.find(Operation, {"subject": subject}, Page(100, order="number"))

    async def balance(self, account):
        """Credits less debits of an account, and what is pending on its debit side."""
        row = await self.reader.account(account)
        return (row.credits - row.debits, row.pending_debits) if row else (0, 0)

    async def held(self):
        """What the payer has: (balance, held)."""
        payer = await self.reader.get(Payer, AMA)
        return await self.balance(payer.balance("CNY"))

    async def payer(self):
        return await self.reader.get(Payer, AMA)

    async def merchant(self):
        return await self.reader.get(Merchant, CAFE)

    async def bank(self, name="sandbox-card"):
        return await self.reader.get(Bank, name)

    async def work(self, key):
        return await self.reader.get(Work, key)

    async def events(self):
        """The types of all events, in order."""
        rows = await self.reader.journal(0, 1000)
        return [event[1] for row in rows for event in journal.decode(row.body).events]

    async def audit(self):
        """Every finding of the invariant checker that is not in order."""
        told = [told async for told in SqlAudit(self.reader, 1).examine()]
        (verdict,) = [each for each in told if isinstance(each, Verdict)]
        return [finding for finding in verdict.findings if not finding.ok]
