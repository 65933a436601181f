"""Public keys as JSON Web Keys (RFC 7517): ours to publish, partners' to register.

In: a ring, or a partner's JWK. Out: the JWKS document, or a key. Invariant: a private member is neither written nor
accepted.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import base64url
from .signing_key import COORDINATE_BYTES, KeyAlgorithm, PublicKey, VerifyingKey, is_key_name, jwk_members, thumbprint
from .strict_json import parse_object, text_member

JWK_LENGTH_MAX: Final = 4096
_SHAPES: Final = {
    ("OKP", "Ed25519"): (KeyAlgorithm.EDDSA, frozenset({"kty", "crv", "x"})),
    ("EC", "P-256"): (KeyAlgorithm.ES256, frozenset({"kty", "crv", "x", "y"})),
}
_DESCRIPTION: Final = frozenset({"kid", "alg", "use", "key_ops"})


def public_jwk(key: VerifyingKey) -> dict[str, str]:
    """One key as a JWK with its name, algorithm and use."""
    return jwk_members(key.public_key) | {"kid": key.kid, "alg": key.algorithm.value, "use": "sig"}


def jwks_document(keys: Iterable[VerifyingKey]) -> str:
    """The document that others verify our tokens with."""
    return json.dumps({"keys": [public_jwk(key) for key in keys]}, separators=(",", ":"))


def read_jwk(text: str) -> VerifyingKey:
    """Reads a partner's public key.

    Args:
        text: One JWK of at most 4,096 characters; its `kid` is optional, and then the RFC 7638 thumbprint.

    Raises:
        ValueError: It is not an Ed25519 or P-256 public key for signatures, or it holds a private member.
    """
    if len(text) > JWK_LENGTH_MAX:
        raise ValueError(f"a JWK has at most {JWK_LENGTH_MAX} characters")
    members = parse_object(text)
    shape = _SHAPES.get((text_member(members, "kty"), text_member(members, "crv")))
    if shape is None:
        raise ValueError("a signing key is Ed25519 or P-256")
    algorithm, required = shape
    if not required <= members.keys() <= required | _DESCRIPTION:
        raise ValueError("members that do not belong to a public signing key")
    if members.get("alg", algorithm.value) != algorithm.value or members.get("use", "sig") != "sig":
        raise ValueError("alg or use is not that of the key")
    public_key = _public_key(algorithm, members)
    kid = text_member(members, "kid") if "kid" in members else thumbprint(public_key)
    if not is_key_name(kid):
        raise ValueError("kid has 1 to 64 letters, digits, - and _")
    return VerifyingKey(kid, algorithm, public_key)


def _public_key(algorithm: KeyAlgorithm, members: dict[str, Any]) -> PublicKey:
    x = base64url.decode(text_member(members, "x"))
    if len(x) != COORDINATE_BYTES:
        raise ValueError("x has another length")
    if algorithm is KeyAlgorithm.EDDSA:
        return Ed25519PublicKey.from_public_bytes(x)
    y = base64url.decode(text_member(members, "y"))
    if len(y) != COORDINATE_BYTES:
        raise ValueError("y has another length")
    numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
    return numbers.public_key()
