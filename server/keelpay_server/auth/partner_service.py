"""PartnerService on the wire: partners, merchants, keys and tokens.

In: validated requests. Out: resources and access tokens. Invariant: a token is signed after whatever entitles to it is
committed, carries no more scopes than its client has, and is stored nowhere.
"""

from collections.abc import Callable, Mapping
from typing import Final

from keelpay.api.auth.v1 import merchant_pb2, partner_service_pb2_grpc, proposal_pb2
from keelpay.api.auth.v1 import partner_request_pb2 as rq
from keelpay.api.auth.v1 import partner_service_pb2 as pb
from keelpay_server.book import ids
from keelpay_server.book.call import Call, current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, parse_order, time_of
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.ownership import own_partner, own_payer
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.request import identify
from keelpay_server.book.times import SECOND_US
from keelpay_server.ledger.currency import CurrencyError, currency

from . import names
from .client import Client, ClientState
from .client_commands import CreateSigningKey, RevokeSigningKey, UseAssertion
from .client_key import KIND as KEY_KIND
from .client_key import ClientKey, ClientKeyState, algorithm_of, read_public_key
from .client_proof import PersonKnown, prove_certificate, prove_client, prove_person
from .key_keeper import KeyKeeper
from .key_proof import verify_key_proof
from .link_desk import LinkDesk
from .merchant_commands import CreateMerchant, UpdateMerchant
from .partner_render import (
    metadata_text,
    payout_account_text,
    read_calendar,
    read_fee_plan,
    redacted,
    render_jwk,
    render_key,
    render_merchant,
    render_partner,
    render_proposal,
)
from .passkey_service import same_as_signed
from .payer_link import PayerLink, write_attestation
from .payer_link_commands import CreateLink
from .payer_token import PURPOSES, SCOPES, IssuePayerToken
from .payout_vault import PayoutVault
from .person_attestation import AttestationPurpose
from .proposal import Proposal
from .settings import AuthSettings
from .standing import Standing
from .terms import ConfirmationMethod
from .terms_source import PaymentTermsSource
from .token import PayerPurpose
from .token_failure import TokenInvalid
from .token_render import render_link, render_token
from .token_signer import TokenSigner

MERCHANT_FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", MerchantState), "create_time": time_of("create_time"),
}  # fmt: skip
MERCHANT_ORDERS: Final = {"create_time": "create_time"}
KEY_FILTERS: Final[dict[str, Meaning]] = {"state": one_of("state", ClientKeyState)}
KEY_ORDERS: Final = {"create_time": "id"}
CHANGEABLE: Final = frozenset(
    {"display_name", "statement_descriptor", "fee_plan", "payout_account", "metadata", "return_origins"}
)


