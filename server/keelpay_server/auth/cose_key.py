"""Public keys of passkeys in COSE form, and the one question asked of them: does this signature hold?

In: COSE bytes as an authenticator gave them. Out: yes or no. Invariant: the algorithm is the key's own and one of
three, each with the one curve WebAuthn allows for it (WebAuthn L3 section 5.8.5).
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, verify_signature
from webauthn.helpers.cose import COSEAlgorithmIdentifier

ES256: Final = COSEAlgorithmIdentifier.ECDSA_SHA_256
EDDSA: Final = COSEAlgorithmIdentifier.EDDSA
RS256: Final = COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256
SUPPORTED_ALGORITHMS: Final = (ES256, EDDSA, RS256)
"""In the order we prefer them."""
RSA_BITS_MIN: Final = 2048


def algorithm_of(cose_key: bytes) -> int:
    """The COSE algorithm number of a key we can verify with.

    Raises:
        ValueError: The bytes are no such key.
    """
    return int(_read(cose_key)[0])


def signature_holds(cose_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether `signature` over `data` was made by the private half of `cose_key`.

    Raises:
        ValueError: The key itself cannot be read; registration admits no such key.
    """
    algorithm, public_key = _read(cose_key)
    try:
        verify_signature(public_key=public_key, signature_alg=algorithm, signature=signature, data=data)
    except InvalidSignature:
        return False
    return True


def _read(cose_key: bytes) -> tuple[COSEAlgorithmIdentifier, PublicKeyTypes]:
    try:
        decoded = decode_credential_public_key(cose_key)
        algorithm = COSEAlgorithmIdentifier(decoded.alg)
        public_key = decoded_public_key_to_cryptography(decoded)
    except Exception as error:  # the bytes are foreign, and the parsers raise whatever they meet
        raise ValueError("not a readable public key") from error
    match algorithm, public_key:
        case COSEAlgorithmIdentifier.ECDSA_SHA_256, EllipticCurvePublicKey(curve=SECP256R1()):
            pass
        case COSEAlgorithmIdentifier.EDDSA, Ed25519PublicKey():
            pass
        case COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256, RSAPublicKey() if public_key.key_size >= RSA_BITS_MIN:
            pass
        case _:
            raise ValueError(f"a {type(public_key).__name__} for algorithm {algorithm} is not supported")
    return algorithm, public_key
