"""Forged tokens: everything that is almost a token of this installation, and is not one.

In: a genuine token and our keys. Out: forgeries by name, with the reason that each is refused by. Invariant: each
differs from a genuine one in one thing.
"""

import base64
import dataclasses
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keelpay_server.auth.jws import sign
from keelpay_server.auth.signing_key import generate_signing_key

LATE_S = 3_600


def _part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(token):
    header, claims, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]


def forgeries(token, key):
    """Returns authorization headers by what is wrong: {name: (header, reason)}.

    Args:
        token: A genuine token.
        key: The installation's own key that signs now: so that what is wrong is one thing only.
    """
    header, claims = _read(token)
    public = key.private_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    stranger = generate_signing_key()

    def signed(changed, by=key):
        return sign({**claims, **changed}, by, header["typ"])

    def headed(changed, signature=None):
        told = f"{_part({**header, **changed})}.{_part(claims)}"
        if callable(signature):
            return f"{told}.{_part(signature(told.encode()))}"
        return f"{told}.{token.rpartition('.')[2] if signature is None else signature}"

    def mac(secret):
        return lambda told: hmac.digest(secret, told, hashlib.sha256)

    wrong = {
        "wrong audience": signed({"aud": "another-installation"}),
        "wrong issuer": signed({"iss": "somebody-else"}),
        "issued in the future": signed({"iat": claims["iat"] + LATE_S, "exp": claims["exp"] + LATE_S}),
        "too long a life": signed({"exp": claims["exp"] + LATE_S}),
        "signed by a stranger": signed({}, stranger),
        "signed by a stranger under our key's name": signed({}, dataclasses.replace(stranger, kid=key.kid)),
        "alg none": headed({"alg": "none"}, ""),
        "alg none with a signature": headed({"alg": "none"}),
        "alg NoNe": headed({"alg": "NoNe"}, "AA"),
        "HS256 with the public key as PEM": headed({"alg": "HS256"}, mac(pem)),
        "HS256 with the public key's bytes": headed({"alg": "HS256"}, mac(raw)),
        "HS256 with nothing": headed({"alg": "HS256"}, mac(b"")),
        "unknown kid": headed({"kid": "no-such-key"}),
        "kid as a path": headed({"kid": "../../../../dev/null"}),
        "kid as a path, signed with what is there": headed(
            {"kid": "../../../../dev/null", "alg": "HS256"}, mac(b"")
        ),
        "kid as a query": headed({"kid": "' OR 1=1 --"}),
        "kid as an address": headed({"kid": "https://evil.example/key"}),
        "no kid": f"{_part({name: value for name, value in header.items() if name != 'kid'})}."
        + token.partition(".")[2],
        "a key of its own in the header": headed({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": _part(raw)}}),
        "another type": sign(claims, key, "JWT"),
        "an altered claim": f"{_part(header)}.{_part({**claims, 'sub': 'omar'})}.{token.rpartition('.')[2]}",
        "cut": token[:-2],
        "not a token": "hello",
    }  # fmt: skip
    found = {name: (f"Bearer {text}", "TOKEN_INVALID") for name, text in wrong.items()}
    past = signed({"iat": claims["iat"] - LATE_S, "exp": claims["iat"] - LATE_S + 600})
    found["expired"] = (f"Bearer {past}", "TOKEN_EXPIRED")
    found["another scheme"] = (f"Basic {token}", "TOKEN_INVALID")
    found["an empty header"] = ("", "TOKEN_INVALID")
    return found
