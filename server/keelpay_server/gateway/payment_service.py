"""PaymentService on the wire: what changes payments, and the preview of one; reads are in the part beside it.

In: validated requests of authenticated callers. Out: payments as they are after their commit.
Invariant: an assertion is verified here, before the queue; a bank's answer is awaited here, after the commit.
"""

from typing import Any, Final

from msgspec import json

from keelpay.api.gateway.v1 import payment_pb2, payment_request_pb2, payment_service_pb2
from keelpay_server.auth.device import device_of
from keelpay_server.auth.proof import Proof
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.verification import verify
from keelpay_server.book.call import Call, current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.changes import Outcome
from keelpay_server.book.engine import Engine
from keelpay_server.book.ownership import own_payer, owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.request import identify

from . import names
from .capture import CancelPayment, CapturePayment, PaymentCommand, ReleasePayment
from .confirm import ConfirmPayment
from .create import CreatePayment as Creation
from .dispatch import Dispatcher
from .method import Method
from .operation import Operation
from .order import KIND as ORDER_KIND
from .payment import CaptureMethod, Payment
from .payment_method import MethodDesk
from .payment_reads import MerchantOwners, owned_payment
from .payment_service_reads import PaymentReadMethods
from .payment_service_wait import settled
from .preview_render import Draft, preview
from .routes import Routes
from .sync import NoteSync

RETURN_PATH: Final = "/return"
"""The path of our page to which banks send payers back."""


