"""Access tokens: what is signed comes back, and only while it may."""

import dataclasses

import pytest

from keelpay_server.auth.key_ring import KeyRing, RingKey
from keelpay_server.auth.signing_key import generate_signing_key
from keelpay_server.auth.token import TokenClaims, sign_token
from keelpay_server.auth.token_failure import TokenExpired, TokenInvalid, TokenMissing
from keelpay_server.book.caller import CallerKind

from .tokens import (
    AUDIENCE,
    BANK,
    ENROL,
    ES256_KEY,
    ISSUER,
    KEY,
    MANAGE,
    NOW_S,
    OPERATOR,
    PARTNER,
    PAY,
    RING,
    signed,
    verifier,
)


def token(claims: TokenClaims = PARTNER, key=KEY) -> str:
    return sign_token(claims, key, issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("key", [KEY, ES256_KEY], ids=["EdDSA", "ES256"])
@pytest.mark.parametrize("claims", [PARTNER, PAY, ENROL, MANAGE, OPERATOR, BANK], ids=lambda each: str(each.purpose))
def test_what_is_signed_comes_back(claims: TokenClaims, key):
    assert verifier().verify(token(claims, key), NOW_S) == claims


def test_claims_become_the_caller_of_the_engine():
    caller = PAY.caller()
    assert (caller.kind, caller.partner, caller.subject) == (CallerKind.PAYER, "acme", "acme/ama")
    assert (caller.purpose, caller.resource) == ("pay", "merchants/cafe/payments/pay-1")
    assert '"amr": ["otp", "face"]' in ENROL.caller().evidence
    assert (OPERATOR.caller().partner, OPERATOR.caller().subject) == ("", "ops-1")


@pytest.mark.parametrize(
    "claims,change",
    [
        (PARTNER, {"expires_at_s": NOW_S + 601}),
        (PARTNER, {"expires_at_s": NOW_S}),
        (PARTNER, {"purpose": MANAGE.purpose}),
        (PARTNER, {"resource": "merchants/cafe/payments/pay-1"}),
        (PARTNER, {"subject": "acme/ama"}),
        (PARTNER, {"subject": ""}),
        (PARTNER, {"token_id": ""}),
        (PARTNER, {"kind": CallerKind.ANYONE}),
        (PAY, {"purpose": None}),
        (PAY, {"resource": ""}),
        (PAY, {"attestation": ENROL.attestation}),
        (PAY, {"subject": "ama"}),
        (ENROL, {"attestation": None}),
        (ENROL, {"resource": "merchants/cafe/payments/pay-1"}),
        (MANAGE, {"attestation": ENROL.attestation}),
    ],
)
def test_claims_that_do_not_fit_together_are_never_signed(claims: TokenClaims, change: dict[str, object]):
    with pytest.raises(TokenInvalid):
        token(dataclasses.replace(claims, **change))


@pytest.mark.parametrize("text", [None, ""])
def test_no_token_is_missing(text: str | None):
    with pytest.raises(TokenMissing):
        verifier().verify(text, NOW_S)


@pytest.mark.parametrize("remembered", [False, True])
def test_a_token_ends_at_its_expiry_and_the_skew(remembered: bool):
    one = verifier()
    text = token()
    if remembered:
        one.verify(text, NOW_S)
    assert one.verify(text, NOW_S + 629.9) == PARTNER
    with pytest.raises(TokenExpired):
        one.verify(text, NOW_S + 630)


def test_a_token_from_the_future_is_accepted_within_the_skew_alone():
    assert verifier().verify(token(), NOW_S - 30) == PARTNER
    with pytest.raises(TokenInvalid):
        verifier().verify(token(), NOW_S - 31)


@pytest.mark.parametrize("skew_s", [-1, 61])
def test_a_skew_out_of_bounds_is_refused_at_start(skew_s: int):
    with pytest.raises(ValueError, match="skew"):
        verifier(skew_s=skew_s)


def test_a_token_of_another_installation_is_refused():
    text = token()
    with pytest.raises(TokenInvalid):
        verifier(audience="other").verify(text, NOW_S)
    with pytest.raises(TokenInvalid):
        verifier(issuer="other").verify(text, NOW_S)


# --- the memory ---


def test_a_remembered_token_is_refused_when_its_key_leaves_the_ring():
    one = verifier()
    text = token()
    one.verify(text, NOW_S)
    one.replace_ring(RING.without(KEY.kid))
    with pytest.raises(TokenInvalid):
        one.verify(text, NOW_S)


def test_a_remembered_token_is_refused_when_its_keys_time_is_over():
    one = verifier(KeyRing([RingKey(KEY, 0, NOW_S + 10)]))
    text = token()
    one.verify(text, NOW_S)
    with pytest.raises(TokenInvalid):
        one.verify(text, NOW_S + 10)


def test_a_remembered_token_is_refused_when_its_kid_names_another_key():
    one = verifier()
    text = token()
    one.verify(text, NOW_S)
    impostor = dataclasses.replace(generate_signing_key(), kid=KEY.kid)
    one.replace_ring(KeyRing([RingKey(impostor, 0)]))
    with pytest.raises(TokenInvalid):
        one.verify(text, NOW_S)


def test_the_memory_is_bounded_and_forgets_the_least_recently_used():
    one = verifier(remembered_max=2)
    texts = [signed(jti=f"tok-{n}") for n in range(3)]
    for text in (texts[0], texts[1], texts[0], texts[2]):
        one.verify(text, NOW_S)
    assert len(one._remembered) == 2
    kept = {each.claims.token_id for each in one._remembered.values()}
    assert kept == {"tok-0", "tok-2"}


def test_the_memory_holds_no_token():
    one = verifier()
    text = token()
    one.verify(text, NOW_S)
    assert text not in repr(one._remembered)


def test_refused_tokens_are_not_remembered():
    one = verifier()
    with pytest.raises(TokenInvalid):
        one.verify(signed(aud="other"), NOW_S)
    assert not one._remembered
