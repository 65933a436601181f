"""The servicers on both databases: what is asked in the contract's words is done, and strangers see nothing."""

import uuid
from hashlib import sha256

import pytest

from keelpay.api.clearing.v1 import (
    ledger_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
    settlement_service_pb2,
)
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.statement_file import parse_statement, render_statement
from keelpay_server.clearing import names
from keelpay_server.clearing.adjustment import Adjustment, AdjustmentState, PostAdjustment
from keelpay_server.clearing.disagreement import Disagreement
from keelpay_server.clearing.ledger_service import LedgerService
from keelpay_server.clearing.payout_service import PayoutService
from keelpay_server.clearing.reconciliation_service import ReconciliationService
from keelpay_server.clearing.settlement_service import SettlementService
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.clearing.window_commands import CloseWindow
from keelpay_server.ledger.account import number
from keelpay_server.ledger.chart import Chart
from keelpay_server.rails.camt053 import parse_camt053
from tests.integration.clearing.test_reconciling import Day
from tests.integration.clearing.town import CNY, open_town

OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")
ACME, STRANGER = Caller(CallerKind.PARTNER, "acme", "acme"), Caller(CallerKind.PARTNER, "evil", "evil")
PAGER = Pager(b"secret")
PARSERS = {1: parse_camt053, 2: lambda content, _bank: parse_statement(content)}


def calling(caller, method="/x/Y"):
    set_current(Call("r", caller, method, 0))


def request_id():
    return str(uuid.uuid4())


async def settled(town):
    await town.do(CloseWindow(window=1))

    async def done():
        return (await town.reader.get(Window, 1)).state == WindowState.SETTLED

    await town.until(done)


async def test_a_preview_is_what_the_settlement_becomes(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000, fee=6)
        await town.take("cafe", 50, fee=1)
        service = SettlementService(town.engine, PAGER)
        calling(ACME)
        asked = settlement_service_pb2.PreviewSettlementRequest(merchant="merchants/cafe", currency_code=CNY)
        preview = (await service.PreviewSettlement(asked, None)).settlement
        await settled(town)
        listed = settlement_service_pb2.ListSettlementsRequest(merchant="merchants/cafe")
        (settlement,) = (await service.ListSettlements(listed, None)).settlements
        assert preview.net.amount_minor == settlement.net.amount_minor == 1043
        assert list(preview.lines) == list(settlement.lines)
        assert sum(line.amount.amount_minor for line in settlement.lines) == settlement.net.amount_minor
        got = await service.GetSettlement(settlement_service_pb2.GetSettlementRequest(name=settlement.name), None)
        assert got.settlement == settlement


async def test_a_stranger_sees_no_settlement_payout_or_balance(database_url):
    async with open_town(database_url, "cafe") as town:
        calling(STRANGER)
        asks = [
            SettlementService(town.engine, PAGER).PreviewSettlement(
                settlement_service_pb2.PreviewSettlementRequest(merchant="merchants/cafe", currency_code=CNY), None
            ),
            PayoutService(town.engine, PAGER).ListPayouts(
                payout_service_pb2.ListPayoutsRequest(parent="merchants/cafe"), None
            ),
            PayoutService(town.engine, PAGER).ListPayouts(
                payout_service_pb2.ListPayoutsRequest(parent="merchants/-"), None
            ),
            LedgerService(town.engine, PAGER, town.audit).GetBalance(
                ledger_service_pb2.GetBalanceRequest(name="merchants/cafe"), None
            ),
        ]
        for ask in asks:
            with pytest.raises(Refused) as refused:
                await ask
            assert refused.value.reason is Reason.NOT_OWNER


