"""A book with a partner, a payer with a device, a merchant, and the room's services on the real engine."""

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.auth.v1 import (
    attestation_pb2,
    confirmation_service_pb2,
    mandate_pb2,
    merchant_pb2,
    partner_request_pb2,
    passkey_service_pb2,
)
from keelpay.api.type.v1.money_pb2 import Money
from keelpay.testing import SoftPasskey
from keelpay_server.auth import names
from keelpay_server.auth.approval_service import ApprovalService
from keelpay_server.auth.authentication import Authentication
from keelpay_server.auth.client_commands import CreateClient
from keelpay_server.auth.client_key import ClientKey
from keelpay_server.auth.confirmation_service import ConfirmationService
from keelpay_server.auth.expiry import expiry_handlers
from keelpay_server.auth.jws import sign
from keelpay_server.auth.key_keeper import KeyKeeper
from keelpay_server.auth.link_desk import LinkDesk
from keelpay_server.auth.merchant_commands import CHANGE_MONEY, rebuild_money_change
from keelpay_server.auth.partner_service import PartnerService
from keelpay_server.auth.passkey_service import PasskeyService
from keelpay_server.auth.payout_vault import PayoutTarget
from keelpay_server.auth.proof import Proof, spend, spend_needs
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.signing_key import SigningKey, generate_signing_key
from keelpay_server.auth.standing import Standing
from keelpay_server.auth.terms import ConfirmationMethod, PaymentTerms, Terms
from keelpay_server.auth.verification import verify
from keelpay_server.book import ids
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import ANYONE, Caller, CallerKind
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.paging import Pager
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

START_US = 1_800_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
RP_ID = "pay.example.com"
ORIGIN = "https://pay.example.com"
AUDIENCE = "keelpay-test"
SETTINGS = AuthSettings(
    party=RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN})), issuer=ORIGIN, audience=AUDIENCE,
    instrument_icon=f"{ORIGIN}/card.png", recoveries_a_day=2, enrolments_a_day=50,
)  # fmt: skip
PARTNER_SCOPES = frozenset({"payments.write", "passkeys.recover", "merchants.write", "payer-tokens.write"})
AMA = "acme/ama"
BEN = "acme/ben"
ACME = Caller(CallerKind.PARTNER, "acme", "acme", PARTNER_SCOPES)
OTHER = Caller(CallerKind.PARTNER, "other", "other", PARTNER_SCOPES)
OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")
SECOND_OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-2")
PAYMENT = f"merchants/cafe/payments/{ids.text('pay', bytes(15) + b'1')}"
OTHER_PAYMENT = f"merchants/cafe/payments/{ids.text('pay', bytes(15) + b'2')}"
INSTRUMENT = f"partners/acme/payers/ama/instruments/{ids.text('ins', bytes(15) + b'3')}"


class Clock:
    """A wall clock that moves a millisecond a look, and further when told."""

    def __init__(self):
        self.now_us = START_US

    def __call__(self):
        self.now_us += 1_000
        return self.now_us

    def advance(self, by_us):
        self.now_us += by_us


class Shelf:
    """What a gateway would have stored, by name."""

    def __init__(self):
        self.payments: dict[str, dict[str, Any]] = {}
        self.removed: set[str] = set()

    async def payment_terms(self, payment, *, payer, rp_id, method):
        if payment not in self.payments or self.payments[payment]["payer_id"] != names.payer_name(payer):
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        return PaymentTerms(**self.payments[payment], rp_id=rp_id, method=method)

    async def instrument_display(self, payer, instrument):
        if not instrument.startswith(names.payer_name(payer)) or instrument in self.removed:
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        return "ICBC ·· 0018"


