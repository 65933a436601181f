"""Payments: draft, create, confirm with a finger, take, give up, find, preview, watch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, merchant_of, name_of
from keelpay._progress import PaymentProgress
from keelpay._runtime import async_settle
from keelpay.api.auth.v1 import confirmation_service_pb2
from keelpay.api.gateway.v1 import (
    checkout_service_pb2,
    order_service_pb2,
    payment_request_pb2,
    payment_service_pb2,
)
from keelpay.api.gateway.v1.checkout_service_pb2_grpc import CheckoutServiceStub
from keelpay.api.gateway.v1.order_service_pb2_grpc import OrderServiceStub
from keelpay.api.gateway.v1.payment_service_pb2_grpc import PaymentServiceStub
from keelpay.browser_signer import OVER, BrowserSigner
from keelpay.enums import CaptureMethod, Channel, ConfirmationMethod, PaymentState
from keelpay.errors import ConfigurationError
from keelpay.models.checkout import PayerLink, PaymentOption, Receipt
from keelpay.models.payment import Payment
from keelpay.models.payment_preview import PaymentPreview
from keelpay.money import Money
from keelpay.payment_draft import PaymentDraft, to_raw_money
from keelpay.payment_method import Device, PaymentMethod, Region
from keelpay.request_id import new_request_id
from keelpay.signer import AsyncSigner

from .ceremony import AsyncCeremony, Signed
from .connection import AsyncConnection
from .pager import AsyncPager, async_pager
from .watch import PATIENCE_S, AsyncPaymentWatch


class AsyncPayments:
    """Money on its way from payers to merchants: `client.payments`."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = PaymentServiceStub(connection.channel)
        self._orders = OrderServiceStub(connection.channel)
        self._checkout = CheckoutServiceStub(connection.channel)
        self._ceremony = AsyncCeremony(connection)

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
            order: The order it pays; the amounts must be equal.
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
            method=method,
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

    async def get(self, payment: str | Named, *, timeout_s: float | None = None) -> Payment:
        """Returns one payment as it is now, with its whole history."""
        request = payment_service_pb2.GetPaymentRequest(name=name_of(payment))
        answer = await self._connection.unary(self._stub.GetPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment)

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

    async def confirm(
        self,
        payment: str | Payment,
        signer: AsyncSigner | BrowserSigner | None = None,
        *,
        signing: ConfirmationMethod = ConfirmationMethod.WEBAUTHN,
        method: PaymentMethod | None = None,
        device: Device | None = None,
        return_url: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Payment:
        """Confirms a payment: the person's finger or face on exactly this payment, or what needs none.

        With a signer it asks the server for the terms, compares them with the payment at hand, computes the challenge
        from them itself, has the signer sign, and spends the signature. Without one it confirms what needs no finger:
        under a mandate, or where the payer's own bank or wallet authenticates. With a `BrowserSigner` it hands the
        payment over to the payer's browser, and returns when the payer has nothing more to do there: paid, called
        off, or out of time.

        Args:
            payment: The payment as it was created; its name alone is fetched first.
            signer: Who signs.
            signing: WEBAUTHN, or SPC where the browser has Secure Payment Confirmation.
            method: Another way of paying, chosen after creation or after a decline.
            device: The device the payer uses now.
            return_url: Where the payer's bank or wallet sends the payer back to.
            request_id: To repeat an earlier request without a signer; a new one if empty.
            timeout_s: Seconds for each call. The server waits for the bank up to 3 s of it.

        Returns:
            The payment, usually in its final state; PROCESSING where the bank is slow: then `watch` it.

        Raises:
            TermsDifferError: The server asked to sign something else. Nothing was signed.
            PayerDeclinedError: The person said no.
            FailedPreconditionError: CONFIRMATION_REQUIRED, CONFIRMATION_EXPIRED and others of docs/errors.md.
        """
        if isinstance(signer, BrowserSigner):
            if method is not None:
                await self.choose(payment, method, timeout_s=timeout_s)
            return await self._hand_over(name_of(payment), signer, timeout_s)
        request = payment_request_pb2.ConfirmPaymentRequest(
            name=name_of(payment),
            request_id=request_id or new_request_id(),
            payment_method=method.to_raw() if method is not None else None,
            device=device.to_raw() if device is not None else None,
            return_url=return_url or (method.return_url if method is not None else ""),
        )
        if signer is not None:
            whole = payment if isinstance(payment, Payment) else await self.get(payment, timeout_s=timeout_s)
            signed = await self._sign(whole, signer, signing, timeout_s)
            request.confirmation, request.assertion_json = signed
        answer = await self._connection.unary(self._stub.ConfirmPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def options(self, payment: str | Named, *, timeout_s: float | None = None) -> tuple[PaymentOption, ...]:
        """The ways in which the payer of a payment may pay it, the best first, each with what it needs."""
        request = order_service_pb2.ListPaymentOptionsRequest(payment=name_of(payment))
        answer = await self._connection.unary(self._orders.ListPaymentOptions, request, timeout_s=timeout_s)
        return tuple(PaymentOption.of(each) for each in answer.options)

    async def choose(
        self, payment: str | Named, method: PaymentMethod, *, request_id: str = "", timeout_s: float | None = None
    ) -> Payment:
        """Chooses another way of paying for a payment that waits for its payer. Nothing is charged.

        Args:
            payment: Which.
            method: The way, such as that of an option.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: ILLEGAL_TRANSITION, OPERATION_UNRESOLVED, INSTRUMENT_NOT_USABLE and others.
        """
        request = checkout_service_pb2.ChoosePaymentMethodRequest(
            name=name_of(payment), request_id=request_id or new_request_id(), payment_method=method.to_raw()
        )
        answer = await self._connection.unary(self._checkout.ChoosePaymentMethod, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def receipt(self, payment: str | Named, *, timeout_s: float | None = None) -> Receipt:
        """What a payer keeps of a payment, once its money is reserved or taken.

        Raises:
            FailedPreconditionError: ILLEGAL_TRANSITION: nothing was paid yet.
        """
        request = checkout_service_pb2.GetReceiptRequest(payment=name_of(payment))
        answer = await self._connection.unary(self._checkout.GetReceipt, request, timeout_s=timeout_s)
        return Receipt.of(answer.receipt)

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

    def watch(
        self, payment: str | Named, *, after_state_version: int = 0, patience_s: float = PATIENCE_S
    ) -> AsyncPaymentWatch:
        """Follows a payment: as it is now, and after every change, until it has ended. Mends itself when it breaks.

        Args:
            payment: Which.
            after_state_version: Only changes after this version.
            patience_s: How long a break may last before its error is raised.
        """
        progress = PaymentProgress(name_of(payment), after_state_version)
        return AsyncPaymentWatch(self._connection, self._stub.WatchPayment, progress, patience_s=patience_s)

    async def _hand_over(self, payment: str, signer: BrowserSigner, timeout_s: float | None) -> Payment:
        """Lets the payer's browser do it, and watches."""
        link = order_service_pb2.CreateCheckoutLinkRequest(payment=payment, request_id=new_request_id())
        made = await self._connection.unary(self._orders.CreateCheckoutLink, link, timeout_s=timeout_s)
        await async_settle(signer.opener(PayerLink.of(made.link)))
        async with self.watch(payment) as watch:
            async for now in watch:
                if now.state in OVER:
                    return now
        return await self.get(payment, timeout_s=timeout_s)

    async def _sign(
        self, payment: Payment, signer: AsyncSigner, signing: ConfirmationMethod, timeout_s: float | None
    ) -> Signed:
        """Has this payment signed, and nothing but this payment."""
        if not payment.payer:
            raise ConfigurationError(f"{payment.name} names no payer, so nobody can confirm it with a finger")
        act = confirmation_service_pb2.StartConfirmationRequest(
            parent=payment.payer, payment=payment.name, method=signing.wire
        )
        expected: dict[str, Any] = {
            "payment_id": payment.name,
            "payer_id": payment.payer,
            "payee_id": payment.merchant,
            "currency": payment.amount.currency_code,
            "amount_minor": payment.amount.amount_minor,
        }
        if payment.instrument or payment.channel is Channel.BALANCE:
            expected["instrument_id"] = payment.instrument or "balance"
        return await self._ceremony.confirm(act, signer, expected, timeout_s=timeout_s)