async def test_an_operator_closes_a_window_once_and_a_repeat_answers_the_same(database_url):
    async with open_town(database_url, "cafe") as town:
        service = SettlementService(town.engine, PAGER)
        calling(OPERATOR)
        (window,) = (await service.ListWindows(settlement_service_pb2.ListWindowsRequest(), None)).windows
        close = settlement_service_pb2.CloseWindowRequest(name=window.name, request_id=request_id())
        first, again = await service.CloseWindow(close, None), await service.CloseWindow(close, None)
        assert (first.replayed, again.replayed) == (False, True)
        assert first.next_window == again.next_window != first.window.name
        assert (first.window.number, again.window.number) == (1, 1)
        got = await service.GetWindow(settlement_service_pb2.GetWindowRequest(name=first.next_window), None)
        assert got.window.number == 2


async def test_a_payout_is_asked_for_found_and_cancelled(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        await settled(town)
        service = PayoutService(town.engine, PAGER)
        calling(ACME)
        ask = payout_service_pb2.CreatePayoutRequest(
            parent="merchants/cafe", request_id=request_id(), merchant_payout_id="p-1",
            amount={"currency_code": CNY, "amount_minor": 400},
        )  # fmt: skip
        payout = (await service.CreatePayout(ask, None)).payout
        assert (await service.CreatePayout(ask, None)).replayed
        assert payout.proposal.startswith("proposals/prp-")
        assert payout.account_last_four == "0018"
        found = await service.ListPayouts(
            payout_service_pb2.ListPayoutsRequest(parent="merchants/cafe", filter="state = CREATED"), None
        )
        assert [row.name for row in found.payouts] == [payout.name]
        cancel = payout_service_pb2.CancelPayoutRequest(name=payout.name, request_id=request_id(), state_version=7)
        with pytest.raises(Refused) as refused:
            await service.CancelPayout(cancel, None)
        assert refused.value.reason is Reason.ETAG_MISMATCH
        cancel = payout_service_pb2.CancelPayoutRequest(name=payout.name, request_id=request_id(), state_version=1)
        assert (await service.CancelPayout(cancel, None)).payout.state == 7
        got = await service.GetPayout(payout_service_pb2.GetPayoutRequest(name=payout.name), None)
        assert got.payout.state == 7


async def test_accounts_legs_and_balances_are_read_as_of_one_sequence(database_url):
    async with open_town(database_url, "cafe", "shop") as town:
        payment = await town.take("cafe", 1000, fee=6)
        await town.take("shop", 50)
        service = LedgerService(town.engine, PAGER, town.audit)
        calling(OPERATOR)
        cafe = await town.reader.get(Merchant, "cafe")
        name = names.account_name(1, cafe.unsettled(1))
        got = await service.GetAccount(ledger_service_pb2.GetAccountRequest(name=name), None)
        assert (got.account.balance_minor, got.account.owner, got.account.code) == (994, "merchants/cafe", 2100)
        assert got.account.sequence == (await town.reader.book()).sequence
        legs = await service.ListLegs(ledger_service_pb2.ListLegsRequest(account=name), None)
        assert [(leg.kind, leg.amount.amount_minor) for leg in legs.legs] == [("capture", 1000), ("fee", 6)]
        resource = legs.legs[0].resource
        assert resource.startswith("merchants/cafe/payments/pay-")
        about = await service.ListLegs(ledger_service_pb2.ListLegsRequest(resource=resource), None)
        assert list(about.legs) == list(legs.legs)
        assert payment is not None
        balance = await service.GetBalance(ledger_service_pb2.GetBalanceRequest(name="merchants/cafe"), None)
        assert balance.balances[0].unsettled.amount_minor == 994


async def test_accounts_are_listed_page_by_page_and_by_owner_window_and_code(database_url):
    async with open_town(database_url, "cafe", "shop") as town:
        await town.take("cafe", 1000, fee=6)
        await town.take("shop", 50)
        service = LedgerService(town.engine, PAGER, town.audit)
        calling(OPERATOR)
        whole = await service.ListAccounts(ledger_service_pb2.ListAccountsRequest(page_size=200), None)
        pages, token = [], ""
        while True:
            ask = ledger_service_pb2.ListAccountsRequest(page_size=4, page_token=token)
            page = await service.ListAccounts(ask, None)
            pages += page.accounts
            token = page.next_page_token
            if not token:
                break
        assert [row.name for row in pages] == [row.name for row in whole.accounts]
        window = names.window_name(1, 1)
        for condition, codes in (
            ('owner = "merchants/cafe"', {1230, 2110}),
            (f'window = "{window}"', {2100}),
            ("code = 2110", {2110}),
            (f'owner = "merchants/shop" AND window = "{window}"', {2100}),
        ):
            found = await service.ListAccounts(ledger_service_pb2.ListAccountsRequest(filter=condition), None)
            assert {row.code for row in found.accounts} == codes, condition


async def test_the_ledger_is_proved_as_a_stream_that_ends_with_one_finding_an_invariant(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000)
        calling(OPERATOR)
        service = LedgerService(town.engine, PAGER, town.audit)
        found = [one async for one in service.VerifyLedger(ledger_service_pb2.VerifyLedgerRequest(), None)]
        assert [one.invariant for one in found if one.complete] == list(range(1, 9))
        assert all(one.ok for one in found)
        some = service.VerifyLedger(ledger_service_pb2.VerifyLedgerRequest(invariants=[2]), None)
        assert [one.invariant async for one in some] == [2]


async def test_an_adjustment_waits_for_a_second_person(database_url):
    async with open_town(database_url, "cafe") as town:
        await town.take("cafe", 1000, fee=6)
        await settled(town)
        service = LedgerService(town.engine, PAGER, town.audit)
        calling(OPERATOR)
        cafe = await town.reader.get(Merchant, "cafe")
        income = number(Chart.FEE_INCOME, 156)
        ask = ledger_service_pb2.PostAdjustmentRequest(
            request_id=request_id(), comment="fee waived",
            legs=[{
                "debit_account": names.account_name(1, income),
                "credit_account": names.account_name(1, cafe.available()),
                "amount": {"currency_code": CNY, "amount_minor": 6},
            }],
        )  # fmt: skip
        answer = await service.PostAdjustment(ask, None)
        assert answer.proposal.startswith("proposals/prp-")
        (row,) = await town.reader.find(Adjustment, {}, Page(10))
        assert await town.balance(cafe.available()) == 994
        row = await town.do(PostAdjustment(adjustment=row.id))
        assert (row.state, await town.balance(cafe.available())) == (AdjustmentState.POSTED, 1000)
        await town.prove()


async def test_an_adjustment_moves_no_reserve_and_takes_from_no_payer(database_url):
    async with open_town(database_url, "cafe") as town:
        service = LedgerService(town.engine, PAGER, town.audit)
        calling(OPERATOR)
        income = names.account_name(1, number(Chart.FEE_INCOME, 156))
        for chart in (Chart.BANK_RESERVE, Chart.PAYER_BALANCE, Chart.PAYOUT_TRANSIT):
            ask = ledger_service_pb2.PostAdjustmentRequest(
                request_id=request_id(), comment="x",
                legs=[{
                    "debit_account": names.account_name(1, number(chart, 156, 1)), "credit_account": income,
                    "amount": {"currency_code": CNY, "amount_minor": 6},
                }],
            )  # fmt: skip
            with pytest.raises(Refused) as refused:
                await service.PostAdjustment(ask, None)
            assert refused.value.reason is Reason.FIELD_INVALID


def stream(header, content, size=100):
    async def parts():
        yield reconciliation_service_pb2.ImportStatementRequest(header=header)
        for at in range(0, len(content), size):
            yield reconciliation_service_pb2.ImportStatementRequest(chunk=content[at : at + size])

    return parts()


async def test_a_statement_file_is_imported_as_a_stream_and_its_breaks_are_listed(database_url):
    async with open_town(database_url, "cafe") as town:
        service = ReconciliationService(town.engine, PAGER, town.reconciling, PARSERS)
        calling(OPERATOR)
        content = render_statement(Day(1).line(StatementLineKind.OTHER, 5).parsed())
        header = reconciliation_service_pb2.StatementHeader(
            request_id=request_id(), bank="sandbox-card", currency_code=CNY, statement_number="1", format=2,
            content_sha256=sha256(content).digest(),
        )  # fmt: skip
        first = await service.ImportStatement(stream(header, content), None)
        again = await service.ImportStatement(stream(header, content), None)
        assert (first.replayed, again.replayed, first.statement.name) == (False, True, again.statement.name)
        run = reconciliation_service_pb2.RunReconciliationRequest(
            statement=first.statement.name, request_id=request_id()
        )
        ran = await service.RunReconciliation(run, None)
        assert (ran.statement.line_count, ran.statement.matched_count, ran.statement.open_break_count) == (1, 0, 1)
        sequence = (await town.reader.book()).sequence
        repeated = await service.RunReconciliation(run, None)
        assert (ran.replayed, repeated.replayed, repeated.statement) == (False, True, ran.statement)
        assert (await town.reader.book()).sequence == sequence
        (found,) = (await service.ListBreaks(reconciliation_service_pb2.ListBreaksRequest(), None)).breaks
        assert (found.bank_amount.amount_minor, found.HasField("ledger_amount")) == (5, False)
        resolved = await service.ResolveBreak(
            reconciliation_service_pb2.ResolveBreakRequest(
                name=found.name, request_id=request_id(), resolution=2, resource="merchants/cafe", comment="theirs"
            ),
            None,
        )
        assert resolved.reconciliation_break.state == 3
        assert resolved.proposal.startswith("proposals/prp-")
        assert await town.reader.count(Disagreement, {}) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"statement_number": "2"}, "inside the document"),
        ({"content_sha256": b"x" * 32}, "SHA-256"),
    ],
)
async def test_a_statement_that_is_not_what_its_header_says_is_refused(database_url, change, says):
    async with open_town(database_url) as town:
        service = ReconciliationService(town.engine, PAGER, town.reconciling, PARSERS)
        calling(OPERATOR)
        content = render_statement(Day(1).parsed())
        facts = {
            "request_id": request_id(), "bank": "sandbox-card", "currency_code": CNY, "statement_number": "1",
            "format": 2, "content_sha256": sha256(content).digest(), **change,
        }  # fmt: skip
        header = reconciliation_service_pb2.StatementHeader(**facts)
        with pytest.raises(Refused, match=says) as refused:
            await service.ImportStatement(stream(header, content), None)
        assert refused.value.reason is Reason.STATEMENT_INVALID


