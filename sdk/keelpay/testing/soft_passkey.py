"""A passkey in software: it answers WebAuthn's JSON options as a browser with an authenticator would.

In: creation, request and Secure Payment Confirmation options. Out: credentials as JSON. Invariant: what it says about
itself (flags, counter, origin, frame) is whatever the test sets, and every signature over it is genuine.
"""

import copy
import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

try:
    import cbor2
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
except ImportError as missing:
    raise ImportError(
        f"keelpay.testing makes real signatures and needs {missing.name}: please install keelpay[testing]"
    ) from missing

ES256: Final = -7
EDDSA: Final = -8
_ATTESTED: Final = 0x40
_CREDENTIAL_ID_BYTES: Final = 32
_COORDINATE_BYTES: Final = 32

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class NoPasskey(LookupError):  # noqa: N818  (named after what a browser tells its user)
    """None of the passkeys allowed by the options is here."""


@dataclass(slots=True)
class Credential:
    """One passkey inside the authenticator."""

    credential_id: bytes
    rp_id: str
    user_handle: bytes
    private_key: PrivateKey
    sign_count: int = 0

    @property
    def algorithm(self) -> int:
        """COSE algorithm number."""
        return ES256 if isinstance(self.private_key, ec.EllipticCurvePrivateKey) else EDDSA


