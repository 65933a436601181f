"""Payouts: merchants' available money on its way to their banks."""

from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay.api.clearing.v1 import payout_service_pb2
from keelpay.api.clearing.v1.payout_service_pb2_grpc import PayoutServiceStub
from keelpay.enums import PayoutState
from keelpay.models.settlement import Payout
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.request_id import new_request_id

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncPayouts:
    """Merchants' available money on its way to their banks: `client.payouts`."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = PayoutServiceStub(connection.channel)

    async def create(
        self,
        *,
        amount: Money,
        merchant: str | Named | None = None,
        merchant_payout_id: str = "",
        statement_descriptor: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Payout:
        """Asks for a payout; it is sent once a second operator approves its proposal.

        Args:
            amount: How much, not above what is available.
            merchant: Whose; the client's default if not given.
            merchant_payout_id: The merchant's own number, never used again; empty takes the request id.
            statement_descriptor: What the payee is to see, at most 22 characters; empty for the merchant's own.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: PAYOUT_ACCOUNT_MISSING, INSUFFICIENT_FUNDS.
        """
        request_id = request_id or new_request_id()
        request = payout_service_pb2.CreatePayoutRequest(
            parent=self._defaults.merchant_or(merchant),
            request_id=request_id,
            merchant_payout_id=merchant_payout_id or request_id,
            amount=to_raw_money(amount),
            statement_descriptor=statement_descriptor,
        )
        answer = await self._connection.unary(self._stub.CreatePayout, request, timeout_s=timeout_s)
        return Payout.of(answer.payout, replayed=answer.replayed)

    async def get(self, payout: str | Named, *, timeout_s: float | None = None) -> Payout:
        """Returns one payout."""
        request = payout_service_pb2.GetPayoutRequest(name=name_of(payout))
        answer = await self._connection.unary(self._stub.GetPayout, request, timeout_s=timeout_s)
        return Payout.of(answer.payout)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        state: PayoutState | str | None = None,
        merchant_payout_id: str = "",
        currency_code: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Payout]:
        """Lists the payouts of a merchant, the newest first; for operators `merchant="merchants/-"` means all."""
        request = payout_service_pb2.ListPayoutsRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(
                since=since,
                until=until,
                state=member(PayoutState, state),
                merchant_payout_id=merchant_payout_id,
                currency_code=currency_code,
            ),
        )
        return async_pager(
            self._connection,
            self._stub.ListPayouts,
            request,
            lambda answer: map(Payout.of, answer.payouts),
            timeout_s=timeout_s,
        )

    async def cancel(self, payout: str | Payout, *, request_id: str = "", timeout_s: float | None = None) -> Payout:
        """Cancels a payout that is not sent yet.

        Args:
            payout: Which. A `Payout` is cancelled only if it is still as it was read; a name is cancelled anyway.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: ILLEGAL_TRANSITION: it is sent already.
        """
        request = payout_service_pb2.CancelPayoutRequest(
            name=name_of(payout),
            request_id=request_id or new_request_id(),
            state_version=payout.state_version if isinstance(payout, Payout) else 0,
        )
        answer = await self._connection.unary(self._stub.CancelPayout, request, timeout_s=timeout_s)
        return Payout.of(answer.payout, replayed=answer.replayed)
