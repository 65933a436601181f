"""SettlementService on the wire: windows, settlements, and tomorrow's settlement today.

In: validated requests of authenticated callers. Out: what is stored, or what would be. Invariant: a preview reads one
moment and is computed exactly as settling computes.
"""

from typing import Final

from keelpay.api.clearing.v1 import settlement_pb2, settlement_service_pb2, settlement_service_pb2_grpc, window_pb2
from keelpay_server.book.call import current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, text_of, time_of
from keelpay_server.book.ownership import owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import AccountRow, Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.wire_render import money, stamp_or_none
from keelpay_server.ledger.account import window_range

from . import names
from .settlement import Settlement, lines_of, total, with_repayment
from .settlement_render import render_lines, render_settlement, render_window
from .window import Window, WindowState
from .window_commands import CloseWindow

_FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", WindowState), "calendar": text_of("calendar"), "currency_code": text_of("currency"),
    "cut_off_time": time_of("cut_off_time"),
}  # fmt: skip


class SettlementService(settlement_service_pb2_grpc.SettlementServiceServicer):
    """Windows and settlements (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
    """

    def __init__(self, engine: Engine, pager: Pager) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager

    async def CloseWindow(
        self, request: settlement_service_pb2.CloseWindowRequest, context: object
    ) -> settlement_service_pb2.CloseWindowResponse:
        """See the contract."""
        call = current()
        command = CloseWindow(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            window=names.window_of(request.name, self._engine.book), state_version=request.state_version,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        window = await self._engine.answer(Window, outcome)
        (following,) = await self._reader.find(Window, {"first_sequence": window.last_sequence + 1}, Page(1))
        return settlement_service_pb2.CloseWindowResponse(
            window=await self._window(window, call.caller),
            next_window=names.window_name(self._engine.book, following.id), replayed=outcome.replayed,
        )  # fmt: skip

    async def GetWindow(
        self, request: settlement_service_pb2.GetWindowRequest, context: object
    ) -> settlement_service_pb2.GetWindowResponse:
        """See the contract."""
        window = await self._reader.get(Window, names.window_of(request.name, self._engine.book))
        if window is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="window")
        return settlement_service_pb2.GetWindowResponse(window=await self._window(window, current().caller))

    async def ListWindows(
        self, request: settlement_service_pb2.ListWindowsRequest, context: object
    ) -> settlement_service_pb2.ListWindowsResponse:
        """See the contract."""
        wanted = parse_filter(request.filter, {**_FILTERS, "book": lambda text: ("book", int(text))})
        if wanted.pop("book", self._engine.book) != self._engine.book:
            return settlement_service_pb2.ListWindowsResponse()
        scope = f"windows {request.filter}"
        page = self._pager.page(scope, request.page_size, request.page_token)
        rows = await self._reader.find(Window, wanted, page)
        return settlement_service_pb2.ListWindowsResponse(
            windows=[await self._window(row, current().caller) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def PreviewSettlement(
        self, request: settlement_service_pb2.PreviewSettlementRequest, context: object
    ) -> settlement_service_pb2.PreviewSettlementResponse:
        """See the contract."""
        merchant = await owned_merchant(self._reader, current().caller, names.merchant_of(request.merchant, "merchant"))
        if request.currency_code != merchant.currency:
            raise Refused(Reason.CURRENCY_MISMATCH, expected=merchant.currency, given=request.currency_code)
        async with self._reader.consistent() as moment:
            (window,) = await moment.find(
                Window,
                {"state": WindowState.OPEN, "calendar": merchant.calendar, "currency": merchant.currency},
                Page(1),
            )
            number = merchant.unsettled(window.id)
            account = await moment.account(number)
            turnovers = await moment.turnovers(number, number)
            debt = await moment.account(merchant.owed())
            sequence = (await moment.book()).sequence
        owed = max(0, debt.debits - debt.credits) if debt else 0
        lines = with_repayment(lines_of(turnovers, account.pending_debits if account else 0), owed)
        settlement = settlement_pb2.Settlement(
            merchant=names.merchant_name(merchant.id), window=names.window_name(self._engine.book, window.id),
            lines=render_lines(lines, merchant.currency), net=money(total(lines), merchant.currency),
            through_sequence=sequence, due_time=stamp_or_none(window.due_time),
        )  # fmt: skip
        return settlement_service_pb2.PreviewSettlementResponse(settlement=settlement)

    async def GetSettlement(
        self, request: settlement_service_pb2.GetSettlementRequest, context: object
    ) -> settlement_service_pb2.GetSettlementResponse:
        """See the contract."""
        row = await self._reader.get(Settlement, names.key_of("settlements", request.name))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="settlement")
        await owned_merchant(self._reader, current().caller, row.merchant)
        return settlement_service_pb2.GetSettlementResponse(settlement=render_settlement(row, self._engine.book))

    async def ListSettlements(
        self, request: settlement_service_pb2.ListSettlementsRequest, context: object
    ) -> settlement_service_pb2.ListSettlementsResponse:
        """See the contract."""
        caller = current().caller
        wanted: dict[str, object] = {}
        if request.merchant:
            merchant = await owned_merchant(self._reader, caller, names.merchant_of(request.merchant, "merchant"))
            wanted["merchant"] = merchant.id
        elif caller.kind != CallerKind.OPERATOR:
            invalid("merchant", "a partner names one of its merchants")
        if request.window:
            wanted["window"] = names.window_of(request.window, self._engine.book, "window")
        if not wanted:
            invalid("merchant", "the merchant or the window is named, or both")
        scope = f"settlements {request.merchant} {request.window}"
        page = self._pager.page(scope, request.page_size, request.page_token)
        rows = await self._reader.find(Settlement, wanted, page)
        return settlement_service_pb2.ListSettlementsResponse(
            settlements=[render_settlement(row, self._engine.book) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def _window(self, window: Window, caller: Caller) -> window_pb2.Window:
        merchants = 0
        if caller.kind == CallerKind.OPERATOR:
            first, last = window_range(window.id)
            merchants = await self._reader.count(AccountRow, {"id__ge": first, "id__le": last})
        return render_window(window, self._engine.book, merchants)
