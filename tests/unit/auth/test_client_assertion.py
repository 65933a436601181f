"""Client assertions: a partner proves itself with its own key, for us alone, for five minutes at most."""

import pytest

from keelpay_server.auth.client_assertion import claimed_client, verify_client_assertion
from keelpay_server.auth.jws import sign
from keelpay_server.auth.signing_key import KeyAlgorithm, SigningKey, generate_signing_key
from keelpay_server.auth.token_failure import TokenExpired, TokenInvalid, TokenMissing

NOW_S = 1_900_000_000
AUDIENCE = "keelpay-test"
KEY, ES256_KEY, STRANGER = generate_signing_key(), generate_signing_key(KeyAlgorithm.ES256), generate_signing_key()
KEYS = {KEY.kid: KEY.public, ES256_KEY.kid: ES256_KEY.public}


def assertion(key: SigningKey = KEY, *, typ: str = "JWT", **changes: object) -> str:
    members = {
        "iss": "acme",
        "sub": "acme",
        "aud": AUDIENCE,
        "jti": "assertion-1",
        "iat": NOW_S,
        "exp": NOW_S + 300,
        **changes,
    }
    return sign({name: value for name, value in members.items() if value is not None}, key, typ)


def verify(text: str, *, client: str = "acme", now_s: float = NOW_S):
    return verify_client_assertion(text, client=client, keys=KEYS, audience=AUDIENCE, now_s=now_s, skew_s=30)


@pytest.mark.parametrize("key", [KEY, ES256_KEY], ids=["EdDSA", "ES256"])
@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
def test_a_genuine_assertion_names_the_client_and_its_id(key: SigningKey, typ: str):
    proved = verify(assertion(key, typ=typ))
    assert (proved.client, proved.assertion_id, proved.kid) == ("acme", "assertion-1", key.kid)
    assert (proved.issued_at_s, proved.expires_at_s) == (NOW_S, NOW_S + 300)
    assert proved.claims["aud"] == AUDIENCE


def test_whom_it_claims_to_be_from_is_read_before_anything_is_verified():
    assert claimed_client(assertion(STRANGER)) == ("acme", STRANGER.kid)


def test_an_audience_in_a_list_of_one_is_accepted():
    assert verify(assertion(aud=[AUDIENCE])).client == "acme"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "other", "sub": "other"},
        {"iss": None},
        {"aud": "other"},
        {"aud": [AUDIENCE, "other"]},
        {"aud": []},
        {"aud": None},
        {"jti": None},
        {"jti": "short"},
        {"jti": "x" * 129},
        {"exp": NOW_S + 301},
        {"exp": NOW_S},
        {"exp": None},
        {"iat": None},
        {"iat": NOW_S + 31, "exp": NOW_S + 60},
        {"nbf": NOW_S + 31},
        {"nbf": "soon"},
        {"exp": 1.5},
    ],
)
def test_an_assertion_that_is_not_for_us_from_the_client_now_is_refused(changes: dict[str, object]):
    with pytest.raises(TokenInvalid):
        verify(assertion(**changes))


def test_a_key_that_is_not_the_clients_is_refused():
    with pytest.raises(TokenInvalid):
        verify(assertion(STRANGER))


def test_the_assertion_of_one_client_does_not_prove_another():
    with pytest.raises(TokenInvalid):
        verify(assertion(), client="other")


def test_it_ends_at_its_expiry_and_the_skew():
    assert verify(assertion(), now_s=NOW_S + 329).client == "acme"
    with pytest.raises(TokenExpired):
        verify(assertion(), now_s=NOW_S + 330)


def test_no_assertion_is_missing():
    with pytest.raises(TokenMissing):
        verify("")
    with pytest.raises(TokenMissing):
        claimed_client("")


@pytest.mark.parametrize("text", ["x", "a.b.c"])
def test_what_is_no_assertion_is_refused(text: str):
    with pytest.raises(TokenInvalid):
        claimed_client(text)


def test_an_assertion_without_a_subject_claims_nobody():
    with pytest.raises(TokenInvalid):
        claimed_client(assertion(sub=None))
