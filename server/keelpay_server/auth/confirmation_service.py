"""ConfirmationService on the wire: confirmations of every kind of act, and mandates.

In: validated requests of payers and their partners. Out: confirmations and mandates. Invariant: what is to be signed is
built from stored facts; a payer's token asks only for the acts of its purpose.
"""

from collections.abc import Callable
from typing import Final

from keelpay.api.auth.v1 import confirmation_service_pb2 as pb
from keelpay.api.auth.v1 import confirmation_service_pb2_grpc, mandate_pb2
from keelpay_server.book.call import Call, current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, parse_order
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import own_partner, own_payer
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.ledger.currency import CurrencyError, currency

from . import names
from .challenge import NONCE_BYTES
from .confirmation import METHODS, Confirmation, exposure_currency
from .confirmation_commands import Ceremony, RejectConfirmation, StartConfirmation
from .confirmation_evidence import ConfirmationEvidence
from .confirmation_render import render_confirmation, render_mandate
from .enrolment import Registration
from .evidence import SpcDisplay
from .mandate import Mandate, MandateState
from .mandate_commands import FinishMandate, RevokeMandate, StartMandate
from .passkey import Passkey, PasskeyState
from .settings import AuthSettings
from .terms import ConfirmationMethod, PasskeyAddTerms, PaymentTerms, RecoveryVetoTerms, Terms, WithdrawalTerms
from .terms_source import PaymentTermsSource
from .token import PayerPurpose
from .verification import verify

ACTS: Final = ("payment", "withdrawal", "registration", "recovery_veto")
PURPOSE_OF: Final = {
    "payment": PayerPurpose.PAY, "withdrawal": PayerPurpose.MANAGE, "registration": PayerPurpose.MANAGE,
    "recovery_veto": PayerPurpose.MANAGE,
}  # fmt: skip
"""The purpose a payer's token must have to ask for an act."""
FILTERS: Final[dict[str, Meaning]] = {
    "payer": lambda name: ("payer", names.parse_payer(name, "filter")),
    "state": one_of("state", MandateState),
}
ORDERS: Final = {"create_time": "id"}
_ANY_MERCHANT: Final = "-"


