"""A caller's private key: what a partner's or operator's backend proves itself with (private_key_jwt, RFC 7523).

In: a PEM file, Ed25519 or P-256, and the name of the key. Out: short-lived signed statements, each good once.
Invariant: the key signs and is never shown; `cryptography` is only needed by who uses this file.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from ._times import to_timestamp
from .api.auth.v1 import attestation_pb2
from .errors import ConfigurationError
from .request_id import new_request_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ASSERTION_LIFE_S: Final = 120
COORDINATE_BYTES: Final = 32
PROOF_TYPE: Final = "keelpay-key-proof+jwt"


@dataclass(frozen=True, slots=True)
class SigningPrivateKey:
    """A private key and who it belongs to.

    Attributes:
        holder: `partners/{p}` or `operators/{o}`.
        key_id: The last part of the key's name, `partners/{p}/signingKeys/{k}`; empty for a key that has none yet.
        algorithm: `EdDSA` or `ES256`.
    """

    holder: str
    key_id: str
    algorithm: str
    _key: "Ed25519PrivateKey | EllipticCurvePrivateKey" = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes | str, *, holder: str, key_id: str = "", password: bytes | None = None) -> Self:
        """Reads a private key.

        Args:
            pem: PKCS #8, PEM.
            holder: Who signs with it, `partners/{p}` or `operators/{o}`.
            key_id: The key's id or whole name; left out for a key that is about to be registered.
            password: Of an encrypted file.

        Raises:
            ConfigurationError: `cryptography` is not installed, or it is no such key.
        """
        try:
            from cryptography.hazmat.primitives.asymmetric import ec, ed25519
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        except ImportError as missing:
            raise ConfigurationError(
                f"signing with a key needs {missing.name}: please install keelpay[partner]"
            ) from missing
        try:
            key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"this is not a private key in PEM form: {error}") from error
        name = key_id.rsplit("/", 1)[-1]
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(holder, name, "EdDSA", key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(holder, name, "ES256", key)
        raise ConfigurationError("a signing key is Ed25519 or on the curve P-256")

    @property
    def public_key_der(self) -> bytes:
        """The public half, SubjectPublicKeyInfo in DER."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def possession_proof(self, request_id: str) -> str:
        """A statement that its holder has this key, for the one request that registers it.

        Args:
            request_id: Of that request.
        """
        return self._signed({"iss": self.holder, "jti": request_id}, kid=self._thumbprint(), typ=PROOF_TYPE)

    def client_assertion(self, audience: str) -> str:
        """A statement that proves its holder to IssueToken, good once and for two minutes.

        Args:
            audience: The installation's name, as its operator tells it.
        """
        now_s = int(time.time())
        return self._signed(
            {
                "iss": self.holder,
                "sub": self.holder,
                "aud": audience,
                "jti": new_request_id(),
                "iat": now_s,
                "exp": now_s + ASSERTION_LIFE_S,
            }
        )

    def attest(
        self, payer: str, *, auth_time: datetime, amr: Sequence[str], purpose: str = "enrol"
    ) -> attestation_pb2.PersonAttestation:
        """A partner's signed word about a person, for a first passkey or a recovery.

        Args:
            payer: Who it is about, `partners/{p}/payers/{u}`.
            auth_time: When the person was last authenticated, at most ten minutes ago.
            amr: By what means, RFC 8176 values: `pwd`, `otp`, `face`.
            purpose: `enrol` or `recover`.
        """
        claims = {
            "iss": self.holder,
            "sub": payer,
            "auth_time": int(auth_time.astimezone(UTC).timestamp()),
            "amr": list(amr),
            "iat": int(time.time()),
            "jti": new_request_id(),
            "purpose": purpose,
        }
        return attestation_pb2.PersonAttestation(
            auth_time=to_timestamp(auth_time.replace(microsecond=0)), amr=amr, jws=self._signed(claims)
        )

    def _signed(self, claims: Mapping[str, Any], *, kid: str = "", typ: str = "JWT") -> str:
        """A compact JWS (RFC 7515) over the claims; under the key's own id unless another is given."""
        header = {"alg": self.algorithm, "kid": kid or self.key_id, "typ": typ}
        text = f"{_encode(_compact(header))}.{_encode(_compact(claims))}"
        return f"{text}.{_encode(self._signature(text.encode('ascii')))}"

    def _thumbprint(self) -> str:
        """The name of the public half that follows from itself (RFC 7638, SHA-256)."""
        from cryptography.hazmat.primitives.asymmetric import ec

        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            numbers = self._key.public_key().public_numbers()
            x, y = (_encode(each.to_bytes(COORDINATE_BYTES, "big")) for each in (numbers.x, numbers.y))
            members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        else:
            members = {"crv": "Ed25519", "kty": "OKP", "x": _encode(self._key.public_key().public_bytes_raw())}
        return _encode(hashlib.sha256(_compact(members)).digest())

    def _signature(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            # JWS wants the two numbers side by side (RFC 7518, 3.4), not in DER.
            r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
        return self._key.sign(data)


def _compact(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
