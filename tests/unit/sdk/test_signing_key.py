import hashlib
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keelpay import ConfigurationError, SigningPrivateKey, credentials

PAYER = "partners/shop/payers/ann"
REQUEST_ID = "018f0000-0000-7000-8000-000000000001"
KEYS = [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]


def pem(key, password=None):
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize("key", KEYS, ids=["EdDSA", "ES256"])
def test_another_library_verifies_a_proof(key):
    holder = SigningPrivateKey.from_pem(pem(key), holder="partners/shop", key_id="partners/shop/signingKeys/key-1")
    proof = holder.client_assertion("keelpay")
    claims = jwt.decode(proof, key.public_key(), algorithms=[holder.algorithm], audience="keelpay")
    assert jwt.get_unverified_header(proof) == {"alg": holder.algorithm, "kid": "key-1", "typ": "JWT"}
    assert (claims["iss"], claims["sub"]) == ("partners/shop", "partners/shop")
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert jwt.decode(holder.client_assertion("keelpay"), options={"verify_signature": False})["jti"] != claims["jti"]


@pytest.mark.parametrize("key", KEYS, ids=["EdDSA", "ES256"])
def test_a_key_that_is_registered_shows_that_it_is_held(key):
    new = SigningPrivateKey.from_pem(pem(key), holder="partners/shop")
    proof = new.possession_proof(REQUEST_ID)
    assert jwt.decode(proof, key.public_key(), algorithms=[new.algorithm]) == {
        "iss": "partners/shop",
        "jti": REQUEST_ID,
    }
    header = jwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("keelpay-key-proof+jwt", new.algorithm)
    jwk = jwt.get_algorithm_by_name(new.algorithm).to_jwk(key.public_key(), as_dict=True)
    named = json.dumps(
        {name: jwk[name] for name in sorted({"crv", "kty", "x", "y"} & jwk.keys())}, separators=(",", ":")
    )
    assert urlsafe_b64decode(header["kid"] + "=") == hashlib.sha256(named.encode()).digest()
    assert serialization.load_der_public_key(new.public_key_der) == key.public_key()


@pytest.mark.parametrize("key", KEYS, ids=["EdDSA", "ES256"])
def test_a_partners_word_about_a_person_is_signed(key):
    holder = SigningPrivateKey.from_pem(pem(key).decode(), holder="partners/shop", key_id="key-1")
    moment = datetime(2026, 5, 1, 12, 0, 0, 999, tzinfo=UTC)
    word = holder.attest(PAYER, auth_time=moment, amr=["pwd", "otp"], purpose="recover")
    claims = jwt.decode(word.jws, key.public_key(), algorithms=[holder.algorithm])
    assert claims["auth_time"] == word.auth_time.seconds == int(moment.timestamp())
    assert (claims["iss"], claims["sub"], claims["amr"], claims["purpose"]) == (
        "partners/shop",
        PAYER,
        ["pwd", "otp"],
        "recover",
    )
    assert list(word.amr) == ["pwd", "otp"]


def test_an_encrypted_key_needs_its_password():
    text = pem(KEYS[0], b"open")
    assert SigningPrivateKey.from_pem(text, holder="h", key_id="k", password=b"open").algorithm == "EdDSA"
    for password in (None, b"wrong"):
        with pytest.raises(ConfigurationError):
            SigningPrivateKey.from_pem(text, holder="h", key_id="k", password=password)


@pytest.mark.parametrize(
    "text", [b"", b"no key", pem(rsa.generate_private_key(65537, 2048)), pem(ec.generate_private_key(ec.SECP384R1()))]
)
def test_other_keys_are_refused_kindly(text):
    with pytest.raises(ConfigurationError, match=r"PEM|Ed25519"):
        SigningPrivateKey.from_pem(text, holder="h", key_id="k")


def test_neither_key_nor_token_is_printed():
    shown = repr(credentials.partner("partners/shop", key_id="k", private_key=pem(KEYS[0]), audience="a"))
    shown += repr(credentials.token("secret-token")) + repr(
        credentials.mutual_tls(certificate_chain=b"chain", private_key=b"secret-key")
    )
    assert "secret" not in shown
    assert "PrivateKey object" not in shown


def test_the_numbers_of_a_signature_stand_side_by_side():
    holder = SigningPrivateKey.from_pem(pem(KEYS[1]), holder="h", key_id="k")
    for _ in range(20):
        signature = holder.client_assertion("a").rsplit(".", 1)[-1]
        assert len(urlsafe_b64decode(signature + "==")) == 64
    assert json.loads(urlsafe_b64decode(holder.client_assertion("a").split(".")[0] + "=="))["alg"] == "ES256"


def test_only_loopback_and_tls_carry_tokens():
    who = credentials.token("t")
    assert not who.is_local
    assert credentials.local(who).is_local
    assert not credentials.local(who).with_tls(roots=b"pem").is_local
