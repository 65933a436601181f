"""Proof of possession: whoever adds a public key shows that it holds the private half.

In: the compact token of CreateSigningKeyRequest, the key and who asks. Out: nothing, or a reason. Invariant: the token
is signed by that very key, for that client and for that one request, and is of a type that nothing else accepts.

RFC 7591 and RFC 7523 ask for none; RFC 8555 (section 7.3.5) and RFC 9449 do. Without it a partner could register a
stranger's public key and so shut the stranger out, for a certificate whose key two clients claim proves neither; or it
could change over to a key that it does not hold, and lock itself out. A key that an operator adds on the server's own
command line is made there and needs none.
"""

from typing import Final

from .jws import open_token
from .signing_key import KeyAlgorithm, PublicKey, VerifyingKey, thumbprint
from .strict_json import text_member
from .token_failure import TokenInvalid

PROOF_TYPE: Final = "keelpay-key-proof+jwt"


def verify_key_proof(
    proof: str, *, public_key: PublicKey, algorithm: KeyAlgorithm, client: str, request_id: str
) -> None:
    """Verifies that whoever adds a key holds it.

    Args:
        proof: The compact token.
        public_key: The key that is added.
        algorithm: The one algorithm it is used with.
        client: The resource name under which it is added.
        request_id: Of the request that adds it, lower case.

    Raises:
        TokenInvalid: Anything.
    """
    name = thumbprint(public_key)
    key = VerifyingKey(name, algorithm, public_key)
    claims = open_token(proof, find_key={name: key}.get, types=frozenset({PROOF_TYPE})).claims
    try:
        named = (text_member(claims, "iss"), text_member(claims, "jti").lower())
    except ValueError as error:
        raise TokenInvalid(str(error)) from error
    if named != (client, request_id):
        raise TokenInvalid("another client or request")
