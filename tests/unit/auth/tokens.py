"""Tokens and keys for tests of the auth room."""

import dataclasses
import json
from typing import Any

from cryptography.hazmat.primitives import serialization

from keelpay_server.auth import base64url
from keelpay_server.auth.jws import sign
from keelpay_server.auth.key_ring import KeyRing, RingKey
from keelpay_server.auth.signing_key import KeyAlgorithm, SigningKey, VerifyingKey, generate_signing_key
from keelpay_server.auth.token import Attestation, PayerPurpose, TokenClaims
from keelpay_server.auth.token_verifier import TokenVerifier
from keelpay_server.book.caller import CallerKind

NOW_S = 1_900_000_000
ISSUER = "https://pay.example.com"
AUDIENCE = "keelpay-test"
KEY = generate_signing_key()
ES256_KEY = generate_signing_key(KeyAlgorithm.ES256)
RING = KeyRing([RingKey(KEY, 0), RingKey(ES256_KEY, 1)])
PARTNER = TokenClaims(
    kind=CallerKind.PARTNER,
    subject="acme",
    scopes=frozenset({"payments.write", "orders.read"}),
    issued_at_s=NOW_S,
    expires_at_s=NOW_S + 600,
    token_id="tok-1",
)
PAY = dataclasses.replace(
    PARTNER,
    kind=CallerKind.PAYER,
    subject="acme/ama",
    purpose=PayerPurpose.PAY,
    resource="merchants/cafe/payments/pay-1",
)
ENROL = dataclasses.replace(
    PAY,
    purpose=PayerPurpose.ENROL,
    resource="",
    attestation=Attestation(authenticated_at_s=NOW_S - 60, methods=("otp", "face"), digest="x" * 43),
)
MANAGE = dataclasses.replace(PAY, purpose=PayerPurpose.MANAGE, resource="")
OPERATOR = dataclasses.replace(PARTNER, kind=CallerKind.OPERATOR, subject="ops-1")
BANK = dataclasses.replace(PARTNER, kind=CallerKind.BANK, subject="bank-1")
MEMBERS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "acme",
    "iat": NOW_S,
    "exp": NOW_S + 600,
    "jti": "tok-1",
    "kind": "partner",
    "scope": "payments.write",
}


def public_pem(key: VerifyingKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key.public_bytes(serialization.Encoding.PEM, form).decode()


def verifier(ring: KeyRing = RING, **settings: Any) -> TokenVerifier:
    return TokenVerifier(ring, **{"issuer": ISSUER, "audience": AUDIENCE, "skew_s": 30, **settings})


def signed(key: SigningKey = KEY, *, typ: str = "at+jwt", **changes: Any) -> str:
    """A token with a genuine signature over claims that differ (None removes a claim)."""
    members = {name: value for name, value in (MEMBERS | changes).items() if value is not None}
    return sign(members, key, typ)


def compact(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64url.encode(part) for part in parts)
