"""The seal of evidence: the installation's word on what became of a confirmation, beside the payer's own signature.

In: the digest of a file. Out: its seal; later, whose it is. Invariant: the payer's signature names the key of the seal:
half of each confirmation's nonce is a commitment to it, so nobody without the passkey can put another seal on a file.
"""

import json
from collections.abc import Callable, Collection
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .challenge import NONCE_BYTES
from .jwks import public_jwk, read_jwk
from .jws import open_token, sign
from .signing_key import KeyAlgorithm, SigningKey, VerifyingKey, thumbprint
from .strict_json import text_member
from .token_failure import TokenInvalid

MEMBER: Final = "seal"
TYPE: Final = "keelpay-evidence+jws"
SALT_BYTES: Final = 16
_PURPOSE: Final = b"keelpay.evidence-key"
_COMMITMENT: Final = b"keelpay.evidence-key.v1\n"


class EvidenceSealer:
    """The one key of an installation that seals evidence, the same for as long as its master key.

    Args:
        master: The 32 bytes that guard our signing keys too (`KeyKeeper`).
        random_bytes: A source of chance that cannot be guessed.
    """

    def __init__(self, master: bytes, random_bytes: Callable[[int], bytes]) -> None:
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(master)
        key = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = SigningKey(f"evidence-{thumbprint(key.public_key())}", KeyAlgorithm.EDDSA, key)
        self._random_bytes = random_bytes

    @property
    def public(self) -> VerifyingKey:
        """Its public half, which stands in our JWKS for ever."""
        return self._key.public

    def nonce(self) -> bytes:
        """Returns a fresh nonce of a confirmation: 16 random bytes, then 16 that name this key."""
        salt = self._random_bytes(SALT_BYTES)
        return salt + _commitment(salt, self.public)

    def seal(self, digest: str) -> dict[str, Any]:
        """Returns the member `seal` of the file that has a digest."""
        return {"key": public_jwk(self.public), "jws": sign({"evidence": digest}, self._key, TYPE)}


def require_seal(seal: object, nonce: bytes, digest: str, known: Collection[VerifyingKey] | None) -> VerifyingKey:
    """Returns the key that sealed a file.

    Args:
        seal: The member `seal`.
        nonce: The confirmation's, which the payer's signature covers.
        digest: Of the file.
        known: The installation's keys; None where nobody brought them.

    Raises:
        ValueError: The seal is not over this file, or not of the key that the nonce names, or of none of the known.
    """
    if not isinstance(seal, dict) or not isinstance(seal.get("key"), dict) or set(seal) != {"key", "jws"}:
        raise ValueError("the seal has a key and a jws")
    key = read_jwk(json.dumps(seal["key"]))
    if seal["key"] != public_jwk(key):
        raise ValueError("the key of the seal is not written as it was")
    if not compare_digest(nonce, nonce[:SALT_BYTES] + _commitment(nonce[:SALT_BYTES], key)):
        raise ValueError("the key of the seal is not the one that the payer's signature names")
    try:
        opened = open_token(text_member(seal, "jws"), find_key={key.kid: key}.get, types=frozenset({TYPE}))
    except TokenInvalid as error:
        raise ValueError(f"the seal: {error}") from error
    if opened.claims != {"evidence": digest}:
        raise ValueError("the seal is over another file: a member was changed, such as the outcome")
    if known is not None and thumbprint(key.public_key) not in {thumbprint(each.public_key) for each in known}:
        raise ValueError(f"the key of the seal, {key.kid}, is not among the keys given")
    return key


def _commitment(salt: bytes, key: VerifyingKey) -> bytes:
    name = thumbprint(key.public_key).encode("ascii")
    return sha256(_COMMITMENT + salt + name).digest()[: NONCE_BYTES - SALT_BYTES]
