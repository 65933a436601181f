"""Payments out that come back, or are made after all: by the bank's word and by its statement, in either order."""

from datetime import date
from hashlib import sha256

import pytest

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import OperationOutcome, StatementLine, StatementLineKind
from keelpay_server.book.rail import Statement as Parsed
from keelpay_server.clearing.bank_statement import BankLine, LineState
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.clearing.statement_commands import BeginStatement, ImportLines
from keelpay_server.gateway.matched_line import TellSubject
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.refund import Refund, RefundState
from keelpay_server.gateway.refund_commands import RerouteRefund
from keelpay_server.gateway.stray import Stray
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.storage.channel import SqlChannelRecords
from keelpay_server.storage.opening import open_store
from tests.infrastructure.books import wall_us

from .shop import REACTIONS, WALLET, Shop
from .test_transfer import withdraw

_K, _O, _S = StatementLineKind, OperationOutcome, RefundState
CARD_BANK, WALLET_BANK = "sandbox-card", "sandbox-wallet"


class Counter(Shop):
    """A shop whose banks' statements arrive."""

    statements = 0

    async def line(self, kind, amount, operation, bank=CARD_BANK):
        """A statement with one line, reconciled; returns the line."""
        type(self).statements += 1
        number = self.statements
        told = StatementLine(1, f"n{number}", kind, amount, "CNY", operation.id, date(2026, 5, 1))
        parsed = Parsed(bank, number, date(2026, 5, 1), "CNY", 0, amount, (told,))
        digest = sha256(repr(parsed).encode()).digest()
        row = await self.run(BeginStatement(parsed=parsed, number=str(number), format=2, sha256=digest))
        await self.run(ImportLines(statement=row.id, lines=parsed.lines))
        await Reconciling(self.engine, SqlChannelRecords(self.reader)).reconcile(row.id, None)
        (line,) = await self.reader.find(BankLine, {"statement": row.id}, Page(2))
        return line

    async def state_of(self, account):
        """The balance of one of the accounts in between, posted."""
        return (await self.balance(account))[0]

    async def operation(self, subject, at=-1):
        return (await self.operations(subject.id))[at]


@pytest.fixture
async def shop(database_url):
    async with open_store(database_url, book=1, mode="test", wall=wall_us) as store:
        reactions = {**REACTIONS, "line.matched": (TellSubject(),)}
        engine = Engine(1, store, wall=wall_us, process="test-process", reactions=reactions)
        shop = Counter(engine)
        try:
            yield await shop.open()
            await shop.settle()
            assert await shop.audit() == []
        finally:
            await shop.close()
            await engine.close()


async def withdrawal(shop, token="card"):
    """A withdrawal of 4,000 out of 10,000."""
    await shop.fill(10_000)
    transfer = await withdraw(shop, 4_000, await shop.instrument(token))
    await shop.settle()
    return transfer, await shop.operation(transfer)


async def paid_after_all(shop):
    """A withdrawal that its bank carried out after it had said no."""
    transfer, asked = await withdrawal(shop, "tok-pending-for-ever")
    await shop.answer(asked, _O.FAILED, "PROCESSING_ERROR")
    await shop.answer(asked, _O.SUCCEEDED)
    return transfer, asked


async def nothing_in_between(shop, *subjects):
    """What is in transit and in suspense at the banks is nothing, and the nouns say so."""
    for name in (CARD_BANK, WALLET_BANK):
        bank = await shop.bank(name)
        for account in (bank.suspense("CNY"), bank.payout_transit("CNY")):
            assert await shop.state_of(account) == 0
    for entity, subject in subjects:
        row = await shop.get(entity, subject.id)
        assert (row.in_transit, row.in_suspense) == (0, 0)


async def test_a_withdrawal_paid_after_all_and_sent_back_is_the_payers_once(shop):
    transfer, asked = await paid_after_all(shop)
    for _ in range(2):
        await shop.answer(asked, _O.RETURNED, "RETURNED")
    assert await shop.held() == (10_000, 0)
    assert (await shop.get(Transfer, transfer.id)).state == OperationState.FAILED
    await nothing_in_between(shop, (Transfer, transfer))


async def test_lines_of_a_withdrawal_paid_after_all_and_sent_back_settle_the_claim(shop):
    transfer, asked = await paid_after_all(shop)
    await shop.line(_K.PAYOUT, -4_000, asked)
    assert (await shop.get(Transfer, transfer.id)).in_suspense == -4_000
    await shop.line(_K.PAYOUT_RETURN, 4_000, asked)
    await shop.answer(asked, _O.RETURNED, "RETURNED")
    assert await shop.held() == (10_000, 0)
    await nothing_in_between(shop, (Transfer, transfer))


