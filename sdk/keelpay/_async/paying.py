"""A payment as its payer meets it: the ways to pay it, the choice, the finger, the wait, the receipt."""

from typing import Any

from keelpay._names import Named, name_of
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
from keelpay.enums import Channel, ConfirmationMethod
from keelpay.errors import ConfigurationError
from keelpay.models.checkout import PayerLink, PaymentOption, Receipt
from keelpay.models.payment import Payment
from keelpay.payment_method import Device, PaymentMethod
from keelpay.request_id import new_request_id
from keelpay.signer import AsyncSigner, require_signer

from .ceremony import AsyncCeremony, Signed
from .connection import AsyncConnection
from .watch import PATIENCE_S, AsyncPaymentWatch


class AsyncPaying:
    """What `client.payments` does for the payer of a payment."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = PaymentServiceStub(connection.channel)
        self._orders = OrderServiceStub(connection.channel)
        self._checkout = CheckoutServiceStub(connection.channel)
        self._ceremony = AsyncCeremony(connection)

    async def get(self, payment: str | Named, *, timeout_s: float | None = None) -> Payment:
        """Returns one payment as it is now, with its whole history."""
        request = payment_service_pb2.GetPaymentRequest(name=name_of(payment))
        answer = await self._connection.unary(self._stub.GetPayment, request, timeout_s=timeout_s)
        return Payment.of(answer.payment)

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
        from them itself, has the signer sign, and spends the signature. With a `BrowserSigner` it hands the payment
        over to the payer's browser, and returns when the payer has nothing more to do there: paid, called off, or out
        of time.

        Without a signer it confirms on the caller's own word: under a mandate, with an outside wallet that asks the
        payer itself, and, for a partner, from a stored card or account. A balance never moves on a partner's word, nor
        does what risk wants confirmed: then the payment comes back as REQUIRES_ACTION, for a signer. Give a signer
        wherever the person is there to ask; docs/checkout.md has the table.

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
            ConfigurationError: The signer is none, or returns something else than what a browser returns.
            FailedPreconditionError: CONFIRMATION_REQUIRED, CONFIRMATION_EXPIRED and others of docs/errors.md.
        """
        if signer is not None and not isinstance(signer, BrowserSigner):
            require_signer(signer)
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
            FailedPreconditionError: PAYMENT_PAID, ILLEGAL_TRANSITION, INSTRUMENT_NOT_USABLE and others.
        """
        request = checkout_service_pb2.ChoosePaymentMethodRequest(
            name=name_of(payment), request_id=request_id or new_request_id(), payment_method=method.to_raw()
        )
        answer = await self._connection.unary(self._checkout.ChoosePaymentMethod, request, timeout_s=timeout_s)
        return Payment.of(answer.payment, replayed=answer.replayed)

    async def receipt(self, payment: str | Named, *, timeout_s: float | None = None) -> Receipt:
        """What a payer keeps of a payment, once its money is reserved or taken.

        Raises:
            FailedPreconditionError: PAYMENT_NOT_PAID.
        """
        request = checkout_service_pb2.GetReceiptRequest(payment=name_of(payment))
        answer = await self._connection.unary(self._checkout.GetReceipt, request, timeout_s=timeout_s)
        return Receipt.of(answer.receipt)

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
