"""CheckoutService on the wire: sessions of pages, the choice of a way to pay, receipts.

In: a link's secret, or the token of its session. Out: what a page shows. Invariant: until a link is exchanged nothing
of what is behind it is told, and to a second exchange nothing ever.
"""

from keelpay.api.gateway.v1 import checkout_pb2, checkout_service_pb2_grpc
from keelpay.api.gateway.v1 import checkout_service_pb2 as pb
from keelpay_server.auth.confirmation_render import render_registration
from keelpay_server.auth.device import device_digest, session_link
from keelpay_server.auth.link_desk import find_link
from keelpay_server.auth.names import parse_one, payer_name
from keelpay_server.auth.payer_link import PayerLink, require_repeat, require_session
from keelpay_server.auth.payer_link_commands import OpenLink
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.token import PayerPurpose
from keelpay_server.auth.token_render import KINDS, render_token
from keelpay_server.auth.token_signer import TokenSigner
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.wire_render import stamp

from . import names
from .checkout_reads import active_passkeys, is_stranger, means_of, merchant_of, recovery_of
from .checkout_render import description_of, number_of, render_offer, render_options, render_receipt
from .choose import ChoosePaymentMethod
from .instrument import Instrument
from .operation import Operation
from .order import Order
from .payment import Payment, PaymentState
from .payment_method import MethodDesk
from .payment_option import payment_options
from .payment_reads import around, owned_payment
from .payment_render import render_whole
from .routes import Routes

_LINKS = "links"


class CheckoutService(checkout_service_pb2_grpc.CheckoutServiceServicer):
    """The pages of people who pay (see the contract).

    Args:
        engine: The book.
        routes: Which rail serves what.
        settings: The relying party, and what Secure Payment Confirmation shows.
        signer: Signs the tokens of sessions.
    """

    def __init__(self, engine: Engine, routes: Routes, settings: AuthSettings, signer: TokenSigner) -> None:
        self._engine, self._reader, self._routes = engine, engine.reader, routes
        self._settings, self._signer, self._methods = settings, signer, MethodDesk(engine.reader, routes)

    async def OpenSession(self, request: pb.OpenSessionRequest, context: object) -> pb.OpenSessionResponse:
        """See the contract."""
        call = current()
        found = await find_link(self._reader, request.token)
        command = OpenLink(
            request=identify(call, request, _LINKS), caller=call.caller, deadline_us=call.deadline_us, link=found.id,
            device=device_digest(found.payer, request.device_id),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        link = await self._engine.answer(PayerLink, outcome)
        wall_us = self._engine.wall()
        if outcome.replayed:
            require_repeat(link, wall_us)
        session = await self._session(PayerPurpose(link.purpose), link.payer, link.payment, link)
        token = render_token(self._signer.of_session(link, wall_us))
        return pb.OpenSessionResponse(token=token, session=session, replayed=outcome.replayed)

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: object) -> pb.RefreshSessionResponse:
        """See the contract."""
        caller, wall_us = current().caller, self._engine.wall()
        link = await session_link(self._reader, caller)
        if link is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, "no link opened a session for this token", resource="session")
        require_session(link, wall_us)
        return pb.RefreshSessionResponse(
            token=render_token(self._signer.of_session(link, wall_us)), session_end_time=stamp(link.session_end_time)
        )

    async def GetSession(self, request: pb.GetSessionRequest, context: object) -> pb.GetSessionResponse:
        """See the contract."""
        caller = current().caller
        link = await session_link(self._reader, caller)
        purpose = PayerPurpose(caller.purpose)
        session = await self._session(purpose, caller.subject, caller.resource, link)
        if request.merchant:
            if purpose is not PayerPurpose.MANAGE:
                invalid("merchant", "is for a session of kind MANAGE")
            session.mandate_offer.CopyFrom(await self._mandate_offer(request.merchant, caller.subject))
        return pb.GetSessionResponse(session=session)

    async def ChoosePaymentMethod(
        self, request: pb.ChoosePaymentMethodRequest, context: object
    ) -> pb.ChoosePaymentMethodResponse:
        """See the contract."""
        call, received_us = current(), self._engine.wall()
        stored = await owned_payment(self._reader, call.caller, request.name)
        command = ChoosePaymentMethod(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            payment=stored.id, name=request.name, method=await self._methods.chosen(request.payment_method, stored),
            received_us=received_us,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payment = await self._engine.answer(Payment, outcome)
        whole = render_whole(payment, *await around(self._reader, payment))
        return pb.ChoosePaymentMethodResponse(payment=whole, replayed=outcome.replayed)

    async def GetReceipt(self, request: pb.GetReceiptRequest, context: object) -> pb.GetReceiptResponse:
        """See the contract."""
        payment = await owned_payment(self._reader, current().caller, request.payment)
        if not payment.authorized:
            state = PaymentState(payment.state).name
            raise Refused(Reason.PAYMENT_NOT_PAID, f"nothing was paid yet: the payment is {state}", state=state)
        merchant, order = await merchant_of(self._reader, payment), await self._order(payment)
        instrument = None if payment.instrument is None else await self._reader.get(Instrument, payment.instrument)
        authorization = None
        if payment.authorization is not None:
            authorization = await self._reader.get(Operation, payment.authorization)
        return pb.GetReceiptResponse(receipt=render_receipt(payment, merchant, order, instrument, authorization))

    async def _order(self, payment: Payment) -> Order | None:
        return None if payment.order is None else await self._reader.get(Order, payment.order)

    async def _session(
        self, purpose: PayerPurpose, payer: str, payment: str, link: PayerLink | None
    ) -> checkout_pb2.Session:
        """Returns what the first screen of a session shows."""
        person = await self._reader.get(Payer, payer)
        if person is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
        keys = await active_passkeys(self._reader, payer)
        icon = bool(self._settings.instrument_icon)
        session = checkout_pb2.Session(
            kind=KINDS[purpose],  # type: ignore[arg-type]
            payer=payer_name(payer),
            locale=person.locale,
            rp_id=self._settings.party.rp_id,
            passkey_active=bool(keys),
            spc_offered=icon and any(key.spc for key in keys),
            spc_registration=icon,
        )
        if link is not None:
            session.session_end_time.CopyFrom(stamp(link.session_end_time))
            session.return_url = link.return_uri
        if purpose is PayerPurpose.ENROL:
            recovery = await recovery_of(self._reader, payer, self._engine.wall())
            if recovery is not None:
                session.recovery.CopyFrom(render_registration(recovery))
        if payment:
            session.checkout.CopyFrom(await self._checkout(payment, stranger=is_stranger(link, keys)))
        return session

    async def _mandate_offer(self, name: str, payer: str) -> checkout_pb2.MandateOffer:
        merchant = await self._reader.get(Merchant, parse_one("merchants", name, "merchant"))
        if merchant is None or merchant.partner != payer.partition("/")[0]:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
        return render_offer(merchant)

    async def _checkout(self, name: str, *, stranger: bool) -> checkout_pb2.Checkout:
        payment = await self._reader.get(Payment, names.parse_child(name, "payments", "pay")[1])
        if payment is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payment")
        merchant, order = await merchant_of(self._reader, payment), await self._order(payment)
        means = await means_of(
            self._reader, self._routes, self._settings, payment, self._engine.wall(), stranger=stranger
        )
        return checkout_pb2.Checkout(
            payment=render_whole(payment, *await around(self._reader, payment)),
            merchant_display_name=merchant.display_name,
            description=description_of(payment, order),
            merchant_number=number_of(payment, order),
            options=render_options(payment, payment_options(payment, means)),
            return_url=payment.return_uri,
        )
