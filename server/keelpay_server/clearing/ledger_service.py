"""LedgerService on the wire: reads of accounts and legs, the proof of the whole, corrections by two people.

In: validated requests of authenticated callers. Out: what is stored. Invariant: reads change nothing; an adjustment is
only proposed here.
"""

from collections.abc import AsyncIterator
from typing import Final

from keelpay.api.clearing.v1 import account_pb2, ledger_service_pb2, ledger_service_pb2_grpc
from keelpay_server.book.bank import Bank
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import parse_filter, text_of
from keelpay_server.book.ids import parse, text
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.wire_render import money
from keelpay_server.ledger.account import currency_number, merchant_available, merchant_owed, number
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.currency import CurrencyError, currency
from keelpay_server.ledger.finding import Finding, Invariant

from . import names
from .adjustment import KIND as ADJUSTMENT
from .adjustment import Adjustment, ProposeAdjustment, check_leg
from .audit import LedgerAudit, Verdict
from .ledger_reads import accounts_where, events_of, legs_about, owners_of, range_of, unsettled_of
from .ledger_render import render_account, render_leg

_ACCOUNT_FILTERS: Final = {name: text_of(name) for name in ("owner", "code", "currency_code", "window", "book")}


class LedgerService(ledger_service_pb2_grpc.LedgerServiceServicer):
    """The ledger (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        audit: Proves the book.
    """

    def __init__(self, engine: Engine, pager: Pager, audit: LedgerAudit) -> None:
        self._engine, self._reader, self._pager, self._audit = engine, engine.reader, pager, audit

    async def GetAccount(
        self, request: ledger_service_pb2.GetAccountRequest, context: object
    ) -> ledger_service_pb2.GetAccountResponse:
        """See the contract."""
        wanted = names.account_of(request.name, self._engine.book)
        async with self._reader.consistent() as moment:
            row = await moment.account(wanted)
            sequence = (await moment.book()).sequence
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="account")
        owner = (await owners_of(self._reader, [row.id])).get(row.id, "")
        account = render_account(row, owner, self._engine.book, sequence)
        return ledger_service_pb2.GetAccountResponse(account=account)

    async def ListAccounts(
        self, request: ledger_service_pb2.ListAccountsRequest, context: object
    ) -> ledger_service_pb2.ListAccountsResponse:
        """See the contract."""
        wanted = parse_filter(request.filter, _ACCOUNT_FILTERS)
        first, last, code, money_number = await self._range(wanted)
        scope = f"accounts {request.filter}"
        page = self._pager.page(scope, request.page_size, request.page_token, descending=False)
        async with self._reader.consistent() as moment:
            rows, ahead = await accounts_where(moment, first, last, page, code=code, currency=money_number)
            sequence = (await moment.book()).sequence
        owners = await owners_of(self._reader, [row.id for row in rows])
        return ledger_service_pb2.ListAccountsResponse(
            accounts=[render_account(row, owners.get(row.id, ""), self._engine.book, sequence) for row in rows],
            next_page_token="" if ahead is None else self._pager.next_token(scope, page._replace(size=1), [ahead]),
        )

    async def GetBalance(
        self, request: ledger_service_pb2.GetBalanceRequest, context: object
    ) -> ledger_service_pb2.GetBalanceResponse:
        """See the contract. A merchant has one settlement currency for ever, so there is one balance."""
        merchant = await owned_merchant(self._reader, current().caller, names.merchant_of(request.name))
        unit = currency(merchant.currency).number
        async with self._reader.consistent() as moment:
            unsettled = await unsettled_of(moment, merchant)
            available = await moment.account(merchant_available(merchant.number, unit))
            owed = await moment.account(merchant_owed(merchant.number, unit))
            kept = await moment.account(number(Chart.MERCHANT_RESERVE, unit, merchant.number))
            sequence = (await moment.book()).sequence
        balance = account_pb2.MerchantBalance(
            unsettled=money(unsettled, merchant.currency),
            available=money(
                available.credits - available.debits - available.pending_debits if available else 0, merchant.currency
            ),
            reserved=money(kept.credits - kept.debits if kept else 0, merchant.currency),
            owed=money(owed.debits - owed.credits if owed else 0, merchant.currency),
        )
        return ledger_service_pb2.GetBalanceResponse(balances=[balance], sequence=sequence)

    async def ListLegs(
        self, request: ledger_service_pb2.ListLegsRequest, context: object
    ) -> ledger_service_pb2.ListLegsResponse:
        """See the contract."""
        if bool(request.account) == bool(request.resource):
            invalid("account", "exactly one of account and resource is given")
        scope = f"legs {request.account} {request.resource}"
        page = self._pager.page(scope, request.page_size, request.page_token, descending=False)
        if request.account:
            return await self._legs_of_account(request.account, scope, page)
        kind, _, _ = request.resource.rpartition("/")[2].partition("-")
        key = parse(kind, request.resource.rpartition("/")[2], "resource")
        after = int(page.after[1]) if page.after is not None else 0
        found = await legs_about(self._reader, kind, key, after)
        token = self._pager.next_token(scope, page._replace(size=1), [_Mark(found.through)]) if found.more else ""
        legs = [render_leg(leg, event, self._engine.book) for leg, event in found.legs]
        return ledger_service_pb2.ListLegsResponse(legs=legs, next_page_token=token)

    async def VerifyLedger(
        self, request: ledger_service_pb2.VerifyLedgerRequest, context: object
    ) -> AsyncIterator[ledger_service_pb2.VerifyLedgerResponse]:
        """See the contract. It always reads the whole book: a checkpoint can only save time."""
        book = self._engine.book
        if request.books and book not in request.books:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="book")
        wanted = set(request.invariants) or {int(invariant) for invariant in Invariant}
        async for news in self._audit.examine():
            if isinstance(news, Verdict):
                for finding in news.findings:
                    if finding.invariant in wanted:
                        yield _finding(finding, book, news.sequence)
            elif Invariant.CHAINED in wanted:
                yield ledger_service_pb2.VerifyLedgerResponse(
                    invariant=Invariant.CHAINED, book=book, ok=True, checked_count=news.checked, total_count=news.total,
                )  # fmt: skip

    async def PostAdjustment(
        self, request: ledger_service_pb2.PostAdjustmentRequest, context: object
    ) -> ledger_service_pb2.PostAdjustmentResponse:
        """See the contract."""
        call, book = current(), self._engine.book
        legs = []
        for at, asked in enumerate(request.legs):
            debit = names.account_of(asked.debit_account, book, f"legs[{at}].debit_account")
            credit = names.account_of(asked.credit_account, book, f"legs[{at}].credit_account")
            check_leg(debit, credit, at)
            if currency(asked.amount.currency_code).number != currency_number(debit):
                raise Refused(Reason.CURRENCY_MISMATCH, f"legs[{at}] is of another currency than its accounts")
            for account in (debit, credit):
                if await self._reader.account(account) is None:
                    raise Refused(Reason.RESOURCE_NOT_FOUND, resource="account")
            legs.append((debit, credit, asked.amount.amount_minor))
        command = ProposeAdjustment(
            request=identify(call, request, ADJUSTMENT), caller=call.caller, deadline_us=call.deadline_us,
            legs=tuple(legs), comment=request.comment,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Adjustment, outcome)
        proposal = f"proposals/{text(names.PROPOSAL, row.proposal)}"
        return ledger_service_pb2.PostAdjustmentResponse(proposal=proposal, replayed=outcome.replayed)

    async def _legs_of_account(self, name: str, scope: str, page: Page) -> ledger_service_pb2.ListLegsResponse:
        account = names.account_of(name, self._engine.book, "account")
        first = int(page.after[1]) + 1 if page.after is not None else 0
        rows = await self._reader.legs(first=first, account=account, limit=page.size + 1)
        whole = rows
        if len(rows) > page.size:  # an event's legs stay together, so that a page ends between two events
            whole = [row for row in rows if row.sequence != rows[-1].sequence] or rows
        token = ""
        if len(rows) > page.size:
            token = self._pager.next_token(scope, page._replace(size=1), [_Mark(whole[-1].sequence)])
        legs = [render_leg(leg, event, self._engine.book) for leg, event in await events_of(self._reader, whole)]
        return ledger_service_pb2.ListLegsResponse(legs=legs, next_page_token=token)

    async def _range(self, wanted: dict[str, object]) -> tuple[int, int, int, int]:
        """Turns a filter into a range of account numbers, a code and a currency's number (0 for any).

        Raises:
            Refused: RESOURCE_NOT_FOUND, FILTER_INVALID.
        """
        if wanted.get("book", str(self._engine.book)) != str(self._engine.book):
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="book")
        owner = window = None
        if "owner" in wanted:
            owner = await self._owner(str(wanted["owner"]))
        if "window" in wanted:
            window = names.window_of(str(wanted["window"]), self._engine.book, "filter")
        try:
            code = int(str(wanted.get("code", "0")))
            unit = currency(str(wanted["currency_code"])).number if "currency_code" in wanted else 0
        except (ValueError, CurrencyError) as error:
            raise Refused(Reason.FILTER_INVALID, str(error)) from error
        return *range_of(owner, window), code, unit

    async def _owner(self, name: str) -> int:
        collection, _, rest = name.partition("/")
        row: Merchant | Payer | Bank | None = None
        if collection == "merchants":
            row = await self._reader.get(Merchant, rest)
        elif collection == "banks":
            row = await self._reader.get(Bank, rest)
        elif collection == "partners":
            row = await self._reader.get(Payer, rest.replace("/payers/", "/", 1))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="owner")
        return row.number


class _Mark:
    """Where a list of legs goes on."""

    def __init__(self, sequence: int) -> None:
        self.id = sequence


def _finding(finding: Finding, book: int, sequence: int) -> ledger_service_pb2.VerifyLedgerResponse:
    return ledger_service_pb2.VerifyLedgerResponse(
        invariant=finding.invariant, book=book, complete=True, ok=finding.ok, checked_count=finding.checked,
        total_count=finding.checked, broken_count=finding.faults, detail=finding.detail, through_sequence=sequence,
    )  # fmt: skip
