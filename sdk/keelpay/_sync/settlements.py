# Generated from sdk/keelpay/_async/settlements.py by sdk/generate_sync.py: do not edit.
"""Settlement: windows, and what each merchant gets out of them."""

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay.api.clearing.v1 import settlement_service_pb2
from keelpay.api.clearing.v1.settlement_service_pb2_grpc import SettlementServiceStub
from keelpay.enums import WindowState
from keelpay.models.settlement import Settlement, Window
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager


class Settlements:
    """Who gets the money, and when: `client.settlements`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = SettlementServiceStub(connection.channel)

    def close_window(self, window: str | Window, *, request_id: str = "", timeout_s: float | None = None) -> Window:
        """Closes an open window before its time; its merchants are settled right after.

        Args:
            window: Which. A `Window` is closed only if it is still as it was read; a name is closed anyway.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            ConflictError: ETAG_MISMATCH.
        """
        request = settlement_service_pb2.CloseWindowRequest(
            name=name_of(window),
            request_id=request_id or new_request_id(),
            state_version=window.state_version if isinstance(window, Window) else 0,
        )
        answer = self._connection.unary(self._stub.CloseWindow, request, timeout_s=timeout_s)
        return Window.of(answer.window, replayed=answer.replayed)

    def window(self, window: str | Named, *, timeout_s: float | None = None) -> Window:
        """Returns one window."""
        request = settlement_service_pb2.GetWindowRequest(name=name_of(window))
        answer = self._connection.unary(self._stub.GetWindow, request, timeout_s=timeout_s)
        return Window.of(answer.window)

    def windows(
        self,
        *,
        state: WindowState | str | None = None,
        calendar: str = "",
        currency_code: str = "",
        book: int | None = None,
        filter: str = "",  # noqa: A002  (the contract's word)
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Window]:
        """Lists windows, the newest first."""
        request = settlement_service_pb2.ListWindowsRequest(
            page_size=page_size,
            filter=conditions(
                filter,
                state=member(WindowState, state),
                calendar=calendar,
                currency_code=currency_code,
                book=book,
            ),
        )
        return pager(
            self._connection,
            self._stub.ListWindows,
            request,
            lambda answer: map(Window.of, answer.windows),
            timeout_s=timeout_s,
        )

    def preview(
        self, currency_code: str, *, merchant: str | Named | None = None, timeout_s: float | None = None
    ) -> Settlement:
        """Returns what a merchant would get if the open window were closed and settled now. Changes nothing."""
        request = settlement_service_pb2.PreviewSettlementRequest(
            merchant=self._defaults.merchant_or(merchant), currency_code=currency_code
        )
        answer = self._connection.unary(self._stub.PreviewSettlement, request, timeout_s=timeout_s)
        return Settlement.of(answer.settlement)

    def get(self, settlement: str | Named, *, timeout_s: float | None = None) -> Settlement:
        """Returns one settlement."""
        request = settlement_service_pb2.GetSettlementRequest(name=name_of(settlement))
        answer = self._connection.unary(self._stub.GetSettlement, request, timeout_s=timeout_s)
        return Settlement.of(answer.settlement)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        window: str | Named = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Settlement]:
        """Lists settlements, the newest first.

        Args:
            merchant: Of this merchant; the client's default if neither it nor a window is given.
            window: Of this window.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        whose = self._defaults.merchant_or(merchant) if merchant is not None or not name_of(window) else ""
        request = settlement_service_pb2.ListSettlementsRequest(
            merchant=whose, window=name_of(window), page_size=page_size
        )
        return pager(
            self._connection,
            self._stub.ListSettlements,
            request,
            lambda answer: map(Settlement.of, answer.settlements),
            timeout_s=timeout_s,
        )
