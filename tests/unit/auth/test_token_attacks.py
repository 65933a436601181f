"""Forged and twisted tokens: the algorithm is the key's, the kid is a name, and a signature is for one use."""

import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.auth import base64url
from keelpay_server.auth.client_assertion import verify_client_assertion
from keelpay_server.auth.jwks import public_jwk
from keelpay_server.auth.key_ring import KeyRing, RingKey
from keelpay_server.auth.signing_key import generate_signing_key
from keelpay_server.auth.token_failure import TokenExpired, TokenInvalid, TokenRefused

from .tokens import AUDIENCE, ES256_KEY, KEY, MEMBERS, NOW_S, RING, compact, public_pem, signed, verifier

PUBLIC_KEY_TEXTS = [
    public_pem(KEY.public).encode(),
    KEY.public.public_key.public_bytes_raw(),
    json.dumps(public_jwk(KEY.public)).encode(),
]


def refused(token: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as failure:
        verifier().verify(token, NOW_S)
    assert failure.value.reason == "TOKEN_INVALID"
    return failure.value


def header(**changes: object) -> dict[str, object]:
    return {"alg": "EdDSA", "kid": KEY.kid, "typ": "at+jwt"} | changes


def genuine_signature(token_header: dict[str, object], claims: dict[str, object]) -> str:
    """A token whose signature by our key holds, whatever its header says."""
    signing_input = compact(token_header, claims, b"x").rpartition(".")[0]
    return f"{signing_input}.{base64url.encode(KEY.private_key.sign(signing_input.encode()))}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_alg_none_is_refused_with_and_without_a_signature(algorithm: str):
    unsigned = compact(header(alg=algorithm), MEMBERS, b"")
    refused(unsigned)
    refused(unsigned + base64url.encode(bytes(64)))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", PUBLIC_KEY_TEXTS, ids=["pem", "raw", "jwk"])
def test_hmac_with_the_public_key_is_refused(algorithm: str, secret: bytes):
    signing_input = compact(header(alg=algorithm), MEMBERS, b"x").rpartition(".")[0]
    digest = hmac.digest(secret, signing_input.encode(), algorithm.replace("HS", "sha"))
    refused(f"{signing_input}.{base64url.encode(digest)}")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519", "HS256", "EdDSA "])
def test_an_algorithm_that_is_not_the_keys_is_refused_though_the_signature_holds(algorithm: str):
    refused(genuine_signature(header(alg=algorithm), MEMBERS))


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "unknown",
        "../../etc/passwd",
        "/dev/null",
        "file:///dev/null",
        "https://evil.example/key",
        "x' UNION SELECT 'key",
        f"{KEY.kid}\x00",
        f"{KEY.kid}\n",
        f" {KEY.kid}",
        f"./{KEY.kid}",
        "x" * 65,
        None,
        7,
        [KEY.kid],
        {"kid": KEY.kid},
    ],
    ids=lambda _: "kid",  # the key's name differs in every process
)
def test_a_kid_that_is_not_the_name_of_a_key_is_refused_though_the_signature_holds(kid: object):
    refused(genuine_signature(header(kid=kid), MEMBERS))


def test_the_kid_of_another_key_of_ours_is_refused():
    refused(genuine_signature(header(kid=ES256_KEY.kid), MEMBERS))
    refused(genuine_signature(header(kid=ES256_KEY.kid, alg="ES256"), MEMBERS))


@pytest.mark.parametrize(
    "member",
    [{"jwk": public_jwk(KEY.public)}, {"jku": "https://evil.example"}, {"x5u": "x"}, {"crit": []}, {"b64": False}],
)
def test_a_header_that_brings_its_own_key_or_rules_is_refused(member: dict[str, object]):
    refused(genuine_signature(header(**member), MEMBERS))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "AT+JWT", "client-authentication+jwt", "", None, 7])
def test_a_token_of_another_type_is_refused_though_the_signature_holds(typ: object):
    refused(genuine_signature(header(typ=typ), MEMBERS))


def test_a_type_is_required():
    refused(genuine_signature({"alg": "EdDSA", "kid": KEY.kid}, MEMBERS))


