"""Attestations: a partner's own, fresh word about its own payer, for one purpose."""

import pytest

from keelpay_server.auth.client_assertion import verify_client_assertion
from keelpay_server.auth.jws import sign
from keelpay_server.auth.person_attestation import AttestationPurpose, verify_person_attestation
from keelpay_server.auth.signing_key import SigningKey, generate_signing_key
from keelpay_server.auth.token_failure import TokenExpired, TokenInvalid, TokenMissing

NOW_S = 1_900_000_000
KEY, STRANGER = generate_signing_key(), generate_signing_key()
KEYS = {KEY.kid: KEY.public}
PARTNER, PAYER = "partners/acme", "partners/acme/payers/ama"


def word(key: SigningKey = KEY, *, typ: str = "JWT", **changes: object) -> str:
    members = {
        "iss": PARTNER,
        "sub": PAYER,
        "purpose": "enrol",
        "auth_time": NOW_S - 60,
        "amr": ["otp", "face"],
        "iat": NOW_S,
        "jti": "att-1",
        **changes,
    }
    return sign({name: value for name, value in members.items() if value is not None}, key, typ)


def verify(jws: str, *, purpose: AttestationPurpose = AttestationPurpose.ENROL, now_s: float = NOW_S):
    return verify_person_attestation(
        jws, partner=PARTNER, payer=PAYER, purpose=purpose, keys=KEYS, now_s=now_s, skew_s=30
    )


def test_a_genuine_word_tells_when_and_how_the_person_was_known():
    attested = verify(word())
    assert attested.attestation.authenticated_at_s == NOW_S - 60
    assert attested.attestation.methods == ("otp", "face")
    assert len(attested.attestation.digest) == 43
    assert (attested.attestation_id, attested.issued_at_s, attested.kid) == ("att-1", NOW_S, KEY.kid)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "partners/other"},
        {"sub": "partners/acme/payers/other"},
        {"purpose": "recover"},
        {"purpose": None},
        {"amr": []},
        {"amr": "otp"},
        {"amr": [1]},
        {"amr": ["otp"] * 9},
        {"jti": None},
        {"jti": ""},
        {"auth_time": None},
        {"auth_time": 1.5},
        {"auth_time": NOW_S + 1},
        {"iat": NOW_S + 31, "auth_time": NOW_S + 31},
        {"iat": None},
    ],
)
def test_a_word_that_is_not_the_one_needed_is_refused(changes: dict[str, object]):
    with pytest.raises(TokenInvalid):
        verify(word(**changes))


def test_a_word_for_enrolment_recovers_nothing():
    with pytest.raises(TokenInvalid):
        verify(word(), purpose=AttestationPurpose.RECOVER)
    assert verify(word(purpose="recover"), purpose=AttestationPurpose.RECOVER).attestation_id == "att-1"


def test_a_stranger_or_another_type_is_refused():
    for jws in (word(STRANGER), word(typ="at+jwt"), "a.b.c"):
        with pytest.raises(TokenInvalid):
            verify(jws)


def test_a_word_is_good_for_ten_minutes_after_the_person_was_there():
    assert verify(word(), now_s=NOW_S - 60 + 630).attestation_id == "att-1"
    with pytest.raises(TokenExpired):
        verify(word(), now_s=NOW_S - 60 + 631)


def test_no_word_is_missing():
    with pytest.raises(TokenMissing):
        verify("")


def test_a_word_is_no_client_assertion():
    with pytest.raises(TokenInvalid):
        verify_client_assertion(word(), client="acme", keys=KEYS, audience="keelpay-test", now_s=NOW_S, skew_s=30)
