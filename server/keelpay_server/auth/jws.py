"""Signed compact tokens (RFC 7515), reduced to the little that is safe (RFC 8725).

In: claims and a key; or a text and a way to look keys up. Out: a text; or claims whose signature held. Invariant: the
header may hold `alg`, `kid` and `typ` and nothing else; `alg` is compared with the key's own algorithm and chooses
nothing; `kid` is a key in a dict and never a path, a URL or a query.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from . import base64url
from .signing_key import KeyAlgorithm, SigningKey, VerifyingKey, is_key_name
from .strict_json import parse_object
from .token_failure import TokenInvalid

TOKEN_LENGTH_MAX: Final = 8192
"""Characters; what an HTTP/2 header may hold by default."""
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
# Only these two algorithms exist for this object: neither `none` nor an HMAC can be asked for.
_JWS: Final = PyJWS(algorithms=[algorithm.value for algorithm in KeyAlgorithm])


class Opened(NamedTuple):
    """A token whose signature held.

    Attributes:
        key: The key that signed it.
        claims: Its payload, every claim still to be checked.
    """

    key: VerifyingKey
    claims: dict[str, Any]


class Unverified(NamedTuple):
    """What a token says about itself, good for looking keys up and for nothing else."""

    kid: str
    algorithm: str
    typ: str | None
    claims: dict[str, Any]


def sign(claims: dict[str, Any], key: SigningKey, typ: str) -> str:
    """Signs claims as a compact token."""
    payload = json.dumps(claims, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode("utf-8")
    headers = {"kid": key.kid, "typ": typ}
    return _JWS.encode(payload, key.private_key, algorithm=key.algorithm.value, headers=headers)


def open_token(token: str, *, find_key: Callable[[str], VerifyingKey | None], types: frozenset[str | None]) -> Opened:
    """Verifies a token's signature.

    Args:
        token: The compact token, at most 8,192 characters.
        find_key: Gives the key of a name, or None.
        types: The `typ` values accepted; None among them accepts a header without one.

    Raises:
        TokenInvalid: Anything about its form, its header or its signature.
    """
    unverified = read_unverified(token)
    if unverified.typ not in types:
        raise TokenInvalid(f"typ {unverified.typ!r}")
    key = find_key(unverified.kid)
    if key is None:
        raise TokenInvalid("unknown key")
    # The library, given the key's algorithm alone, refuses this too; said here so that it never depends on that.
    if unverified.algorithm != key.algorithm:
        raise TokenInvalid("the header's algorithm is not the key's")
    try:
        _JWS.decode_complete(token, key=key.public_key, algorithms=[key.algorithm.value])
    except (PyJWTError, ValueError, TypeError) as error:
        raise TokenInvalid("the signature does not hold") from error
    return Opened(key, unverified.claims)


def read_unverified(token: str) -> Unverified:
    """Reads header and payload without believing them.

    Raises:
        TokenInvalid: They are not those of a token we could ever accept.
    """
    if len(token) > TOKEN_LENGTH_MAX or not _COMPACT.fullmatch(token):
        raise TokenInvalid("not a compact token")
    header_text, payload_text, _ = token.split(".")
    try:
        header = parse_object(base64url.decode(header_text))
        claims = parse_object(base64url.decode(payload_text))
    except ValueError as error:
        raise TokenInvalid("unreadable header or payload") from error
    kid, algorithm, typ = header.get("kid"), header.get("alg"), header.get("typ")
    if not header.keys() <= _HEADER_MEMBERS:
        raise TokenInvalid("a header member that is not accepted")
    if not (isinstance(kid, str) and is_key_name(kid)):
        raise TokenInvalid("kid is not a name")
    if not isinstance(algorithm, str) or not isinstance(typ, str | None):
        raise TokenInvalid("alg and typ must be text")
    return Unverified(kid, algorithm, typ, claims)
