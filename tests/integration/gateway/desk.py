"""The desk where statements arrive at a shop, and where two operators settle what does not agree.

In: a shop on either database. Out: verbs for statements and breaks, and operations in every kind of doubt.
Invariant: `books` are all accounts, so that two ways to the same end can be compared to the last unit.
"""

import json
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from keelpay_server.auth.proposal import Proposal
from keelpay_server.auth.proposal_commands import ApproveProposal
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationOutcome, OperationResult, StatementLine
from keelpay_server.book.rail import Statement as Parsed
from keelpay_server.clearing.bank_statement import Statement
from keelpay_server.clearing.break_commands import ProposeResolution, given_up_from
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Disagreement
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.clearing.statement_commands import BeginStatement, ImportLines
from keelpay_server.gateway.approvals import REBUILDS, AskSecondPerson, DropProposed
from keelpay_server.gateway.capture import CapturePayment
from keelpay_server.gateway.matched_line import TellSubject
from keelpay_server.gateway.operation import QUERY_SCHEDULE_S, Operation
from keelpay_server.gateway.resolved_break import SettleSubject, TrySettling
from keelpay_server.gateway.result import RecordOperation
from keelpay_server.gateway.unknown_operation import SCHEDULE_US
from keelpay_server.storage.channel import SqlChannelRecords
from keelpay_server.storage.opening import open_store
from tests.infrastructure.books import wall_us

from . import shop as shops
from .shop import ACME, Put, Shop
from .test_transfer import withdraw

MAKER = Caller(CallerKind.OPERATOR, "", "ops-1")
CHECKER = Caller(CallerKind.OPERATOR, "", "ops-2")
REACTIONS = {
    **shops.REACTIONS,
    "line.matched": (TellSubject(),),
    "break.proposed": (TrySettling(), AskSecondPerson()),
    "break.resolved": (SettleSubject(),),
    "proposal.dropped": (DropProposed(),),
}
CARD_BANK = "sandbox-card"
MANUAL = 2
UNKNOWN = OperationOutcome.UNKNOWN
FOR_EVER = "tok-pending-for-ever"