class ConfirmationService(confirmation_service_pb2_grpc.ConfirmationServiceServicer):
    """Confirmations and mandates (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Relying party and limits.
        source: What is stored of payments and instruments.
        random_bytes: A source of chance that cannot be guessed.
    """

    def __init__(
        self,
        engine: Engine,
        pager: Pager,
        settings: AuthSettings,
        source: PaymentTermsSource,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._settings, self._source, self._random_bytes = settings, source, random_bytes

    async def StartConfirmation(
        self, request: pb.StartConfirmationRequest, context: object
    ) -> pb.StartConfirmationResponse:
        """See the contract."""
        call = current()
        payer = names.parse_payer(request.parent)
        act = request.WhichOneof("act")
        if act is None:
            invalid("act", f"exactly one of {', '.join(ACTS)} must be set")
        _may_ask(call.caller, act)
        own_payer(call.caller, payer, request.payment)
        method = METHODS.get(request.method or 1)
        if method is None or (method is ConfirmationMethod.SPC and act != "payment"):
            invalid("method", "must be WEBAUTHN, or SPC for a payment")
        terms = await self._terms(request, act, payer, method)
        command = StartConfirmation(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, terms=terms, ceremony=self._ceremony(method, terms),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Confirmation, outcome)
        return pb.StartConfirmationResponse(confirmation=render_confirmation(row), replayed=outcome.replayed)

    async def RejectConfirmation(
        self, request: pb.RejectConfirmationRequest, context: object
    ) -> pb.RejectConfirmationResponse:
        """See the contract."""
        call = current()
        row = await self._own(call.caller, request.name)
        command = RejectConfirmation(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            confirmation=row.id, payer=row.payer, rejection=request.rejection,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Confirmation, outcome)
        return pb.RejectConfirmationResponse(confirmation=render_confirmation(row), replayed=outcome.replayed)

    async def GetConfirmation(self, request: pb.GetConfirmationRequest, context: object) -> pb.GetConfirmationResponse:
        """See the contract."""
        call = current()
        row = await self._own(call.caller, request.name)
        evidence = None
        if call.caller.kind is not CallerKind.PAYER:
            evidence = await self._reader.get(ConfirmationEvidence, row.id)
        return pb.GetConfirmationResponse(confirmation=render_confirmation(row, evidence))

    async def StartMandate(self, request: pb.StartMandateRequest, context: object) -> pb.StartMandateResponse:
        """See the contract."""
        call = current()
        asked = request.mandate
        payer = names.parse_payer(asked.payer, "mandate.payer")
        own_payer(call.caller, payer)
        code = _one_currency(asked)
        instrument, display = await self._instrument(payer, asked.instrument)
        settings = self._settings
        command = StartMandate(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=names.parse_one("merchants", request.parent, "parent"), payer=payer, currency=code,
            payment_max=asked.payment_max.amount_minor, day_max=asked.day_max.amount_minor,
            total_max=asked.total_max.amount_minor, valid_until_s=asked.expire_time.seconds,
            instrument=instrument, instrument_display=display, rp_id=settings.party.rp_id,
            ceremony=Ceremony(
                method=ConfirmationMethod.WEBAUTHN, nonce=self._random_bytes(NONCE_BYTES),
                life_s=settings.confirmation_life_s, limit_minor=settings.new_passkey_limit(code),
            ),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Confirmation, outcome)
        return pb.StartMandateResponse(confirmation=render_confirmation(row), replayed=outcome.replayed)

    async def FinishMandate(self, request: pb.FinishMandateRequest, context: object) -> pb.FinishMandateResponse:
        """See the contract."""
        call = current()
        row = await self._own(call.caller, request.confirmation)
        proof = await verify(
            self._reader, self._settings, request.confirmation, request.assertion_json, self._engine.wall()
        )
        signed = render_confirmation(row).mandate.instrument_id
        own = "" if signed in {"", names.BALANCE} else signed
        command = FinishMandate(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=names.parse_one("merchants", request.parent, "parent"), proof=proof,
            instrument_display=(await self._instrument(row.payer, own))[1],
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        mandate = await self._engine.answer(Mandate, outcome)
        return pb.FinishMandateResponse(mandate=await self._render(mandate), replayed=outcome.replayed)

    async def RevokeMandate(self, request: pb.RevokeMandateRequest, context: object) -> pb.RevokeMandateResponse:
        """See the contract."""
        call = current()
        merchant, key = names.parse_mandate(request.name)
        stored = await self._reader.get(Mandate, key)
        if stored is None or stored.merchant != merchant:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="mandate")
        own_payer(call.caller, stored.payer)
        command = RevokeMandate(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            mandate=key, merchant=merchant,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        mandate = await self._engine.answer(Mandate, outcome)
        return pb.RevokeMandateResponse(mandate=await self._render(mandate), replayed=outcome.replayed)

    async def ListMandates(self, request: pb.ListMandatesRequest, context: object) -> pb.ListMandatesResponse:
        """See the contract."""
        call = current()
        where = await self._visible(call, request)
        column, descending = parse_order(request.order_by, ORDERS, "create_time desc")
        scope = f"{call.method}\n{request.parent}\n{request.filter}\n{request.order_by}\n{call.caller.actor}"
        page = self._pager.page(scope, request.page_size, request.page_token, order=column, descending=descending)
        rows = await self._reader.find(Mandate, where, page)
        return pb.ListMandatesResponse(
            mandates=[await self._render(row) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def _terms(
        self, request: pb.StartConfirmationRequest, act: str, payer: str, method: ConfirmationMethod
    ) -> Terms:
        """Builds what is to be signed from what is stored."""
        rp_id, payer_name = self._settings.party.rp_id, names.payer_name(payer)
        if act == "payment":
            return await self._source.payment_terms(request.payment, payer=payer, rp_id=rp_id, method=method)
        if act == "withdrawal":
            amount = request.withdrawal.amount
            _known_currency(amount.currency_code, "withdrawal.amount")
            display = await self._source.instrument_display(payer, request.withdrawal.instrument)
            return WithdrawalTerms(
                payer_id=payer_name, currency=amount.currency_code, amount_minor=amount.amount_minor,
                instrument_id=request.withdrawal.instrument, instrument_display=display, rp_id=rp_id,
            )  # fmt: skip
        if act == "registration":
            return await self._passkey_add(request.registration, payer, rp_id)
        return await self._veto(request.recovery_veto, payer, rp_id)

    async def _passkey_add(self, name: str, payer: str, rp_id: str) -> Terms:
        own = names.parse_payers_own("registrations", name, "registration")
        row = await self._reader.get(Registration, own.id)
        if row is None or not row.payer == own.payer == payer or row.passkey is not None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="registration")
        return PasskeyAddTerms(
            registration_id=name, payer_id=names.payer_name(payer), passkey_display=row.display_name, rp_id=rp_id
        )

    async def _veto(self, name: str, payer: str, rp_id: str) -> Terms:
        own = names.parse_payers_own("passkeys", name, "recovery_veto")
        row = await self._reader.get(Passkey, own.id)
        if row is None or not row.payer == own.payer == payer or row.state != PasskeyState.COOLING:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="passkey")
        return RecoveryVetoTerms(
            passkey_id=name, payer_id=names.payer_name(payer), passkey_display=row.display_name, rp_id=rp_id
        )

    def _ceremony(self, method: ConfirmationMethod, terms: Terms) -> Ceremony:
        settings, display = self._settings, None
        if method is ConfirmationMethod.SPC and isinstance(terms, PaymentTerms):
            if not settings.instrument_icon:
                invalid("method", "this installation does not offer Secure Payment Confirmation")
            exponent = currency(terms.currency).exponent
            display = SpcDisplay(exponent=exponent, payee_origin=None, instrument_icon=settings.instrument_icon)
        return Ceremony(
            method=method, nonce=self._random_bytes(NONCE_BYTES), life_s=settings.confirmation_life_s,
            limit_minor=settings.new_passkey_limit(exposure_currency(terms)), display=display,
        )  # fmt: skip

    async def _own(self, caller: Caller, name: str) -> Confirmation:
        """Returns a confirmation of the caller's own payer; a payment's token sees that payment's alone."""
        own = names.parse_payers_own("confirmations", name)
        row = await self._reader.get(Confirmation, own.id)
        if row is None or row.payer != own.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="confirmation")
        own_payer(caller, own.payer, row.subject)
        return row

    async def _instrument(self, payer: str, name: str) -> tuple[str, str]:
        """Returns what terms name and show as that from which is paid."""
        if not name:
            return names.BALANCE, names.BALANCE_DISPLAY
        return name, await self._source.instrument_display(payer, name)

    async def _visible(self, call: Call, request: pb.ListMandatesRequest) -> dict[str, object]:
        """Returns the conditions of a list, with those that the caller cannot leave."""
        where = parse_filter(request.filter, FILTERS)
        merchant = names.parse_one("merchants", request.parent, "parent")
        payer = where.get("payer")
        if call.caller.kind is CallerKind.PAYER:
            payer = where["payer"] = payer or call.caller.subject
        if isinstance(payer, str):
            own_payer(call.caller, payer)
        if merchant == _ANY_MERCHANT:
            if payer is None:
                raise Refused(Reason.FILTER_INVALID, "for all merchants the filter must name a payer")
            return where
        if payer is None:
            row = await self._reader.get(Merchant, merchant)
            if row is None:
                raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
            own_partner(call.caller, row.partner)
        return {**where, "merchant": merchant}

    async def _render(self, mandate: Mandate) -> mandate_pb2.Mandate:
        signed = await self._reader.get(Confirmation, mandate.confirmation)
        return render_mandate(mandate, signed, (await self._reader.book()).business_us)


def _may_ask(caller: Caller, act: str) -> None:
    """Lets a payer's token ask only for acts of its purpose.

    Raises:
        Refused: SCOPE_MISSING.
    """
    if caller.kind is not CallerKind.PAYER:
        return
    purpose = PURPOSE_OF[act]
    if caller.purpose != purpose:
        raise Refused(Reason.SCOPE_MISSING, f"a payer token of purpose {purpose.value} is needed")


def _one_currency(asked: mandate_pb2.Mandate) -> str:
    code = asked.payment_max.currency_code
    _known_currency(code, "mandate.payment_max")
    limits = [asked.day_max] + ([asked.total_max] if asked.HasField("total_max") else [])
    if any(limit.currency_code != code for limit in limits):
        invalid("mandate", "its limits must be of one currency")
    return code


def _known_currency(code: str, field: str) -> None:
    try:
        currency(code)
    except CurrencyError as error:
        raise Refused(Reason.CURRENCY_UNKNOWN, f"{field}: {error}", currency_code=code) from error
