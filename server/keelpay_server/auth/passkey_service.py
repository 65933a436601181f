"""PasskeyService on the wire: set up, list, revoke, recover, lift a suspension.

In: validated requests of payers and their partners. Out: registrations and passkeys. Invariant: what a device made is
verified here, before the queue; who may enrol is decided in the commit.
"""

from collections.abc import Callable
from typing import Final

from keelpay.api.auth.v1 import attestation_pb2, passkey_pb2, passkey_service_pb2_grpc
from keelpay.api.auth.v1 import passkey_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import own_payer
from keelpay_server.book.paging import Pager
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify

from .client_proof import PersonKnown, prove_person
from .confirmation_render import render_passkey, render_registration
from .device import device_of
from .enrolment import Registration
from .names import parse_payer, parse_payers_own
from .passkey import Passkey, PasskeyState
from .person_attestation import AttestationPurpose
from .proof import Proof
from .recovery import RevokePasskey, StartRecovery, VetoRecovery
from .registration import ExpectedRegistration, NewPasskey, RegistrationRefused, verify_registration
from .registration_ceremony import RegistrationOptions
from .registration_commands import FinishRegistration, StartRegistration
from .settings import AuthSettings
from .suspension import ResumePasskey
from .verification import verify

CHALLENGE_BYTES: Final = 32
FILTERS: Final[dict[str, Meaning]] = {"state": one_of("state", PasskeyState)}
ORDERS: Final = {"create_time": "id"}