class Vault:
    """A vault that forgets the number."""

    async def protect_account(self, *, currency, bank_code, account_holder, account_number):
        return PayoutTarget("sandbox-bank", f"tok-{account_number[-4:]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Command):
    """Puts rows as they are, standing for the rooms that own them."""

    rows: tuple[Any, ...]

    def decide(self, world):
        return Changes(rows=self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Command):
    """An act of another room that a confirmation allows."""

    proof: Proof
    terms: Terms

    def needs(self, need):
        spend_needs(need, self.proof)

    def decide(self, world):
        return spend(world, self.proof, self.terms)


class Scene:
    """See the module."""

    def __init__(self, engine, clock, settings=SETTINGS):
        self.engine, self.reader, self.clock, self.settings = engine, engine.reader, clock, settings
        self.shelf, pager = Shelf(), Pager(b"a secret for page tokens")
        self.keeper = KeyKeeper(engine, bytes(32), secrets.token_bytes)
        self.standing = Standing(engine.reader)
        self.authenticate = Authentication(self.keeper, self.standing, settings, clock)
        self.passkeys = PasskeyService(engine, pager, settings, secrets.token_bytes)
        self.confirmations = ConfirmationService(engine, pager, settings, self.shelf, self.keeper.evidence)
        self.partners = PartnerService(
            engine, pager, settings, self.keeper, self.standing, self.shelf, Vault(), secrets.token_bytes,
            LinkDesk(bytes(32), pages_origin=ORIGIN, life_s=1800, random_bytes=secrets.token_bytes),
        )  # fmt: skip
        self.approvals = ApprovalService(engine, pager, {CHANGE_MONEY: rebuild_money_change}, {})
        self.handlers = expiry_handlers(engine)
        self.keys: dict[str, SigningKey] = {}
        self.device = SoftPasskey(origin=ORIGIN)

    async def begin(self):
        """Keys, two partners, two payers, a merchant, a payment of Ama's."""
        await self.keeper.open()
        await self.client("partners/acme")
        await self.client("partners/other")
        for number, payer in enumerate((AMA, BEN, "other/cy"), 101):
            handle = secrets.token_bytes(32)
            row = Payer(
                payer, payer.partition("/")[0], number, PayerState.ACTIVE, 1, handle, "", "zh-CN", "CN", 0, "{}", 1, 1
            )
            await self.engine.execute(Put(rows=(row,)))
        await self.call(ACME, self.partners.CreateMerchant, merchant_request())
        self.shelf.payments[PAYMENT] = payment_facts(PAYMENT, AMA)
        self.shelf.payments[OTHER_PAYMENT] = payment_facts(OTHER_PAYMENT, AMA)
        return self

    async def call(self, caller, method, request):
        """Calls a servicer as a caller."""
        served = (base.__name__ for base in type(method.__self__).__mro__ if base.__name__.endswith("ServiceServicer"))
        service = next(served).removesuffix("Servicer")
        set_current(Call("test-0001", caller, f"/keelpay.api.auth.v1.{service}/{method.__name__}", 0))
        return await method(request, None)

    async def client(self, name, scopes=PARTNER_SCOPES):
        """Admits a client with a fresh key."""
        key = generate_signing_key()
        await self.engine.execute(CreateClient(client=name, display_name=name, scopes=scopes, public_key=der_of(key)))
        (stored,) = await self.reader.find(ClientKey, {"client": name})
        self.keys[name] = SigningKey(stored.kid, key.algorithm, key.private_key)

    def now_s(self):
        return self.clock.now_us // SECOND

    def assertion(self, name="partners/acme", **changes):
        """A client assertion as the client signs it."""
        claims = {
            "iss": name, "sub": name, "aud": AUDIENCE, "jti": uuid.uuid4().hex, "iat": self.now_s(),
            "exp": self.now_s() + 120, **changes,
        }  # fmt: skip
        return sign(claims, self.keys[name], "JWT")

    async def token(self, name="partners/acme", scopes=()):
        """An access token."""
        request = partner_request_pb2.IssueTokenRequest(assertion=self.assertion(name), scopes=scopes)
        return (await self.call(ANYONE, self.partners.IssueToken, request)).token

    async def caller(self, value):
        """Who a token is from."""
        found = self.authenticate({"authorization": f"Bearer {value}"})
        return found if isinstance(found, Caller) else await found

    def word(self, payer=AMA, purpose="enrol", **changes):
        """A partner's signed word about a person."""
        partner = f"partners/{payer.partition('/')[0]}"
        claims = {
            "iss": partner, "sub": names.payer_name(payer), "purpose": purpose, "auth_time": self.now_s() - 5,
            "amr": ["otp"], "iat": self.now_s(), "jti": uuid.uuid4().hex, **changes,
        }  # fmt: skip
        return attestation_pb2.PersonAttestation(
            auth_time=Timestamp(seconds=claims["auth_time"]), amr=claims["amr"],
            jws=sign(claims, self.keys[partner], "JWT"),
        )  # fmt: skip

    async def payer_caller(self, kind, payer=AMA, payment="", partner=None):
        """A payer as its token makes it: 1 pay, 2 enrol, 3 manage."""
        request = partner_request_pb2.IssuePayerTokenRequest(
            parent=names.payer_name(payer), request_id=fresh(), kind=kind, payment=payment,
            attestation=self.word(payer) if kind == 2 else None,
        )  # fmt: skip
        asker = partner or await self.caller((await self.token(f"partners/{payer.partition('/')[0]}")).value)
        token = (await self.call(asker, self.partners.IssuePayerToken, request)).token
        return await self.caller(token.value)

    async def start_registration(self, caller, payer=AMA, spc=False):
        request = passkey_service_pb2.StartRegistrationRequest(
            parent=names.payer_name(payer), request_id=fresh(), display_name="Ama's phone", spc=spc
        )
        return (await self.call(caller, self.passkeys.StartRegistration, request)).registration

    async def finish_registration(self, caller, registration, device=None, confirmation="", assertion="", made=""):
        request = passkey_service_pb2.FinishRegistrationRequest(
            name=registration.name, request_id=fresh(), confirmation=confirmation, assertion_json=assertion,
            credential_json=made or (device or self.device).create(registration.options_json),
        )  # fmt: skip
        return (await self.call(caller, self.passkeys.FinishRegistration, request)).passkey

    async def enrol(self, payer=AMA, device=None, spc=False):
        """A first passkey."""
        caller = await self.payer_caller(2, payer)
        registration = await self.start_registration(caller, payer, spc)
        return await self.finish_registration(caller, registration, device)

    async def start_recovery(self, device, payer=AMA):
        request = passkey_service_pb2.StartRecoveryRequest(
            parent=names.payer_name(payer), request_id=fresh(), display_name="New phone",
            attestation=self.word(payer, "recover"),
        )  # fmt: skip
        partner = ACME._replace(key=self.keys["partners/acme"].kid)
        registration = (await self.call(partner, self.passkeys.StartRecovery, request)).registration
        caller = await self.payer_caller(2, payer)
        return await self.finish_registration(caller, registration, device)

    async def start(self, caller=ACME, payer=AMA, method=0, **act):
        """Asks for a confirmation."""
        request = self.question(payer, method, **act)
        return (await self.call(caller, self.confirmations.StartConfirmation, request)).confirmation

    def question(self, payer=AMA, method=0, **act):
        """The request for a confirmation; of her payment, unless another act is given."""
        return confirmation_service_pb2.StartConfirmationRequest(
            parent=names.payer_name(payer), request_id=fresh(), method=method, **(act or {"payment": PAYMENT})
        )

    async def proof(self, confirmation, assertion=None):
        """Has the device sign, and verifies it before the queue."""
        signed = self.device.get(confirmation.options_json) if assertion is None else assertion
        return await verify(self.reader, self.settings, confirmation.name, signed, self.clock())

    async def pay(self, confirmation, assertion=None, **changes):
        """Spends a confirmation for Ama's payment as it is now."""
        proof = await self.proof(confirmation, assertion)
        return await self.engine.execute(Pay(proof=proof, terms=self.terms(**changes)))

    def terms(self, payment=PAYMENT, **changes):
        facts = {**self.shelf.payments[payment], **changes}
        return PaymentTerms(**facts, rp_id="", method=ConfirmationMethod.WEBAUTHN)

    async def stored(self, entity, name, collection):
        return await self.reader.get(entity, names.parse_payers_own(collection, name).id)

    async def start_mandate(self, caller=ACME, total=0, instrument="", **changes):
        cny = {"payment_max": 5_000, "day_max": 8_000, **changes}
        mandate = mandate_pb2.Mandate(
            payer=names.payer_name(AMA), expire_time=Timestamp(seconds=self.now_s() + 30 * 86_400),
            instrument=instrument,
            **{name: Money(currency_code="CNY", amount_minor=amount) for name, amount in cny.items()},
        )  # fmt: skip
        if total:
            mandate.total_max.CopyFrom(Money(currency_code="CNY", amount_minor=total))
        request = confirmation_service_pb2.StartMandateRequest(
            parent="merchants/cafe", request_id=fresh(), mandate=mandate
        )
        return (await self.call(caller, self.confirmations.StartMandate, request)).confirmation

    async def finish_mandate(self, confirmation, caller=ACME, assertion=None, merchant="cafe"):
        request = self.finishing_of(confirmation, assertion, merchant)
        return (await self.call(caller, self.confirmations.FinishMandate, request)).mandate

    def finishing_of(self, confirmation, assertion=None, merchant="cafe"):
        """The request that brings a signed mandate."""
        return confirmation_service_pb2.FinishMandateRequest(
            parent=f"merchants/{merchant}", request_id=fresh(), confirmation=confirmation.name,
            assertion_json=self.device.get(confirmation.options_json) if assertion is None else assertion,
        )  # fmt: skip

    async def run_due(self):
        """Does the work that is due now, as a worker would; returns the kinds."""
        tasks = await self.engine.store.claim("worker", self.clock(), SECOND, 100)
        for task in tasks:
            await self.handlers[task.kind]([task], lambda _entity, _key: None)
        return [task.kind for task in tasks]

    async def advance_business(self, by_us):
        await self.engine.store.advance(by_us)

    async def data_of(self, kind):
        """Data of the events of a kind so far."""
        from keelpay_server.book import journal

        rows = await self.reader.journal(0, 1000)
        return [event[7] for row in rows for event in journal.decode(row.body).events if event[1] == kind]

    async def events(self, prefix=""):
        """Types of what happened so far."""
        from keelpay_server.book import journal

        rows = await self.reader.journal(0, 1000)
        return [event[1] for row in rows for event in journal.decode(row.body).events if event[1].startswith(prefix)]


def fresh():
    return str(uuid.uuid4())


def der_of(key: SigningKey) -> bytes:
    return key.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def payment_facts(payment, payer, **changes):
    return {
        "payment_id": payment, "payer_id": names.payer_name(payer), "payee_id": "merchants/cafe",
        "payee_name": "Café 北京", "currency": "CNY", "amount_minor": 1250, "instrument_id": INSTRUMENT,
        "instrument_display": "Visa •••• 4242", **changes,
    }  # fmt: skip


def merchant_request(merchant_id="cafe", partner="acme", **changes):
    merchant = {
        "display_name": "Café 北京", "statement_descriptor": "CAFE", "settlement_currency": "CNY",
        "settlement_calendar": merchant_pb2.SettlementCalendar(time_zone="Asia/Shanghai"),
        "fee_plan": merchant_pb2.FeePlan(rules=[merchant_pb2.FeeRule(basis_points=60)]), **changes,
    }  # fmt: skip
    return partner_request_pb2.CreateMerchantRequest(
        parent=f"partners/{partner}", request_id=fresh(), merchant_id=merchant_id,
        merchant=merchant_pb2.Merchant(**merchant),
    )  # fmt: skip


def edited(credential_json, **members):
    """A credential with members of its response replaced."""
    credential = json.loads(credential_json)
    credential["response"].update(members)
    return json.dumps(credential)