@dataclass(slots=True, kw_only=True)
class SoftPasskey:
    """An authenticator and the browser around it. Every attribute may be changed between two ceremonies.

    Attributes:
        origin: The page's origin.
        user_verified: Whether it says that finger, face or PIN were checked.
        user_present: Whether it says that somebody was there.
        backup_eligible: Whether it says that the passkey may be synced.
        backup_state: Whether it says that the passkey is synced.
        counter_step: What each use adds to the counter; 0 is a synced passkey, which reports 0 for ever.
        algorithms: COSE algorithms it offers, the server's preference decides.
        attestation: `none`, or `packed` for self attestation.
        cross_origin: Whether the page says it is a frame in another origin.
        top_origin: The origin around that frame, where the browser tells it.
        browser_bound: Whether the browser signs with a key of its own in Secure Payment Confirmation.
        credentials: The passkeys made so far, by id.
    """

    origin: str
    user_verified: bool = True
    user_present: bool = True
    backup_eligible: bool = False
    backup_state: bool = False
    counter_step: int = 1
    algorithms: tuple[int, ...] = (ES256, EDDSA)
    attestation: str = "none"
    cross_origin: bool = False
    top_origin: str | None = None
    browser_bound: bool = False
    credentials: dict[bytes, Credential] = field(default_factory=dict)
    browser_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    def create(self, options_json: str) -> str:
        """Makes a passkey: `navigator.credentials.create()`.

        Args:
            options_json: PublicKeyCredentialCreationOptionsJSON.

        Raises:
            ValueError: A passkey of the exclude list is here already, or no algorithm is common to both.
        """
        options = json.loads(options_json)
        if any(_bytes(each["id"]) in self.credentials for each in options.get("excludeCredentials", ())):
            raise ValueError("InvalidStateError: this device is enrolled already")
        offered = [each["alg"] for each in options["pubKeyCredParams"] if each["alg"] in self.algorithms]
        if not offered:
            raise ValueError("NotSupportedError: no common algorithm")
        credential = Credential(
            os.urandom(_CREDENTIAL_ID_BYTES),
            options["rp"]["id"],
            _bytes(options["user"]["id"]),
            ec.generate_private_key(ec.SECP256R1()) if offered[0] == ES256 else ed25519.Ed25519PrivateKey.generate(),
        )
        self.credentials[credential.credential_id] = credential
        bound = self.browser_bound and options.get("extensions", {}).get("payment", {}).get("isPayment", False)
        told = {"browserBoundPublicKey": _text(cose_public_key(self.browser_key))} if bound else None
        client = self._client_data("webauthn.create", options["challenge"], told)
        attested = bytes(16) + struct.pack(">H", _CREDENTIAL_ID_BYTES) + credential.credential_id
        attested += cose_public_key(credential.private_key)
        authenticator = self._authenticator_data(credential, attested)
        statement: dict[str, Any] = {}
        if self.attestation == "packed":
            signature = _sign(credential.private_key, authenticator + hashlib.sha256(client).digest())
            statement = {"alg": credential.algorithm, "sig": signature}
        attestation = cbor2.dumps({"fmt": self.attestation, "attStmt": statement, "authData": authenticator})
        return _credential_json(
            credential,
            {"clientDataJSON": _text(client), "attestationObject": _text(attestation), "transports": ["internal"]},
            {"credProps": {"rk": True}} | (self._browser_signature(client) if bound else {}),
        )

    def get(self, options_json: str, payment: Mapping[str, Any] | None = None) -> str:
        """Signs a challenge: `navigator.credentials.get()`.

        Args:
            options_json: PublicKeyCredentialRequestOptionsJSON.
            payment: What the browser displayed and adds to what is signed (CollectedClientAdditionalPaymentData);
                with it the ceremony is Secure Payment Confirmation's.

        Raises:
            NoPasskey: None of the passkeys allowed is here.
        """
        options = json.loads(options_json)
        allowed = [_bytes(each["id"]) for each in options.get("allowCredentials", ())]
        return self._assert(options["rpId"], options["challenge"], allowed or list(self.credentials), payment)

    def confirm_payment(self, request_json: str) -> str:
        """Shows a payment and signs what it showed: `new PaymentRequest([...]).show()`.

        Args:
            request_json: SecurePaymentConfirmationRequest as JSON, with `total` beside its members.

        Raises:
            NoPasskey: None of the passkeys named is here.
        """
        request = json.loads(request_json)
        shown = ("rpId", "payeeName", "payeeOrigin", "total", "instrument", "paymentEntitiesLogos")
        payment = {name: request[name] for name in shown if name in request}
        payment["topOrigin"] = self.top_origin or self.origin
        named = [_bytes(each) for each in request["credentialIds"]]
        return self._assert(request["rpId"], request["challenge"], named, payment)

    def clone(self) -> "SoftPasskey":
        """A copy with counters of its own: what a stolen key would be."""
        twin = copy.copy(self)
        twin.credentials = {each: copy.copy(credential) for each, credential in self.credentials.items()}
        return twin

    def _assert(self, rp_id: str, challenge: str, allowed: list[bytes], payment: Mapping[str, Any] | None) -> str:
        known = (self.credentials[each] for each in allowed if each in self.credentials)
        credential = next((each for each in known if each.rp_id == rp_id), None)
        if credential is None:
            raise NoPasskey("NotAllowedError: no passkey that the options allow")
        credential.sign_count += self.counter_step
        signed_payment = dict(payment) if payment is not None else None
        if signed_payment is not None and self.browser_bound:
            signed_payment["browserBoundPublicKey"] = _text(cose_public_key(self.browser_key))
        kind = "webauthn.get" if payment is None else "payment.get"
        client = self._client_data(kind, challenge, signed_payment)
        authenticator = self._authenticator_data(credential)
        signature = _sign(credential.private_key, authenticator + hashlib.sha256(client).digest())
        by_browser = signed_payment is not None and self.browser_bound
        extensions = self._browser_signature(client) if by_browser else {}
        response = {
            "clientDataJSON": _text(client),
            "authenticatorData": _text(authenticator),
            "signature": _text(signature),
            "userHandle": _text(credential.user_handle),
        }
        return _credential_json(credential, response, extensions)

    def _browser_signature(self, client: bytes) -> dict[str, Any]:
        return {"payment": {"browserBoundSignature": {"signature": _text(_sign(self.browser_key, client))}}}

    def _client_data(self, kind: str, challenge: str, payment: dict[str, Any] | None = None) -> bytes:
        members: dict[str, Any] = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        if self.top_origin is not None and self.cross_origin:
            members["topOrigin"] = self.top_origin
        if payment is not None:
            members["payment"] = payment
        return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8")

    def _authenticator_data(self, credential: Credential, attested: bytes = b"") -> bytes:
        flags = self.user_present | self.user_verified << 2 | self.backup_eligible << 3 | self.backup_state << 4
        flags |= _ATTESTED if attested else 0
        rp_id_hash = hashlib.sha256(credential.rp_id.encode("utf-8")).digest()
        return rp_id_hash + bytes([flags]) + struct.pack(">I", credential.sign_count) + attested


def cose_public_key(key: PrivateKey) -> bytes:
    """The public half in COSE form (RFC 9053)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()})
    numbers = key.public_key().public_numbers()
    x, y = (each.to_bytes(_COORDINATE_BYTES, "big") for each in (numbers.x, numbers.y))
    return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})


def _sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _credential_json(credential: Credential, response: dict[str, Any], extensions: dict[str, Any]) -> str:
    name = _text(credential.credential_id)
    return json.dumps(
        {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": extensions,
            "response": response,
        }
    )


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