async def test_a_cut_statement_is_refused_with_its_line_and_leaves_nothing(database_url):
    async with open_town(database_url) as town:
        service = ReconciliationService(town.engine, PAGER, town.reconciling, PARSERS)
        calling(OPERATOR)
        content = render_statement(Day(1).line(StatementLineKind.OTHER, 5).parsed())[:-20]
        header = reconciliation_service_pb2.StatementHeader(
            request_id=request_id(), bank="sandbox-card", currency_code=CNY, statement_number="1", format=2,
            content_sha256=sha256(content).digest(),
        )  # fmt: skip
        with pytest.raises(Refused) as refused:
            await service.ImportStatement(stream(header, content), None)
        assert refused.value.reason is Reason.STATEMENT_INVALID
        assert refused.value.metadata["line"] == "3"
        listed = await service.ListStatements(reconciliation_service_pb2.ListStatementsRequest(), None)
        assert list(listed.statements) == []


async def test_a_bank_sees_only_its_own_statements(database_url):
    async with open_town(database_url) as town:
        service = ReconciliationService(town.engine, PAGER, town.reconciling, PARSERS)
        calling(Caller(CallerKind.BANK, "", "other-bank"))
        content = render_statement(Day(1).parsed())
        header = reconciliation_service_pb2.StatementHeader(
            request_id=request_id(), bank="sandbox-card", currency_code=CNY, statement_number="1", format=2,
            content_sha256=sha256(content).digest(),
        )  # fmt: skip
        with pytest.raises(Refused) as refused:
            await service.ImportStatement(stream(header, content), None)
        assert refused.value.reason is Reason.NOT_OWNER
