"""Signing keys: names, files, rotation and publishing."""

import dataclasses
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keelpay_server.auth import base64url
from keelpay_server.auth.jwks import jwks_document, public_jwk, read_jwk
from keelpay_server.auth.key_ring import KeyRing, RingKey
from keelpay_server.auth.signing_key import (
    KeyAlgorithm,
    generate_signing_key,
    read_pem,
    thumbprint,
    write_pem,
)

from .tokens import public_pem

OLD, NEW = generate_signing_key(), generate_signing_key(KeyAlgorithm.ES256)


@pytest.mark.parametrize("key", [OLD, NEW], ids=["EdDSA", "ES256"])
def test_a_key_comes_back_from_its_pem(key):
    read = read_pem(write_pem(key))
    assert (read.kid, read.algorithm, read.public) == (key.kid, key.algorithm, key.public)
    assert read_pem(write_pem(key), "named").kid == "named"


def test_a_keys_text_form_does_not_show_the_secret():
    assert "private" not in repr(OLD)
    assert OLD.private_key.private_bytes_raw().hex() not in repr(OLD)


def test_the_thumbprint_is_that_of_rfc_8037():
    # RFC 8037 appendix A.3.
    x = base64url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert thumbprint(ed25519.Ed25519PublicKey.from_public_bytes(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def foreign_pems() -> list[str]:
    keys = (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1()))
    return [
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        for key in keys
    ]


@pytest.mark.parametrize("pem", ["", "x", "x" * 5000, public_pem(OLD.public), *foreign_pems()], ids=lambda _: "pem")
def test_a_private_key_we_do_not_sign_with_is_refused(pem: str):
    with pytest.raises(ValueError, match=r"key|PEM"):
        read_pem(pem)


@pytest.mark.parametrize("kid", ["../x", "a b", "x" * 65])
def test_a_name_that_could_be_a_path_is_refused(kid: str):
    with pytest.raises(ValueError, match="kid"):
        read_pem(write_pem(OLD), kid)
    with pytest.raises(ValueError, match="kid"):
        read_jwk(json.dumps(public_jwk(OLD.public) | {"kid": kid}))


# --- rotation ---


def test_a_rotation_never_leaves_a_moment_without_a_key_or_a_token_without_its_verifier():
    ring = KeyRing([RingKey(OLD, 0)]).rotated(NEW, sign_from_s=1000, overlap_s=660)
    assert [ring.signer(now_s).kid for now_s in (0, 999.9, 1000, 5000)] == [OLD.kid, OLD.kid, NEW.kid, NEW.kid]
    assert [ring.verifier(NEW.kid, now_s) is not None for now_s in (0, 1000, 5000)] == [True, True, True]
    assert [ring.verifier(OLD.kid, now_s) is not None for now_s in (0, 1659, 1660)] == [True, True, False]
    assert [len(ring.verifiers(now_s)) for now_s in (0, 1659, 1660)] == [2, 2, 1]


def test_a_second_rotation_does_not_lengthen_the_life_of_an_ending_key():
    ring = KeyRing([RingKey(OLD, 0)]).rotated(NEW, sign_from_s=1000, overlap_s=660)
    third = ring.rotated(generate_signing_key(), sign_from_s=5000, overlap_s=660)
    assert [each.verify_until_s for each in third.keys][:2] == [1660, 5660]


def test_a_key_that_is_no_longer_trusted_goes_at_once():
    ring = KeyRing([RingKey(OLD, 0), RingKey(NEW, 1)]).without(NEW.kid)
    assert ring.verifier(NEW.kid, 2) is None
    assert ring.signer(2).kid == OLD.kid
    with pytest.raises(LookupError):
        ring.without(OLD.kid).signer(2)


def test_two_keys_of_one_name_are_refused():
    with pytest.raises(ValueError, match="kid"):
        KeyRing([RingKey(OLD, 0), RingKey(dataclasses.replace(NEW, kid=OLD.kid), 1)])


# --- publishing ---


def test_the_published_document_holds_public_members_only():
    document = json.loads(jwks_document([OLD.public, NEW.public]))
    members = [set(each) for each in document["keys"]]
    assert members == [{"kty", "crv", "x", "kid", "alg", "use"}, {"kty", "crv", "x", "y", "kid", "alg", "use"}]
    assert [each["alg"] for each in document["keys"]] == ["EdDSA", "ES256"]


@pytest.mark.parametrize("key", [OLD, NEW], ids=["EdDSA", "ES256"])
def test_a_published_key_is_read_back(key):
    members = public_jwk(key.public)
    assert read_jwk(json.dumps(members)) == key.public
    assert read_jwk(json.dumps({name: value for name, value in members.items() if name != "kid"})) == key.public


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AAAA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"use": "enc"},
        {"x": "AAAA"},
        {"x": "*"},
        {"x": 7},
        {"y": "AAAA"},
        {"y": "A" * 43},
    ],
)
def test_a_jwk_that_is_no_public_signing_key_is_refused(change: dict[str, object]):
    with pytest.raises(ValueError):
        read_jwk(json.dumps(public_jwk(NEW.public) | change))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{" * 5000])
def test_what_is_no_jwk_is_refused(text: str):
    with pytest.raises(ValueError):
        read_jwk(text)