class PaymentService(PaymentReadMethods):
    """Payments (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        routes: Which rail serves what.
        settings: The relying party that confirmations are for.
        dispatcher: To ask a bank at once.
    """

    def __init__(
        self, engine: Engine, pager: Pager, routes: Routes, settings: AuthSettings, dispatcher: Dispatcher
    ) -> None:
        super().__init__(engine, pager)
        self._settings, self._dispatcher = settings, dispatcher
        self._owners = MerchantOwners(engine.reader)
        self._methods = MethodDesk(engine.reader, routes)

    async def CreatePayment(
        self, request: payment_request_pb2.CreatePaymentRequest, context: object
    ) -> payment_request_pb2.CreatePaymentResponse:
        """See the contract."""
        call = current()
        received_us = self._engine.wall()
        merchant = names.parse_merchant(request.parent)
        await self._owners.check(call.caller, merchant)
        command = await self._creation(call, request, merchant, received_us)
        outcome = await self._engine.execute(command)
        payment, known = await settled(self._engine, call, outcome)
        whole = await self._whole(payment, known)
        return payment_request_pb2.CreatePaymentResponse(payment=whole, replayed=outcome.replayed)

    async def ConfirmPayment(
        self, request: payment_request_pb2.ConfirmPaymentRequest, context: object
    ) -> payment_request_pb2.ConfirmPaymentResponse:
        """See the contract."""
        call = current()
        received_us = self._engine.wall()
        stored = await owned_payment(self._reader, call.caller, request.name)
        device = await device_of(self._reader, call.caller, stored.payer, request.device.device_id)
        command = ConfirmPayment(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            payment=stored.id, proof=await self._proof(call, request, received_us, device),
            method=await self._chosen(request, stored), device=_device(request), received_us=received_us,
            device_digest=device if call.caller.kind is CallerKind.PAYER else "",
            return_uri=request.return_url, bank_return_uri=self._our_page(call),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payment, known = await settled(self._engine, call, outcome)
        whole = await self._whole(payment, known)
        return payment_request_pb2.ConfirmPaymentResponse(payment=whole, replayed=outcome.replayed)

    async def CapturePayment(
        self, request: payment_request_pb2.CapturePaymentRequest, context: object
    ) -> payment_request_pb2.CapturePaymentResponse:
        """See the contract."""
        payment, outcome = await self._act(
            request, CapturePayment, amount=request.amount.amount_minor, currency=request.amount.currency_code,
            final=request.final,
        )  # fmt: skip
        return payment_request_pb2.CapturePaymentResponse(payment=payment, replayed=outcome.replayed)

    async def ReleasePayment(
        self, request: payment_request_pb2.ReleasePaymentRequest, context: object
    ) -> payment_request_pb2.ReleasePaymentResponse:
        """See the contract."""
        payment, outcome = await self._act(request, ReleasePayment)
        return payment_request_pb2.ReleasePaymentResponse(payment=payment, replayed=outcome.replayed)

    async def CancelPayment(
        self, request: payment_request_pb2.CancelPaymentRequest, context: object
    ) -> payment_request_pb2.CancelPaymentResponse:
        """See the contract."""
        payment, outcome = await self._act(request, CancelPayment, why=request.cancel_reason)
        return payment_request_pb2.CancelPaymentResponse(payment=payment, replayed=outcome.replayed)

    async def SyncPayment(
        self, request: payment_request_pb2.SyncPaymentRequest, context: object
    ) -> payment_request_pb2.SyncPaymentResponse:
        """See the contract."""
        call = current()
        stored = await owned_payment(self._reader, call.caller, request.name)
        command = NoteSync(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            payment=stored.id,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payment = await self._engine.answer(Payment, outcome)
        if payment.operation is not None and not outcome.replayed:
            operation = await self._reader.get(Operation, payment.operation)
            if operation is not None:
                await self._dispatcher.ask_now(operation)
            payment = await self._reader.get(Payment, payment.id) or payment
        return payment_request_pb2.SyncPaymentResponse(payment=await self._whole(payment), replayed=outcome.replayed)

    async def PreviewPayment(
        self, request: payment_service_pb2.PreviewPaymentRequest, context: object
    ) -> payment_service_pb2.PreviewPaymentResponse:
        """See the contract."""
        caller, draft = current().caller, request.payment
        merchant = names.parse_merchant(request.parent)
        row = await owned_merchant(self._reader, caller, merchant)
        order, payer, method = await self._chosen_by(caller, merchant, draft)
        manual = int(draft.capture_method) == CaptureMethod.MANUAL
        amount = draft.amount
        thought = Draft(merchant, order, payer, method, amount.currency_code, amount.amount_minor, manual)
        return await preview(self._reader, row, thought)

    async def _creation(
        self, call: Call, request: payment_request_pb2.CreatePaymentRequest, merchant: str, received_us: int
    ) -> Creation:
        draft = request.payment
        order, payer, method = await self._chosen_by(call.caller, merchant, draft)
        return Creation(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=merchant, number=draft.merchant_payment_id, order=order, payer=payer, method=method,
            region=draft.region, region_source=draft.region_source, currency=draft.amount.currency_code,
            amount=draft.amount.amount_minor, capture_method=draft.capture_method or 1,
            description=draft.description, descriptor=draft.statement_descriptor,
            metadata=json.encode(dict(draft.metadata), order="sorted").decode() if draft.metadata else "",
            device=_device(draft),
            expire_time=draft.expire_time.ToMicroseconds() if draft.HasField("expire_time") else 0,
            go=request.confirm, received_us=received_us, return_uri=request.return_url,
        )  # fmt: skip

    async def _chosen_by(
        self, caller: Caller, merchant: str, draft: payment_pb2.Payment
    ) -> tuple[bytes | None, str, Method]:
        """Returns the key of the order, the payer and the way of paying that a draft names.

        Raises:
            Refused: NOT_OWNER for another partner's payer, and those of `_method`.
        """
        payer = names.parse_payer(draft.payer, "payment.payer")
        if payer:
            own_payer(caller, payer)
        order = names.parse_child(draft.order, "orders", ORDER_KIND, "payment.order")[1] if draft.order else None
        method = await self._methods.method(
            payer, merchant, draft.channel, draft.amount.currency_code, draft.instrument, draft.mandate, draft.rail
        )
        return order, payer, method

    def _our_page(self, call: Call) -> str:
        """Returns where a bank's page sends back a payer who came from ours; empty for everybody else."""
        return f"{self._settings.pages_origin}{RETURN_PATH}" if call.caller.session else ""

    async def _chosen(self, request: payment_request_pb2.ConfirmPaymentRequest, stored: Payment) -> Method | None:
        if not request.HasField("payment_method"):
            return None
        return await self._methods.chosen(request.payment_method, stored)

    async def _proof(
        self, call: Call, request: payment_request_pb2.ConfirmPaymentRequest, now_us: int, device: str
    ) -> Proof | None:
        if not request.confirmation:
            return None
        payer = names.parse_payer("/".join(request.confirmation.split("/")[:4]), "confirmation")
        own_payer(call.caller, payer, request.name)
        return await verify(self._reader, self._settings, request.confirmation, request.assertion_json, now_us, device)

    async def _act(
        self, request: Any, command: type[PaymentCommand], **fields: Any
    ) -> tuple[payment_pb2.Payment, Outcome]:
        call = current()
        stored = await owned_payment(self._reader, call.caller, request.name)
        asked = command(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            payment=stored.id, received_us=self._engine.wall(), **fields,
        )  # fmt: skip
        outcome = await self._engine.execute(asked)
        payment, known = await settled(self._engine, call, outcome)
        return await self._whole(payment, known), outcome


def _device(message: Any) -> str:
    """Returns the device context as JSON, or empty if the request has none."""
    if not message.HasField("device"):
        return ""
    return json.encode({field.name: text for field, text in message.device.ListFields()}, order="sorted").decode()
