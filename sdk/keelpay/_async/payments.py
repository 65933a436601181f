"""Payments: draft, create, take, give up, find, preview; what their payers do is in paying.py."""

from collections.abc import Mapping
from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, merchant_of, name_of, payer_named
from keelpay.api.gateway.v1 import (
    payment_request_pb2,
    payment_service_pb2,
)
from keelpay.enums import CaptureMethod, Channel, PaymentState
from keelpay.models.payment import Payment
from keelpay.models.payment_preview import PaymentPreview
from keelpay.money import Money
from keelpay.payment_draft import PaymentDraft, to_raw_money
from keelpay.payment_method import Device, PaymentMethod, Region
from keelpay.request_id import new_request_id

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager
from .paying import AsyncPaying


class AsyncPayments(AsyncPaying):
    """Money on its way from payers to merchants: `client.payments`."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        """Made by the client."""
        super().__init__(connection)
        self._defaults = defaults

    def draft(
        self,
        *,
        amount: Money,
        method: PaymentMethod,
        merchant: str | Named | None = None,
        region: Region | str | None = None,
        order: str | Named = "",
        merchant_payment_id: str = "",
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
        description: str = "",
        statement_descriptor: str = "",
        metadata: Mapping[str, str] | None = None,
        device: Device | None = None,
        expire_time: datetime | None = None,
        confirm: bool = False,
    ) -> PaymentDraft:
        """Decides everything about a payment and sends nothing. Store `draft.to_json()` before `create(draft)`.

        Args:
            amount: How much.
            method: The way of paying.
            merchant: Who is paid; if not given the order's merchant, or the client's default.
            region: Where it happens; the client's default if not given.
            order: The order it pays; the amounts must be equal. An order that was made for one payer, given whole,
                says who pays where the method does not.
            merchant_payment_id: The merchant's own number; empty takes the request id.
            capture_method: AUTOMATIC takes the money with the authorization, MANUAL waits for `capture`.
            description: What is paid for, at most 256 characters.
            statement_descriptor: What the payer's bank statement shows, at most 22 characters.
            metadata: The merchant's own notes, at most 20; never personal data.
            device: The device the payer uses.
            expire_time: When it gives up; None means 30 minutes after creation.
            confirm: Also confirm it in the same call, where the payer need not act.

        Raises:
            ConfigurationError: No merchant or no region is named.
        """
        return PaymentDraft.of(
            merchant=self._defaults.merchant_or(merchant_of(order) if merchant is None else merchant),
            amount=amount,
            method=method if method.payer else method.of_payer(payer_named(order)),
            region=self._defaults.region_or(region),
            order=name_of(order),
            merchant_payment_id=merchant_payment_id,
            capture_method=capture_method,
            description=description,
            statement_descriptor=statement_descriptor,
            metadata=metadata,
            device=device,
            expire_time=expire_time,
            confirm=confirm,
        )

    async def create(self, draft: PaymentDraft, *, timeout_s: float | None = None) -> Payment:
        """Creates a payment. The same draft again answers with the same payment, as it is then.

        Args:
            draft: What `draft` decided.
            timeout_s: Seconds for all tries together.

        Raises:
            AlreadyExistsError: MERCHANT_NUMBER_TAKEN, or IDEMPOTENCY_MISMATCH for a draft that was changed.
            FailedPreconditionError: ORDER_PAID, ORDER_CLOSED, ORDER_HAS_LIVE_PAYMENT.
        """
        answer = await self._connection.unary(self._stub.CreatePayment, draft.raw, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def lookup(
        self, merchant_payment_id: str, *, merchant: str | Named | None = None, timeout_s: float | None = None
    ) -> Payment:
        """Finds a payment by the merchant's own number."""
        request = payment_service_pb2.LookupPaymentRequest(
            parent=self._defaults.merchant_or(merchant), merchant_payment_id=merchant_payment_id
        )
        answer = await self._connection.unary(self._stub.LookupPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        state: PaymentState | str | None = None,
        order: str | Named = "",
        payer: str | Named = "",
        channel: Channel | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        filter: str = "",  # noqa: A002  (the contract's word)
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Payment]:
        """Lists payments of a merchant, the newest first, without their transitions and operations.

        Args:
            merchant: Whose; the client's default if not given.
            state: Only those in this state, such as `CAPTURED`.
            order: Only those of this order.
            payer: Only those of this payer.
            channel: Only those of this channel.
            since: Only those created at this time or later.
            until: Only those created before this time.
            filter: Further conditions in the contract's own words.
            order_by: `create_time desc` (the default) or `create_time`.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = payment_service_pb2.ListPaymentsRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(
                filter,
                since=since,
                until=until,
                state=member(PaymentState, state),
                order=name_of(order),
                payer=name_of(payer),
                channel=member(Channel, channel),
            ),
            order_by=order_by,
        )
        return async_pager(
            self._connection,
            self._stub.ListPayments,
            request,
            lambda answer: map(Payment.of, answer.payments),
            timeout_s=timeout_s,
        )

    async def capture(
        self,
        payment: str | Named,
        *,
        amount: Money | None = None,
        final: bool = False,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Payment:
        """Takes authorized money, at once or in several parts.

        Args:
            payment: Which.
            amount: How much; None means all of it.
            final: Nothing more will be taken: the rest is released.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: HOLD_EXCEEDED, ILLEGAL_TRANSITION, OPERATION_UNRESOLVED.
        """
        request = payment_request_pb2.CapturePaymentRequest(
            name=name_of(payment),
            request_id=request_id or new_request_id(),
            amount=to_raw_money(amount) if amount is not None else None,
            final=final,
        )
        answer = await self._connection.unary(self._stub.CapturePayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def release(self, payment: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Payment:
        """Gives up all authorized money that was not taken."""
        request = payment_request_pb2.ReleasePaymentRequest(
            name=name_of(payment), request_id=request_id or new_request_id()
        )
        answer = await self._connection.unary(self._stub.ReleasePayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def cancel(
        self, payment: str | Named, *, reason: str = "", request_id: str = "", timeout_s: float | None = None
    ) -> Payment:
        """Calls a payment off before anything was taken. At the bank it only sets `cancel_requested`; watch it then.

        Args:
            payment: Which.
            reason: Why, for the merchant's own records; at most 256 characters.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = payment_request_pb2.CancelPaymentRequest(
            name=name_of(payment), request_id=request_id or new_request_id(), cancel_reason=reason
        )
        answer = await self._connection.unary(self._stub.CancelPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def sync(self, payment: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Payment:
        """Asks the bank now about an operation whose outcome is unknown."""
        request = payment_request_pb2.SyncPaymentRequest(
            name=name_of(payment), request_id=request_id or new_request_id()
        )
        answer = await self._connection.unary(self._stub.SyncPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def preview(self, draft: PaymentDraft, *, timeout_s: float | None = None) -> PaymentPreview:
        """Returns the exact ledger legs and the fee that a draft would have. Nothing is stored, no money moves."""
        request = payment_service_pb2.PreviewPaymentRequest(parent=draft.merchant, payment=draft.raw.payment)
        answer = await self._connection.unary(self._stub.PreviewPayment, request, timeout_s=timeout_s)
        return PaymentPreview.of(answer)
