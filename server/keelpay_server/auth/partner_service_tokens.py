"""Access tokens and links on the wire: the part of PartnerService that lets programs and payers in.

In: validated requests with what proves a client or a person. Out: signed tokens, links. Invariant: a token is signed
after whatever entitles to it is committed, carries no more scopes than its client has, and is stored nowhere.
"""

from collections.abc import Callable

from keelpay.api.auth.v1 import partner_request_pb2 as rq
from keelpay.api.auth.v1 import partner_service_pb2_grpc
from keelpay_server.book import ids
from keelpay_server.book.call import current
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.ownership import own_payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.times import SECOND_US

from . import names
from .client import Client, ClientState
from .client_commands import UseAssertion
from .client_key import KIND as KEY_KIND
from .client_proof import PersonKnown, prove_certificate, prove_client, prove_person
from .key_keeper import KeyKeeper
from .link_desk import LinkDesk
from .passkey_service import same_as_signed
from .payer_link import PayerLink, write_attestation
from .payer_link_commands import CreateLink
from .payer_token import PURPOSES, SCOPES, IssuePayerToken
from .person_attestation import AttestationPurpose
from .settings import AuthSettings
from .terms import ConfirmationMethod
from .terms_source import PaymentTermsSource
from .token import PayerPurpose
from .token_render import render_link, render_token
from .token_signer import TokenSigner


class TokenMethods(partner_service_pb2_grpc.PartnerServiceServicer):
    """What PartnerService does about tokens and links (see the contract).

    Args:
        engine: The book.
        settings: Issuer, audience, limits.
        keeper: Our signing keys.
        source: What is stored of payments.
        random_bytes: A source of chance that cannot be guessed.
        links: Makes the links to our pages.
    """

    def __init__(
        self,
        engine: Engine,
        settings: AuthSettings,
        keeper: KeyKeeper,
        source: PaymentTermsSource,
        random_bytes: Callable[[int], bytes],
        links: LinkDesk,
    ) -> None:
        self._engine, self._reader, self._settings, self._source = engine, engine.reader, settings, source
        self._signer, self._links = TokenSigner(settings, keeper, random_bytes), links

    async def IssueToken(self, request: rq.IssueTokenRequest, context: object) -> rq.IssueTokenResponse:
        """See the contract."""
        call, wall_us = current(), self._engine.wall()
        if not request.assertion:
            key = await prove_certificate(self._reader, call.certificate, wall_us)
            return await self._issue(request, key.client, key.kid, wall_us)
        proven = await prove_client(self._reader, self._settings, request.assertion, wall_us)
        use = UseAssertion(
            client=proven.client, key=ids.parse(KEY_KIND, proven.kid), use_key=proven.use_key,
            until_us=proven.until_us, deadline_us=call.deadline_us,
        )  # fmt: skip
        return await self._issue(request, proven.client, proven.kid, wall_us, use)

    async def _issue(
        self, request: rq.IssueTokenRequest, name: str, kid: str, wall_us: int, use: UseAssertion | None = None
    ) -> rq.IssueTokenResponse:
        """Signs the token of a proven client, once what proved it is used."""
        client = await self._reader.get(Client, name)
        if client is None:
            raise Refused(Reason.CLIENT_ASSERTION_INVALID)
        if client.state != ClientState.ACTIVE:
            raise Refused(Reason.PARTNER_SUSPENDED)
        allowed = frozenset(client.scopes.split())
        scopes = frozenset(request.scopes) or allowed
        if not scopes <= allowed:
            more = " ".join(sorted(scopes - allowed))
            raise Refused(Reason.SCOPE_MISSING, "the client may not have these scopes", scope=more)
        if use is not None:
            await self._engine.execute(use)
        token = self._signer.sign(client.kind, client.subject, scopes, kid, wall_us)
        return rq.IssueTokenResponse(token=render_token(token))

    async def IssuePayerToken(self, request: rq.IssuePayerTokenRequest, context: object) -> rq.IssuePayerTokenResponse:
        """See the contract."""
        call, wall_us = current(), self._engine.wall()
        payer = names.parse_payer(request.parent)
        own_payer(call.caller, payer)
        purpose = PURPOSES[request.kind]
        if (purpose is PayerPurpose.PAY) != bool(request.payment):
            invalid("payment", "is needed for PAY and forbidden otherwise")
        if (purpose is PayerPurpose.ENROL) != request.HasField("attestation"):
            invalid("attestation", "is needed for ENROL and forbidden otherwise")
        if request.payment:
            await self._own_payment(request.payment, payer)
        known = await self._known(request, payer, wall_us) if purpose is PayerPurpose.ENROL else None
        command = IssuePayerToken(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, word=None if known is None else known.word, a_day=self._settings.enrolments_a_day,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        token = self._signer.sign(
            CallerKind.PAYER, payer, SCOPES[purpose], call.caller.key, wall_us, purpose=purpose,
            resource=request.payment, attestation=None if known is None else known.attestation,
        )  # fmt: skip
        return rq.IssuePayerTokenResponse(token=render_token(token), replayed=outcome.replayed)

    async def CreatePayerLink(self, request: rq.CreatePayerLinkRequest, context: object) -> rq.CreatePayerLinkResponse:
        """See the contract."""
        call, wall_us = current(), self._engine.wall()
        payer, purpose = names.parse_payer(request.parent), PURPOSES[request.kind]
        own_payer(call.caller, payer)
        if purpose is PayerPurpose.PAY:
            invalid("kind", "must be ENROL or MANAGE: a payment has CreateCheckoutLink")
        if (purpose is PayerPurpose.ENROL) != request.HasField("attestation"):
            invalid("attestation", "is needed for ENROL and forbidden otherwise")
        if bool(request.merchant) != bool(request.return_url):
            invalid("merchant", "is needed with a return_url and forbidden otherwise")
        known = await self._known(request, payer, wall_us) if purpose is PayerPurpose.ENROL else None
        made = self._links.seed()
        command = CreateLink(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, purpose=purpose, payment="", seed=made.seed, digest=made.digest,
            expire_time=self._links.expire_time(wall_us, None if known is None else self._fresh_us()),
            attestation=write_attestation(None if known is None else known.attestation),
            word=None if known is None else known.word, a_day=self._settings.enrolments_a_day,
            merchant=names.parse_one("merchants", request.merchant, "merchant") if request.merchant else "",
            return_uri=request.return_url,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(PayerLink, outcome)
        return rq.CreatePayerLinkResponse(link=render_link(row, self._links.url(row)), replayed=outcome.replayed)

    def _fresh_us(self) -> int:
        """How long the partner's word about a person opens an enrolment: as long as a passkey may take to be made."""
        return self._settings.registration_life_s * SECOND_US

    async def _own_payment(self, payment: str, payer: str) -> None:
        """Refuses a token for a payment that is not the payer's, or is over."""
        await self._source.payment_terms(
            payment, payer=payer, rp_id=self._settings.party.rp_id, method=ConfirmationMethod.WEBAUTHN
        )

    async def _known(
        self, request: rq.IssuePayerTokenRequest | rq.CreatePayerLinkRequest, payer: str, wall_us: int
    ) -> PersonKnown:
        known = await prove_person(
            self._reader, self._settings, request.attestation.jws, payer=payer, purpose=AttestationPurpose.ENROL,
            wall_us=wall_us,
        )  # fmt: skip
        same_as_signed(request.attestation, known)
        return known
