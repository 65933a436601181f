"""Ceremonies between our server and a passkey in software, for tests of the auth room."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from keelpay.testing import SoftPasskey
from keelpay_server.auth import base64url
from keelpay_server.auth.assertion import ExpectedAssertion, StoredPasskey, Verified, verify_assertion
from keelpay_server.auth.challenge import challenge
from keelpay_server.auth.evidence_seal import EvidenceSealer
from keelpay_server.auth.options import KnownPasskey, creation_options, request_options, spc_request
from keelpay_server.auth.registration import ExpectedRegistration, NewPasskey, verify_registration
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.spc import Logo, SpcTerms, spc_terms
from keelpay_server.auth.terms import ConfirmationMethod, PaymentTerms

RP_ID = "pay.example.com"
ORIGIN = "https://pay.example.com"
SHOP = "https://shop.example"
PARTY = RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN}))
USER_HANDLE = bytes(range(32))
SEALER = EvidenceSealer(bytes(32), lambda size: bytes(range(32, 32 + size)))
NONCE = SEALER.nonce()
EXPIRES_AT_S = 1_900_000_120
TERMS = PaymentTerms(
    payment_id="merchants/cafe/payments/pay-1",
    payer_id="partners/acme/payers/ama",
    payee_id="merchants/cafe",
    payee_name="Café 北京",
    currency="CNY",
    amount_minor=1250,
    instrument_id="partners/acme/payers/ama/instruments/ins-1",
    instrument_display="Visa •••• 4242",
    rp_id=RP_ID,
    method=ConfirmationMethod.WEBAUTHN,
)
SPC_TERMS = replace(TERMS, method=ConfirmationMethod.SPC)
DISPLAYED = spc_terms(
    SPC_TERMS,
    exponent=2,
    payee_origin=SHOP,
    instrument_icon="https://pay.example.com/card.png",
    instrument_details="expires 12/30",
    logos=(Logo("https://pay.example.com/a.png", "A Bank"), Logo("https://pay.example.com/b.png", "B Network")),
)


class Ceremony:
    """One payer's device, enrolled with us."""

    def __init__(self, **device: Any) -> None:
        self.device = SoftPasskey(**{"origin": ORIGIN, **device})
        self.passkey = register(self.device)

    @property
    def known(self) -> list[KnownPasskey]:
        return [KnownPasskey(self.passkey.credential_id, self.passkey.transports)]

    def options(self, terms: PaymentTerms = TERMS) -> str:
        return request_options(rp_id=RP_ID, challenge=challenge(terms, NONCE, EXPIRES_AT_S), allow=self.known)

    def sign(self, terms: PaymentTerms = TERMS) -> str:
        """The device signs what plain WebAuthn asks for."""
        return self.device.get(self.options(terms))

    def show(self, displayed: SpcTerms = DISPLAYED) -> str:
        """The browser shows the payment itself, and signs what it showed."""
        bytes_to_sign = challenge(SPC_TERMS, NONCE, EXPIRES_AT_S)
        request = spc_request(rp_id=RP_ID, challenge=bytes_to_sign, allow=self.known, terms=displayed)
        return self.device.confirm_payment(request)

    def expected(self, **changes: Any) -> ExpectedAssertion:
        """What the server stored and asked for; `changes` reach into the passkey too."""
        stored = StoredPasskey(
            credential_id=changes.pop("credential_id", self.passkey.credential_id),
            public_key=changes.pop("public_key", self.passkey.public_key),
            user_handle=changes.pop("user_handle", USER_HANDLE),
            sign_count=changes.pop("sign_count", self.passkey.sign_count),
            backup_eligible=changes.pop("backup_eligible", self.passkey.backup_eligible),
            browser_bound_keys=changes.pop("browser_bound_keys", frozenset()),
        )
        terms = SPC_TERMS if changes.get("payment") else TERMS
        members = {"challenge": challenge(terms, NONCE, EXPIRES_AT_S), "passkey": stored, "party": PARTY, **changes}
        return ExpectedAssertion(**members)

    def verify(self, credential_json: str, **changes: Any) -> Verified:
        return verify_assertion(credential_json, self.expected(**changes))


def register(device: SoftPasskey, *, party: RelyingParty = PARTY, **expected: Any) -> NewPasskey:
    made = device.create(creation())
    return verify_registration(made, ExpectedRegistration(challenge=NONCE, party=party, **expected))


def creation(**changes: Any) -> str:
    members = {
        "rp_id": RP_ID,
        "rp_name": "keelpay",
        "user_handle": USER_HANDLE,
        "user_name": "ama",
        "challenge": NONCE,
        **changes,
    }
    return creation_options(**members)


def edited(credential_json: str, **members: Any) -> str:
    """A credential with members of its response replaced (bytes become base64url; None removes)."""
    credential = json.loads(credential_json)
    for name, value in members.items():
        if value is None:
            credential["response"].pop(name)
        else:
            credential["response"][name] = base64url.encode(value) if isinstance(value, bytes) else value
    return json.dumps(credential)


def client_bytes(credential_json: str) -> bytes:
    return base64url.decode(json.loads(credential_json)["response"]["clientDataJSON"])


def resigned(ceremony: Ceremony, credential_json: str, **client_members: Any) -> str:
    """A credential whose client data says something else, signed by the genuine key: what a lying browser sends."""
    client = json.loads(client_bytes(credential_json)) | client_members
    raw = json.dumps({name: value for name, value in client.items() if value is not None}).encode()
    authenticator = base64url.decode(json.loads(credential_json)["response"]["authenticatorData"])
    signature = sign_raw(ceremony, authenticator + hashlib.sha256(raw).digest())
    return edited(credential_json, clientDataJSON=raw, signature=signature)


def sign_raw(ceremony: Ceremony, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ceremony.device.credentials[ceremony.passkey.credential_id].private_key
    return key.sign(data, ec.ECDSA(hashes.SHA256())) if isinstance(key, ec.EllipticCurvePrivateKey) else key.sign(data)