def test_an_access_token_is_no_client_assertion_and_the_other_way_round():
    keys = {KEY.kid: KEY.public}
    claims = {"iss": "acme", "sub": "acme", "aud": AUDIENCE, "jti": "12345678", "iat": NOW_S, "exp": NOW_S + 60}
    with pytest.raises(TokenInvalid):
        verify_client_assertion(signed(**claims), client="acme", keys=keys, audience=AUDIENCE, now_s=NOW_S, skew_s=0)
    refused(signed(typ="JWT"))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "other"},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "other"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": "1900000600"},
        {"exp": NOW_S + 600.5},
        {"exp": True},
        {"exp": NOW_S + 601},
        {"exp": 10**400},
        {"iat": None},
        {"iat": NOW_S + 31, "exp": NOW_S + 600},
        {"jti": None},
        {"jti": ""},
        {"kind": None},
        {"kind": "god"},
        {"kind": "ANYONE"},
        {"scope": None},
        {"scope": ["payments.write"]},
        {"purpose": "pay"},
        {"kind": "payer"},
        {"kind": "payer", "sub": "acme/ama", "purpose": "everything"},
        {"kind": "payer", "sub": "acme/ama", "purpose": "pay"},
        {"kind": "payer", "sub": "acme/ama", "purpose": "enrol"},
        {"kind": "payer", "sub": "acme/ama", "purpose": "enrol", "attestation": []},
        {
            "kind": "payer",
            "sub": "acme/ama",
            "purpose": "enrol",
            "attestation": {"auth_time": 1, "amr": [], "digest": "x"},
        },
        {"kind": "payer", "sub": "acme/ama", "purpose": "enrol", "attestation": {"auth_time": 1.5, "amr": ["otp"]}},
    ],
)
def test_claims_that_are_not_ours_are_refused_though_the_signature_holds(change: dict[str, object]):
    refused(signed(**change))


def test_an_expired_token_of_another_audience_is_invalid_and_not_expired():
    refused(signed(aud="other", iat=NOW_S - 1000, exp=NOW_S - 500))


def test_an_expired_token_with_a_forged_signature_is_invalid_and_not_expired():
    expired = signed(iat=NOW_S - 1000, exp=NOW_S - 500)
    with pytest.raises(TokenExpired):
        verifier().verify(expired, NOW_S)
    refused(expired.rpartition(".")[0] + "." + base64url.encode(bytes(64)))


def test_a_key_that_is_not_ours_is_refused_under_our_kid():
    stranger = generate_signing_key()
    assert verifier(KeyRing([RingKey(stranger, 0)])).verify(signed(stranger), NOW_S).subject == "acme"
    signing_input = compact(header(), MEMBERS, b"x").rpartition(".")[0]
    refused(f"{signing_input}.{base64url.encode(stranger.private_key.sign(signing_input.encode()))}")


def test_claims_with_a_member_twice_are_refused_though_the_signature_holds():
    payload = json.dumps(MEMBERS)[:-1] + ', "sub": "other"}'
    signing_input = f"{base64url.encode(json.dumps(header()).encode())}.{base64url.encode(payload.encode())}"
    refused(f"{signing_input}.{base64url.encode(KEY.private_key.sign(signing_input.encode()))}")


def test_a_changed_character_anywhere_is_refused():
    token = signed()
    for at in range(0, len(token), 7):
        other = "A" if token[at] != "A" else "B"
        refused(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c.d", "é.é.é", "a.b.c\n", " " + "a.b.c", "=.=.=", "a" * 9000, "..", "\ud800"]
)
def test_what_is_no_compact_token_is_refused(text: str):
    refused(text)


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: ".".join([base64url.encode(raw)] * 3)))
def test_any_text_is_refused_and_nothing_else_happens(text: str):
    with pytest.raises(TokenRefused):
        verifier().verify(text, NOW_S)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*MEMBERS, "purpose", "resource", "attestation"]), _json, min_size=1))
def test_any_claims_that_are_signed_may_say_anything(change: dict[str, object]):
    try:
        claims = verifier().verify(genuine_signature(header(), MEMBERS | change), NOW_S)
    except TokenRefused:
        return
    assert claims.expires_at_s <= NOW_S + 630


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), _json, min_size=1))
def test_any_header_that_is_signed_may_say_anything(change: dict[str, object]):
    with pytest.raises(TokenRefused):
        verifier().verify(genuine_signature(header(**change), MEMBERS), NOW_S)


def test_the_ring_of_these_tests_accepts_the_genuine_token():
    assert verifier(RING).verify(genuine_signature(header(), MEMBERS), NOW_S).subject == "acme"
