"""ConfirmationService on the wire: confirmations of every kind of act; mandates are in the part beside it.

In: validated requests of payers and their partners. Out: confirmations. Invariant: what is to be signed is built from
stored facts; a payer's token asks only for the acts of its purpose.
"""

from typing import Final

from keelpay.api.auth.v1 import confirmation_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.ownership import own_payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, known_currency
from keelpay_server.book.request import identify
from keelpay_server.ledger.currency import currency

from . import names
from .confirmation import METHODS, Confirmation, exposure_currency
from .confirmation_commands import Ceremony, RejectConfirmation, StartConfirmation
from .confirmation_evidence import ConfirmationEvidence
from .confirmation_reads import own_confirmation
from .confirmation_render import render_confirmation, render_evidence
from .confirmation_service_mandates import MandateMethods
from .enrolment import Registration
from .passkey import Passkey
from .spc_display import SpcDisplay
from .terms import ConfirmationMethod, PasskeyAddTerms, PaymentTerms, Terms, WithdrawalTerms
from .token import PayerPurpose
from .vouching import RESUME, VETO

ACTS: Final = ("payment", "withdrawal", "registration", "recovery_veto", "passkey_resume")
PURPOSE_OF: Final = {
    "payment": PayerPurpose.PAY, "withdrawal": PayerPurpose.MANAGE, "registration": PayerPurpose.MANAGE,
    "recovery_veto": PayerPurpose.MANAGE, "passkey_resume": PayerPurpose.MANAGE,
}  # fmt: skip
"""The purpose a payer's token must have to ask for an act."""
PASSKEY_ACTS: Final = {"recovery_veto": VETO, "passkey_resume": RESUME}
"""Acts about one passkey."""


class ConfirmationService(MandateMethods):
    """Confirmations (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Relying party and limits.
        source: What is stored of payments and instruments.
        sealer: Makes the nonces of confirmations and seals their evidence.
    """

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
        identity = identify(call, request, request.parent)
        try:
            terms = await self._terms(request, act, payer, method)
        except Refused:  # the act may be done already, and this a repeat
            outcome = await self._engine.repeated(identity)
            if outcome is None:
                raise
        else:
            command = StartConfirmation(
                request=identity, caller=call.caller, deadline_us=call.deadline_us,
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
        row = await own_confirmation(self._reader, call.caller, request.name)
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
        row = await own_confirmation(self._reader, call.caller, request.name)
        message = render_confirmation(row)
        if call.caller.kind is not CallerKind.PAYER:
            evidence = await self._reader.get(ConfirmationEvidence, row.id)
            if evidence is not None:
                message.evidence.CopyFrom(render_evidence(evidence, self._sealer))
        return pb.GetConfirmationResponse(confirmation=message)

    async def _terms(
        self, request: pb.StartConfirmationRequest, act: str, payer: str, method: ConfirmationMethod
    ) -> Terms:
        """Builds what is to be signed from what is stored."""
        rp_id, payer_name = self._settings.party.rp_id, names.payer_name(payer)
        if act == "payment":
            return await self._source.payment_terms(request.payment, payer=payer, rp_id=rp_id, method=method)
        if act == "withdrawal":
            amount = request.withdrawal.amount
            known_currency("withdrawal.amount", amount.currency_code)
            display = await self._source.instrument_display(payer, request.withdrawal.instrument)
            return WithdrawalTerms(
                payer_id=payer_name, currency=amount.currency_code, amount_minor=amount.amount_minor,
                instrument_id=request.withdrawal.instrument, instrument_display=display, rp_id=rp_id,
            )  # fmt: skip
        if act == "registration":
            return await self._passkey_add(request.registration, payer, rp_id)
        return await self._of_passkey(act, getattr(request, act), payer, rp_id)

    async def _passkey_add(self, name: str, payer: str, rp_id: str) -> Terms:
        own = names.parse_payers_own("registrations", name, "registration")
        row = await self._reader.get(Registration, own.id)
        if row is None or not row.payer == own.payer == payer or row.passkey is not None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="registration")
        return PasskeyAddTerms(
            registration_id=name, payer_id=names.payer_name(payer), passkey_display=row.display_name, rp_id=rp_id
        )

    async def _of_passkey(self, act: str, name: str, payer: str, rp_id: str) -> Terms:
        """Builds terms about one passkey of the payer, which has to be in the state that the act is about."""
        about = PASSKEY_ACTS[act]
        own = names.parse_payers_own("passkeys", name, act)
        row = await self._reader.get(Passkey, own.id)
        if row is None or not row.payer == own.payer == payer or row.state != about.origin:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="passkey")
        return about.terms_of(row, rp_id)

    def _ceremony(self, method: ConfirmationMethod, terms: Terms) -> Ceremony:
        settings, display = self._settings, None
        if method is ConfirmationMethod.SPC and isinstance(terms, PaymentTerms):
            if not settings.instrument_icon:
                invalid("method", "this installation does not offer Secure Payment Confirmation")
            exponent = currency(terms.currency).exponent
            display = SpcDisplay(
                exponent=exponent, payee_origin=None, instrument_icon=settings.instrument_icon, logos=settings.logos
            )
        return Ceremony(
            method=method, nonce=self._sealer.nonce(), life_s=settings.confirmation_life_s,
            limit_minor=settings.new_passkey_limit(exposure_currency(terms)), display=display,
        )  # fmt: skip


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
