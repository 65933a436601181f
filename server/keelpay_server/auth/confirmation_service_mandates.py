"""Mandates on the wire: the part of ConfirmationService about paying without being asked each time.

In: validated requests of payers and their partners. Out: mandates, and the confirmation that makes one. Invariant: the
limits and the source of a mandate are those that were signed.
"""

from typing import Final

from keelpay.api.auth.v1 import confirmation_service_pb2 as pb
from keelpay.api.auth.v1 import confirmation_service_pb2_grpc, mandate_pb2
from keelpay_server.book.call import Call, current
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter
from keelpay_server.book.ownership import own_payer, owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, known_currency
from keelpay_server.book.request import identify

from . import names
from .confirmation import Confirmation
from .confirmation_commands import Ceremony
from .confirmation_reads import own_confirmation
from .confirmation_render import render_confirmation, render_mandate
from .device import device_of
from .evidence_seal import EvidenceSealer
from .mandate import Mandate, MandateState
from .mandate_commands import FinishMandate, RevokeMandate, StartMandate
from .settings import AuthSettings
from .terms import ConfirmationMethod
from .terms_source import PaymentTermsSource
from .verification import verify

FILTERS: Final[dict[str, Meaning]] = {
    "payer": lambda name: ("payer", names.parse_payer(name, "filter")),
    "state": one_of("state", MandateState),
}
ORDERS: Final = {"create_time": "id"}
_ANY_MERCHANT: Final = "-"


class MandateMethods(confirmation_service_pb2_grpc.ConfirmationServiceServicer):
    """What ConfirmationService does about mandates (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Relying party and limits.
        source: What is stored of instruments.
        sealer: Makes the nonces of confirmations and seals their evidence.
    """

    def __init__(
        self,
        engine: Engine,
        pager: Pager,
        settings: AuthSettings,
        source: PaymentTermsSource,
        sealer: EvidenceSealer,
    ) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._settings, self._source, self._sealer = settings, source, sealer

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
                method=ConfirmationMethod.WEBAUTHN, nonce=self._sealer.nonce(),
                life_s=settings.confirmation_life_s, limit_minor=settings.new_passkey_limit(code),
            ),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Confirmation, outcome)
        return pb.StartMandateResponse(confirmation=render_confirmation(row), replayed=outcome.replayed)

    async def FinishMandate(self, request: pb.FinishMandateRequest, context: object) -> pb.FinishMandateResponse:
        """See the contract."""
        call = current()
        row = await own_confirmation(self._reader, call.caller, request.confirmation)
        identity = identify(call, request, request.parent)
        outcome = await self._engine.repeated(identity)  # also when what it is paid from has been removed since
        if outcome is None:
            proof = await verify(
                self._reader, self._settings, request.confirmation, request.assertion_json, self._engine.wall(),
                await device_of(self._reader, call.caller, row.payer),
            )  # fmt: skip
            signed = render_confirmation(row).mandate.instrument_id
            own = "" if signed in {"", names.BALANCE} else signed
            command = FinishMandate(
                request=identity, caller=call.caller, deadline_us=call.deadline_us,
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
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Mandate, where, page)
        return pb.ListMandatesResponse(
            mandates=[await self._render(row) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

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
            await owned_merchant(self._reader, call.caller, merchant)
        return {**where, "merchant": merchant}

    async def _render(self, mandate: Mandate) -> mandate_pb2.Mandate:
        signed = await self._reader.get(Confirmation, mandate.confirmation)
        return render_mandate(mandate, signed, (await self._reader.book()).business_us)


def _one_currency(asked: mandate_pb2.Mandate) -> str:
    code = asked.payment_max.currency_code
    known_currency("mandate.payment_max", code)
    limits = [asked.day_max] + ([asked.total_max] if asked.HasField("total_max") else [])
    if any(limit.currency_code != code for limit in limits):
        invalid("mandate", "its limits must be of one currency")
    return code
