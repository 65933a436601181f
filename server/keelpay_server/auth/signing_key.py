"""Keys that sign tokens: ours, and the public halves of partners' keys.

In: PEM text or fresh randomness. Out: key objects with a name and one algorithm. Invariant: the algorithm belongs to
the key, is EdDSA (Ed25519) or ES256 (P-256), and is never read from a token.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from . import base64url

COORDINATE_BYTES: Final = 32
PEM_LENGTH_MAX: Final = 4096
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class KeyAlgorithm(StrEnum):
    """JWS algorithms we sign with and accept (RFC 8037, RFC 7518 section 3.4)."""

    EDDSA = "EdDSA"
    ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of a signing key.

    Attributes:
        kid: Its name.
        algorithm: The one algorithm it is used with.
        public_key: The key object.
    """

    kid: str
    algorithm: KeyAlgorithm
    public_key: PublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs tokens. Its text form never shows the secret.

    Attributes:
        kid: Its name; by default the RFC 7638 thumbprint of its public half.
        algorithm: The one algorithm it is used with.
        private_key: The key object.
    """

    kid: str
    algorithm: KeyAlgorithm
    private_key: PrivateKey = field(repr=False)

    @property
    def public(self) -> VerifyingKey:
        """The half that may be shown."""
        return VerifyingKey(self.kid, self.algorithm, self.private_key.public_key())


def is_key_name(kid: str) -> bool:
    """Whether a text may name a key: 1 to 64 letters, digits, `-` and `_`, so that it is no path and no query."""
    return _KID.fullmatch(kid) is not None


def generate_signing_key(algorithm: KeyAlgorithm = KeyAlgorithm.EDDSA) -> SigningKey:
    """Makes a fresh key, named by its thumbprint."""
    key: PrivateKey
    key = Ed25519PrivateKey.generate() if algorithm is KeyAlgorithm.EDDSA else generate_private_key(SECP256R1())
    return SigningKey(thumbprint(key.public_key()), algorithm, key)


def write_pem(key: SigningKey) -> str:
    """The private key as unencrypted PKCS#8 PEM; who stores it guards it."""
    return key.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def read_pem(pem: str, kid: str = "") -> SigningKey:
    """Reads an unencrypted private key from PEM.

    Args:
        pem: At most 4,096 characters.
        kid: Its name; empty for its thumbprint.

    Raises:
        ValueError: It is not an Ed25519 or P-256 private key.
    """
    _require_sound(pem, kid)
    try:
        key = serialization.load_pem_private_key(pem.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a readable private key") from error
    match key:
        case Ed25519PrivateKey():
            return SigningKey(kid or thumbprint(key.public_key()), KeyAlgorithm.EDDSA, key)
        case EllipticCurvePrivateKey(curve=SECP256R1()):
            return SigningKey(kid or thumbprint(key.public_key()), KeyAlgorithm.ES256, key)
        case _:
            raise ValueError("a signing key is Ed25519 or P-256")


def jwk_members(key: PublicKey) -> dict[str, str]:
    """The members of a JWK that make the key, and nothing else (RFC 7518 section 6.2, RFC 8037)."""
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": base64url.encode(numbers.x.to_bytes(COORDINATE_BYTES, "big")),
        "y": base64url.encode(numbers.y.to_bytes(COORDINATE_BYTES, "big")),
    }


def thumbprint(key: PublicKey) -> str:
    """The key's name that follows from the key itself (RFC 7638, SHA-256): 43 characters."""
    members: dict[str, Any] = jwk_members(key)
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url.encode(hashlib.sha256(canonical.encode("ascii")).digest())


def _require_sound(pem: str, kid: str) -> None:
    if len(pem) > PEM_LENGTH_MAX:
        raise ValueError(f"a PEM has at most {PEM_LENGTH_MAX} characters")
    if kid and not is_key_name(kid):
        raise ValueError("kid has 1 to 64 letters, digits, - and _")