class PasskeyService(passkey_service_pb2_grpc.PasskeyServiceServicer):
    """Passkeys (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Relying party and limits.
        random_bytes: A source of chance that cannot be guessed.
    """

    def __init__(
        self, engine: Engine, pager: Pager, settings: AuthSettings, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._settings, self._random_bytes = settings, random_bytes

    async def StartRegistration(
        self, request: pb.StartRegistrationRequest, context: object
    ) -> pb.StartRegistrationResponse:
        """See the contract."""
        call = current()
        payer = parse_payer(request.parent)
        own_payer(call.caller, payer)
        command = StartRegistration(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, display_name=request.display_name, spc=request.spc, options=self._options(),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Registration, outcome)
        return pb.StartRegistrationResponse(registration=render_registration(row), replayed=outcome.replayed)

    async def FinishRegistration(
        self, request: pb.FinishRegistrationRequest, context: object
    ) -> pb.FinishRegistrationResponse:
        """See the contract."""
        call = current()
        name = parse_payers_own("registrations", request.name)
        own_payer(call.caller, name.payer)
        row = await self._reader.get(Registration, name.id)
        if row is None or row.payer != name.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="registration")
        made, failure = self._verify(row, request.credential_json)
        command = FinishRegistration(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            registration=row.id, payer=row.payer, made=made, failure=failure, credential=request.credential_json,
            proof=await self._proof(request, row.payer) if request.confirmation else None,
            rp_id=self._settings.party.rp_id, new_passkey_s=self._settings.new_passkey_s,
            cooling_s=self._settings.cooling_s,
            device=await device_of(self._reader, call.caller, row.payer),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        key = await self._engine.answer(Passkey, outcome)
        return pb.FinishRegistrationResponse(passkey=await self._render(key), replayed=outcome.replayed)

    async def ListPasskeys(self, request: pb.ListPasskeysRequest, context: object) -> pb.ListPasskeysResponse:
        """See the contract."""
        call = current()
        payer = parse_payer(request.parent)
        own_payer(call.caller, payer)
        where = {**parse_filter(request.filter, FILTERS), "payer": payer}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Passkey, where, page)
        return pb.ListPasskeysResponse(
            passkeys=[await self._render(row) for row in rows],
            next_page_token=self._pager.next_token(scope, page, rows),
        )

    async def RevokePasskey(self, request: pb.RevokePasskeyRequest, context: object) -> pb.RevokePasskeyResponse:
        """See the contract."""
        call = current()
        name = parse_payers_own("passkeys", request.name)
        own_payer(call.caller, name.payer)
        command = RevokePasskey(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            passkey=name.id, payer=name.payer, may_end_recovery=call.caller.kind != CallerKind.PAYER,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        key = await self._engine.answer(Passkey, outcome)
        return pb.RevokePasskeyResponse(passkey=await self._render(key), replayed=outcome.replayed)

    async def StartRecovery(self, request: pb.StartRecoveryRequest, context: object) -> pb.StartRecoveryResponse:
        """See the contract."""
        call = current()
        payer = parse_payer(request.parent)
        own_payer(call.caller, payer)
        known = await self._known(request.attestation, payer)
        command = StartRecovery(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, display_name=request.display_name, options=self._options(), attested=known.text,
            word=known.word, a_day=self._settings.recoveries_a_day,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Registration, outcome)
        return pb.StartRecoveryResponse(registration=render_registration(row), replayed=outcome.replayed)

    async def VetoRecovery(self, request: pb.VetoRecoveryRequest, context: object) -> pb.VetoRecoveryResponse:
        """See the contract."""
        call = current()
        name = parse_payers_own("passkeys", request.name)
        own_payer(call.caller, name.payer)
        command = VetoRecovery(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            passkey=name.id, payer=name.payer, proof=await self._proof(request, name.payer),
            rp_id=self._settings.party.rp_id,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        key = await self._engine.answer(Passkey, outcome)
        return pb.VetoRecoveryResponse(passkey=await self._render(key), replayed=outcome.replayed)

    async def ResumePasskey(self, request: pb.ResumePasskeyRequest, context: object) -> pb.ResumePasskeyResponse:
        """See the contract."""
        call = current()
        name = parse_payers_own("passkeys", request.name)
        own_payer(call.caller, name.payer)
        command = ResumePasskey(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            passkey=name.id, payer=name.payer, proof=await self._proof(request, name.payer),
            rp_id=self._settings.party.rp_id, new_passkey_s=self._settings.new_passkey_s,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        key = await self._engine.answer(Passkey, outcome)
        return pb.ResumePasskeyResponse(passkey=await self._render(key), replayed=outcome.replayed)

    def _options(self) -> RegistrationOptions:
        settings = self._settings
        return RegistrationOptions(
            rp_id=settings.party.rp_id, rp_name=settings.rp_name, challenge=self._random_bytes(CHALLENGE_BYTES),
            life_s=settings.registration_life_s, passkeys_max=settings.passkeys_max,
            attestation=bool(settings.attestation_roots),
        )  # fmt: skip

    def _verify(self, row: Registration, credential_json: str) -> tuple[NewPasskey | None, str]:
        expected = ExpectedRegistration(
            challenge=row.challenge, party=self._settings.party, payment=bool(row.spc),
            attestation_roots=self._settings.attestation_roots,
        )  # fmt: skip
        try:
            return verify_registration(credential_json, expected), ""
        except RegistrationRefused as refused:
            return None, str(refused)

    async def _proof(
        self, request: pb.FinishRegistrationRequest | pb.VetoRecoveryRequest | pb.ResumePasskeyRequest, payer: str
    ) -> Proof:
        if not request.assertion_json:
            invalid("assertion_json", "is needed with confirmation")
        if parse_payers_own("confirmations", request.confirmation, "confirmation").payer != payer:
            invalid("confirmation", "belongs to another payer")
        return await verify(
            self._reader, self._settings, request.confirmation, request.assertion_json, self._engine.wall()
        )

    async def _known(self, said: attestation_pb2.PersonAttestation, payer: str) -> PersonKnown:
        known = await prove_person(
            self._reader, self._settings, said.jws, payer=payer, purpose=AttestationPurpose.RECOVER,
            wall_us=self._engine.wall(),
        )  # fmt: skip
        same_as_signed(said, known)
        return known

    async def _render(self, key: Passkey) -> passkey_pb2.Passkey:
        wall_us, limit = self._engine.wall(), None
        if wall_us < key.trusted_time and (code := await told_currency(self._reader, key.payer)):
            limit = (self._settings.new_passkey_limit(code), code)
        return render_passkey(key, wall_us=wall_us, limit=limit)


async def told_currency(reader: Reader, payer: str) -> str:
    """Returns the currency in which a payer is told a limit: that of its first balance, or else of its partner's first
    merchant; empty where there is neither.
    """
    row = await reader.get(Payer, payer)
    if row is None:
        return ""
    if row.currencies:
        return row.currencies.split()[0]
    merchants = await reader.find(Merchant, {"partner": row.partner}, Page(1))
    return merchants[0].currency if merchants else ""


def same_as_signed(said: attestation_pb2.PersonAttestation, known: PersonKnown) -> None:
    """Refuses an attestation whose fields are not those that were signed.

    Raises:
        Refused: FIELD_INVALID.
    """
    signed = known.attestation
    if said.auth_time.seconds != signed.authenticated_at_s or tuple(said.amr) != signed.methods:
        invalid("attestation", "auth_time and amr must be those of the signed jws")