@pytest.mark.parametrize("told_at", [0, 1, 2], ids=["before both lines", "between the lines", "after both lines"])
async def test_a_withdrawal_sent_back_is_the_payers_again_once_whenever_the_bank_says_so(shop, told_at):
    transfer, asked = await withdrawal(shop)
    assert await shop.held() == (6_000, 0)
    for at in range(3):
        if at == told_at:
            await shop.answer(asked, _O.RETURNED, "RETURNED")
            assert await shop.audit() == []
        if at == 0:
            assert (await shop.line(_K.PAYOUT, -4_000, asked)).state == LineState.MATCHED
            assert await shop.audit() == []
        if at == 1:
            assert (await shop.line(_K.PAYOUT_RETURN, 4_000, asked)).state == LineState.MATCHED
    assert await shop.held() == (10_000, 0)
    assert (await shop.get(Transfer, transfer.id)).state == OperationState.FAILED
    await nothing_in_between(shop, (Transfer, transfer))


async def test_a_return_that_never_left_is_a_break(shop):
    transfer, asked = await withdrawal(shop)
    assert (await shop.line(_K.PAYOUT_RETURN, 4_000, asked)).state == LineState.BROKEN
    assert await shop.held() == (6_000, 0)
    assert (await shop.get(Transfer, transfer.id)).in_transit == 4_000


async def rerouted(shop, token="tok-ok"):
    """A refund of 10,000 that the card's bank declined, sent by the wallet's bank instead, with both operations."""
    payment = await shop.pay(10_000, instrument=await shop.instrument("tok-refund-account-closed"))
    refund = await shop.refund(payment)
    wallet = await shop.instrument(token, WALLET_BANK, WALLET)
    await shop.run(RerouteRefund(refund=refund.id, instrument=wallet.id))
    await shop.settle()
    first, second = await shop.operations(refund.id)
    return await shop.get(Refund, refund.id), first, second


@pytest.mark.parametrize("told_at", [0, 1, 2], ids=["before both lines", "between the lines", "after both lines"])
async def test_a_rerouted_refund_that_is_sent_back_waits_for_another_way_whenever_the_bank_says_so(shop, told_at):
    refund, _, second = await rerouted(shop)
    assert (refund.state, (await shop.payment(refund.payment)).refunded) == (_S.SUCCEEDED, 10_000)
    for at in range(3):
        if at == told_at:
            await shop.answer(second, _O.RETURNED, "RETURNED")
            assert await shop.audit() == []
        if at == 0:
            assert (await shop.line(_K.PAYOUT, -10_000, second, WALLET_BANK)).state == LineState.MATCHED
            assert await shop.audit() == []
        if at == 1:
            assert (await shop.line(_K.PAYOUT_RETURN, 10_000, second, WALLET_BANK)).state == LineState.MATCHED
    refund, payment = await shop.get(Refund, refund.id), await shop.payment(refund.payment)
    assert (refund.state, refund.in_transit, refund.success_time) == (_S.ABNORMAL, 10_000, 0)
    assert (payment.refund_pending, payment.refunded) == (10_000, 0)
    await nothing_in_between(shop)
    done = await shop.run(RerouteRefund(refund=refund.id))
    assert (done.state, await shop.held()) == (_S.SUCCEEDED, (10_000, 0))
    await shop.answer(second, _O.RETURNED, "RETURNED")
    assert (await shop.get(Refund, refund.id)).state == _S.SUCCEEDED


async def test_a_refund_sent_back_at_once_waits_for_another_way_and_is_not_sent_again(shop):
    refund, _, second = await rerouted(shop, "tok-pending-for-ever")
    await shop.answer(second, _O.RETURNED, "ACCOUNT_CLOSED")
    refund = await shop.get(Refund, refund.id)
    assert (refund.state, refund.operations, refund.in_transit) == (_S.ABNORMAL, 2, 10_000)


@pytest.mark.parametrize("token", ["tok-ok", "tok-pending-for-ever"])
async def test_a_refund_that_the_first_bank_sent_after_its_reroute_is_an_open_item_of_that_bank(shop, token):
    refund, first, _ = await rerouted(shop, token)
    await shop.answer(first, _O.SUCCEEDED)
    old, new = await shop.bank(), await shop.bank(WALLET_BANK)
    stray = await shop.get(Stray, first.id)
    assert (stray.bank, stray.in_transit, stray.in_suspense) == (old.number, 10_000, -10_000)
    assert await shop.state_of(old.refund_transit("CNY")) == await shop.state_of(new.refund_transit("CNY")) == 10_000
    assert (await shop.get(Refund, refund.id)).in_transit == 10_000
    assert await shop.audit() == []
    assert (await shop.line(_K.REFUND, -10_000, first)).state == LineState.MATCHED
    stray = await shop.get(Stray, first.id)
    assert (stray.in_transit, stray.in_suspense, await shop.state_of(old.refund_transit("CNY"))) == (0, -10_000, 0)


async def test_a_refund_that_the_first_bank_sent_while_the_second_refused_it_has_arrived_from_the_first(shop):
    refund, first, second = await rerouted(shop, "tok-pending-for-ever")
    await shop.answer(second, _O.DECLINED, "ACCOUNT_CLOSED")
    await shop.answer(first, _O.SUCCEEDED)
    refund, old = await shop.get(Refund, refund.id), await shop.bank()
    assert (refund.state, refund.bank, refund.transit) == (_S.SUCCEEDED, CARD_BANK, old.number)
    assert (await shop.line(_K.REFUND, -10_000, first)).state == LineState.MATCHED
    assert (await shop.get(Refund, refund.id)).in_transit == 0