class PartnerService(partner_service_pb2_grpc.PartnerServiceServicer):
    """Partners (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Issuer, audience, limits.
        keeper: Our signing keys.
        standing: To look again at once at a client whose key was revoked here.
        source: What is stored of payments.
        vault: Keeps account numbers.
        random_bytes: A source of chance that cannot be guessed.
        links: Makes the links to our pages.
    """

    def __init__(
        self,
        engine: Engine,
        pager: Pager,
        settings: AuthSettings,
        keeper: KeyKeeper,
        standing: Standing,
        source: PaymentTermsSource,
        vault: PayoutVault,
        random_bytes: Callable[[int], bytes],
        links: LinkDesk,
    ) -> None:
        self._engine, self._reader, self._pager, self._settings = engine, engine.reader, pager, settings
        self._keeper, self._standing, self._source, self._vault = keeper, standing, source, vault
        self._signer, self._links = TokenSigner(settings, keeper, random_bytes), links

    async def GetPartner(self, request: pb.GetPartnerRequest, context: object) -> pb.GetPartnerResponse:
        """See the contract."""
        own_partner(current().caller, names.parse_one("partners", request.name))
        row = await self._reader.get(Client, request.name)
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="partner")
        return pb.GetPartnerResponse(partner=render_partner(row))

    async def CreateMerchant(self, request: rq.CreateMerchantRequest, context: object) -> rq.CreateMerchantResponse:
        """See the contract."""
        call, asked = current(), request.merchant
        partner = names.parse_one("partners", request.parent, "parent")
        own_partner(call.caller, partner)
        try:
            currency(asked.settlement_currency)
        except CurrencyError as error:
            code = asked.settlement_currency
            raise Refused(Reason.CURRENCY_UNKNOWN, f"settlement_currency: {error}", currency_code=code) from error
        payout = await self._payout(asked, asked.settlement_currency) if asked.HasField("payout_account") else {}
        command = CreateMerchant(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=request.merchant_id, partner=partner, display_name=asked.display_name,
            statement_descriptor=asked.statement_descriptor, currency=asked.settlement_currency,
            calendar=read_calendar(asked.settlement_calendar), fee_plan=read_fee_plan(asked.fee_plan),
            payout_bank=payout.get("payout_bank", ""), payout_account=payout.get("payout_account", ""),
            metadata=metadata_text(asked), return_origins=" ".join(asked.return_origins),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Merchant, outcome)
        return rq.CreateMerchantResponse(merchant=render_merchant(row), replayed=outcome.replayed)

    async def GetMerchant(self, request: pb.GetMerchantRequest, context: object) -> pb.GetMerchantResponse:
        """See the contract."""
        return pb.GetMerchantResponse(merchant=render_merchant(await self._merchant(current().caller, request.name)))

    async def UpdateMerchant(self, request: rq.UpdateMerchantRequest, context: object) -> rq.UpdateMerchantResponse:
        """See the contract."""
        call, asked = current(), request.merchant
        stored = await self._merchant(call.caller, request.name)
        paths = CHANGEABLE if list(request.update_mask.paths) == ["*"] else frozenset(request.update_mask.paths)
        if not paths or not paths <= CHANGEABLE:
            invalid("update_mask", f"must name some of {', '.join(sorted(CHANGEABLE))}")
        identity = identify(call, request, request.name)
        command = UpdateMerchant(
            request=identity, caller=call.caller, deadline_us=call.deadline_us, merchant=stored.id,
            partner=call.caller.partner if call.caller.kind is CallerKind.PARTNER else "",
            state_version=asked.state_version, plain=_plain(asked, paths),
            money=await self._money(asked, paths, stored.currency), shown=redacted(request),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Merchant, outcome)
        return rq.UpdateMerchantResponse(
            merchant=render_merchant(row), replayed=outcome.replayed, proposal=await self._proposed(identity.key)
        )

    async def ListMerchants(self, request: pb.ListMerchantsRequest, context: object) -> pb.ListMerchantsResponse:
        """See the contract."""
        call = current()
        partner = names.parse_one("partners", request.parent, "parent")
        own_partner(call.caller, partner)
        where = {**parse_filter(request.filter, MERCHANT_FILTERS), "partner": partner}
        scope, page = self._page(call, request, MERCHANT_ORDERS)
        rows = await self._reader.find(Merchant, where, page)
        return pb.ListMerchantsResponse(
            merchants=[render_merchant(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

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
        known = await self._known(request, payer, wall_us) if purpose is PayerPurpose.ENROL else None
        made = self._links.seed()
        command = CreateLink(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            payer=payer, purpose=purpose, payment="", seed=made.seed, digest=made.digest,
            expire_time=self._links.expire_time(wall_us, None if known is None else self._fresh_us()),
            attestation=write_attestation(None if known is None else known.attestation),
            word=None if known is None else known.word, a_day=self._settings.enrolments_a_day,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(PayerLink, outcome)
        return rq.CreatePayerLinkResponse(link=render_link(row, self._links.url(row)), replayed=outcome.replayed)

    async def CreateSigningKey(
        self, request: rq.CreateSigningKeyRequest, context: object
    ) -> rq.CreateSigningKeyResponse:
        """See the contract."""
        call, asked = current(), request.signing_key
        own_partner(call.caller, names.parse_one("partners", request.parent, "parent"))
        _require_held(request)
        ends = asked.expire_time
        command = CreateSigningKey(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            client=request.parent, algorithm=asked.algorithm, public_key=asked.public_key_der,
            expire_time=ends.seconds * SECOND_US + ends.nanos // 1000 if asked.HasField("expire_time") else 0,
            keys_max=self._settings.signing_keys_max,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(ClientKey, outcome)
        return rq.CreateSigningKeyResponse(signing_key=render_key(row), replayed=outcome.replayed)

    async def RevokeSigningKey(
        self, request: rq.RevokeSigningKeyRequest, context: object
    ) -> rq.RevokeSigningKeyResponse:
        """See the contract."""
        call = current()
        client, _, kid = request.name.partition("/signingKeys/")
        own_partner(call.caller, names.parse_one("partners", client))
        command = RevokeSigningKey(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            key=ids.parse(KEY_KIND, kid), client=client,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        self._standing.forget(client)
        row = await self._engine.answer(ClientKey, outcome)
        return rq.RevokeSigningKeyResponse(signing_key=render_key(row), replayed=outcome.replayed)

    async def ListSigningKeys(self, request: pb.ListSigningKeysRequest, context: object) -> pb.ListSigningKeysResponse:
        """See the contract."""
        call = current()
        own_partner(call.caller, names.parse_one("partners", request.parent, "parent"))
        where = {**parse_filter(request.filter, KEY_FILTERS), "client": request.parent}
        scope, page = self._page(call, request, KEY_ORDERS)
        rows = await self._reader.find(ClientKey, where, page)
        return pb.ListSigningKeysResponse(
            signing_keys=[render_key(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def GetJwks(self, request: pb.GetJwksRequest, context: object) -> pb.GetJwksResponse:
        """See the contract."""
        wall_us = self._engine.wall()
        if not self._keeper.fresh(wall_us):
            await self._keeper.look(wall_us)
        return pb.GetJwksResponse(keys=[render_jwk(key) for key in self._keeper.ring.verifiers(wall_us / SECOND_US)])

    # ---- tokens

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

    # ---- merchants

    async def _merchant(self, caller: Caller, name: str) -> Merchant:
        row = await self._reader.get(Merchant, names.parse_one("merchants", name))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
        own_partner(caller, row.partner)
        return row

    async def _payout(self, asked: merchant_pb2.Merchant, code: str) -> dict[str, str]:
        account = asked.payout_account
        if not account.account_number:
            invalid("merchant.payout_account.account_number", "is needed to set the payout account")
        target = await self._vault.protect_account(
            currency=code, bank_code=account.bank_code, account_holder=account.account_holder,
            account_number=account.account_number,
        )  # fmt: skip
        return {"payout_bank": target.bank, "payout_account": payout_account_text(account, target)}

    async def _money(self, asked: merchant_pb2.Merchant, paths: frozenset[str], code: str) -> Mapping[str, str]:
        """Returns what a second person has to agree to."""
        money: dict[str, str] = {}
        if "fee_plan" in paths:
            money["fee_plan"] = read_fee_plan(asked.fee_plan)
        if "payout_account" in paths:
            money |= await self._payout(asked, code)
        return money

    async def _proposed(self, origin: bytes) -> proposal_pb2.Proposal | None:
        found = await self._reader.find(Proposal, {"origin": origin}, Page(1))
        return render_proposal(found[0]) if found else None

    def _page(
        self, call: Call, request: pb.ListMerchantsRequest | pb.ListSigningKeysRequest, orders: Mapping[str, str]
    ) -> tuple[str, Page]:
        column, descending = parse_order(request.order_by, orders, "create_time desc")
        scope = f"{call.method}\n{request.parent}\n{request.filter}\n{request.order_by}\n{call.caller.actor}"
        return scope, self._pager.page(
            scope, request.page_size, request.page_token, order=column, descending=descending
        )


def _require_held(request: rq.CreateSigningKeyRequest) -> None:
    """Verifies the proof, and takes it out: a repeat of the request, proven anew, is the same request.

    Raises:
        Refused: FIELD_INVALID.
    """
    try:
        key = read_public_key(request.signing_key.public_key_der)
    except ValueError as error:
        invalid("signing_key.public_key_der", str(error))
    try:
        verify_key_proof(
            request.proof, public_key=key, algorithm=algorithm_of(key), client=request.parent,
            request_id=request.request_id.lower(),
        )  # fmt: skip
    except TokenInvalid:
        invalid("proof", "is not this key's, for this parent and this request_id")
    request.ClearField("proof")


def _plain(asked: merchant_pb2.Merchant, paths: frozenset[str]) -> dict[str, str]:
    """Returns what changes at once."""
    values = {
        "display_name": asked.display_name, "statement_descriptor": asked.statement_descriptor,
        "metadata": metadata_text(asked), "return_origins": " ".join(asked.return_origins),
    }  # fmt: skip
    chosen = {name: value for name, value in values.items() if name in paths}
    for name in ("display_name", "statement_descriptor"):
        if name in chosen and not chosen[name]:
            invalid(f"merchant.{name}", "must not be empty")
    return chosen