class Desk(Shop):
    """See the module."""

    statements = 0

    async def statement(self, *lines, bank=CARD_BANK, day=date(2026, 5, 1)):
        """A statement with lines (kind, amount, operation), reconciled; returns it."""
        self.statements += 1
        number = self.statements
        told = tuple(
            StatementLine(at, f"n{number}-{at}", kind, amount, "CNY", b"" if of is None else of.id, day)
            for at, (kind, amount, of) in enumerate(lines, 1)
        )
        parsed = Parsed(bank, number, day, "CNY", 0, sum(line.amount_minor for line in told), told)
        digest = sha256(repr(parsed).encode()).digest()
        row = await self.run(BeginStatement(parsed=parsed, number=str(number), format=2, sha256=digest))
        if told:
            await self.run(ImportLines(statement=row.id, lines=told))
        await Reconciling(self.engine, SqlChannelRecords(self.reader)).reconcile(row.id, None)
        await self.settle()
        return await self.reader.get(Statement, row.id)

    async def late_statement(self, row, days=0, *lines):
        """A statement of the first day that lets an operation be given up, or of so many days from it."""
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=given_up_from(row))).date()
        return await self.statement(*lines, bank=row.bank, day=day + timedelta(days=days))

    async def breaks(self, **where):
        return await self.reader.find(Disagreement, where, Page(100))

    async def the_break(self, **where):
        """The only open break."""
        (row,) = await self.breaks(state=BreakState.OPEN, **where)
        return row

    async def propose(self, row, resolution, **fields):
        facts = {"merchant": "", "claim": None, "state_version": 0, "comment": "seen", "caller": MAKER, **fields}
        return await self.run(ProposeResolution(disagreement=row.id, resolution=resolution, **facts))

    async def decide(self, row, caller=CHECKER):
        """Approves what is proposed; returns the reason for which it was refused then, or nothing."""
        proposal = await self.reader.get(Proposal, row.proposal)
        act = REBUILDS[proposal.kind](json.loads(proposal.arguments))
        command = ApproveProposal(proposal=proposal.id, comment="yes", act=act, reactions=REACTIONS, caller=caller)
        decided = await self.run(command)
        await self.settle()
        return decided.reason

    async def settle_break(self, row, resolution, **fields):
        """Both people agree; returns the break."""
        assert await self.decide(await self.propose(row, resolution, **fields)) == ""
        return await self.get(Disagreement, row.id)

    async def in_vain(self, operation):
        """Asks about an operation once more, at the end of its schedule; returns the break that tells of it."""
        old = operation._replace(queries=len(QUERY_SCHEDULE_S), create_time=operation.create_time - SCHEDULE_US)
        await self.run(Put(rows=(old,)))
        await self.answer(old, UNKNOWN)
        return await self.the_break(kind=BreakKind.OPERATION_UNKNOWN)

    async def told(self, operation, outcome, **facts):
        """A bank's answer with its charge."""
        await self.run(RecordOperation(result=OperationResult(operation.id, outcome, **facts)))
        await self.settle()

    async def operation(self, key):
        return await self.get(Operation, key)

    async def books(self):
        """Every account that has ever moved: number to what is posted and pending, net."""
        rows, after = [], None
        while True:
            page = await self.reader.accounts(0, 2**63 - 1, Page(500, after))
            rows += page
            if len(page) < 500:
                break
            after = (page[-1].id, page[-1].id)
        net = {row.id: (row.credits - row.debits, row.pending_credits - row.pending_debits) for row in rows}
        return {account: moved for account, moved in net.items() if moved != (0, 0)}

    async def net(self, what, bank=CARD_BANK):
        """The balance of one of a bank's accounts."""
        return (await self.balance(getattr(await self.bank(bank), what)("CNY")))[0]


async def authorizing(desk):
    payment = await desk.pay(5_000, instrument=await desk.instrument(FOR_EVER))
    return (await desk.operations(payment.id))[0]


async def capturing(desk):
    payment = await desk.pay(5_000, capture_method=MANUAL)
    desk.answers("capture", UNKNOWN)
    await desk.run(CapturePayment(caller=ACME, payment=payment.id))
    await desk.settle()
    desk.answers_again("capture")
    return (await desk.operations(payment.id))[-1]


async def refunding(desk):
    payment = await desk.pay(5_000)
    desk.answers("refund", UNKNOWN)
    refund = await desk.refund(payment)
    desk.answers_again("refund")
    return (await desk.operations(refund.id))[-1]


async def withdrawing(desk):
    await desk.fill(10_000)
    transfer = await withdraw(desk, 5_000, await desk.instrument(FOR_EVER))
    await desk.settle()
    return (await desk.operations(transfer.id))[-1]


async def topping_up(desk):
    transfer = await desk.fill(5_000, await desk.instrument(FOR_EVER))
    return (await desk.operations(transfer.id))[-1]


DOUBTFUL = {
    "authorize": authorizing, "capture": capturing, "refund": refunding, "withdrawal": withdrawing,
    "top-up": topping_up,
}  # fmt: skip
"""Operations of 5,000 whose outcome is not known, by what they are for."""


@asynccontextmanager
async def open_desk(database_url):
    """A desk; at the end the invariant checker finds nothing."""
    async with open_store(database_url, book=1, mode="test", wall=wall_us) as store:
        engine = Engine(1, store, wall=wall_us, process="test-process", reactions=REACTIONS)
        desk = Desk(engine)
        try:
            yield await desk.open()
            await desk.settle()
            wrong = [(found.invariant.name, found.detail) for found in await desk.audit()]
            assert not wrong, wrong
        finally:
            await desk.close()
            await engine.close()
