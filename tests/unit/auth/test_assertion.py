"""Assertions: every check refuses with its own reason, in one fixed order."""

import json

import pytest
from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

from keelpay_server.auth import base64url
from keelpay_server.auth.assertion import CREDENTIAL_LENGTH_MAX, credential_id_of
from keelpay_server.auth.assertion_failure import AssertionFailure, AssertionRefused
from keelpay_server.auth.challenge import challenge
from keelpay_server.auth.relying_party import RelyingParty, android_origin

from .ceremonies import (
    DISPLAYED,
    EXPIRES_AT_S,
    NONCE,
    ORIGIN,
    RP_ID,
    SHOP,
    TERMS,
    Ceremony,
    client_bytes,
    edited,
    resigned,
)

ES256, EDDSA = -7, -8
EMBEDDED = RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN}), embedders=frozenset({SHOP}))


@pytest.fixture(scope="module")
def payer() -> Ceremony:
    return Ceremony()


def refusal(ceremony: Ceremony, credential_json: str, **changes) -> AssertionFailure:
    with pytest.raises(AssertionRefused) as refused:
        ceremony.verify(credential_json, **changes)
    return refused.value.failure


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
def test_a_genuine_assertion_is_verified(algorithm: int):
    payer = Ceremony(algorithms=(algorithm,))
    verified = payer.verify(payer.sign())
    assert (verified.sign_count, verified.counter_regressed, verified.origin) == (1, False, ORIGIN)
    assert (verified.method, verified.top_origin, verified.browser_bound) == ("webauthn", None, False)


def test_an_assertion_without_a_user_handle_is_verified(payer: Ceremony):
    assert payer.verify(edited(payer.sign(), userHandle=None)).origin == ORIGIN


def test_the_credential_id_can_be_read_before_anything_is_verified(payer: Ceremony):
    assert credential_id_of(payer.sign()) == payer.passkey.credential_id


# --- one reason a check ---


def test_an_oversize_credential_is_refused_unread(payer: Ceremony):
    assert refusal(payer, "{" * (CREDENTIAL_LENGTH_MAX + 1)) is AssertionFailure.TOO_LARGE


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "[" * 60_000, '{"a":1,"a":2}', "NaN", "\ud800"])
def test_what_is_no_credential_is_malformed(payer: Ceremony, text: str):
    assert refusal(payer, text) is AssertionFailure.MALFORMED


def test_an_id_that_is_not_the_one_text_of_the_raw_id_is_malformed(payer: Ceremony):
    credential = json.loads(payer.sign())
    for text in ("AAAA", credential["id"] + "=", "*" + credential["id"]):
        assert refusal(payer, json.dumps(credential | {"id": text})) is AssertionFailure.MALFORMED


@pytest.mark.parametrize(
    "member,value",
    [("origin", 7), ("origin", ["https://pay.example.com"]), ("crossOrigin", "no"), ("topOrigin", {}), ("type", None)],
)
def test_client_data_of_another_shape_is_malformed(payer: Ceremony, member: str, value: object):
    assert refusal(payer, resigned(payer, payer.sign(), **{member: value})) is AssertionFailure.MALFORMED


def test_client_data_with_a_member_twice_is_malformed(payer: Ceremony):
    signed = payer.sign()
    doubled = client_bytes(signed).replace(b'{"type"', b'{"origin":"https://evil.example","type"')
    assert refusal(payer, edited(signed, clientDataJSON=doubled)) is AssertionFailure.MALFORMED


def test_another_credential_is_refused(payer: Ceremony):
    assert refusal(payer, payer.sign(), credential_id=b"other") is AssertionFailure.CREDENTIAL


def test_another_users_handle_is_refused(payer: Ceremony):
    assert refusal(payer, payer.sign(), user_handle=b"other") is AssertionFailure.USER_HANDLE


def test_spc_is_refused_where_webauthn_was_asked_for(payer: Ceremony):
    assert refusal(payer, payer.show()) is AssertionFailure.TYPE


def test_webauthn_is_refused_where_spc_was_asked_for(payer: Ceremony):
    assert refusal(payer, payer.sign(), payment=DISPLAYED) is AssertionFailure.TYPE


def test_a_creation_is_refused_as_an_assertion(payer: Ceremony):
    assert refusal(payer, resigned(payer, payer.sign(), type="webauthn.create")) is AssertionFailure.TYPE


@pytest.mark.parametrize("offered", ["", "AAAA", "\ud800", "é"])
def test_another_challenge_is_refused(payer: Ceremony, offered: str):
    assert refusal(payer, resigned(payer, payer.sign(), challenge=offered)) is AssertionFailure.CHALLENGE


def test_a_changed_amount_is_refused(payer: Ceremony):
    from dataclasses import replace

    dearer = challenge(replace(TERMS, amount_minor=125_000), NONCE, EXPIRES_AT_S)
    assert refusal(payer, payer.sign(), challenge=dearer) is AssertionFailure.CHALLENGE


@pytest.mark.parametrize("origin", ["https://evil.example", "http://pay.example.com", "https://pay.example.com/", ""])
def test_another_origin_is_refused(payer: Ceremony, origin: str):
    assert refusal(payer, resigned(payer, payer.sign(), origin=origin)) is AssertionFailure.ORIGIN


def test_an_empty_list_of_origins_accepts_nobody(payer: Ceremony):
    nobody = RelyingParty(rp_id=RP_ID, origins=frozenset())
    assert refusal(payer, payer.sign(), party=nobody) is AssertionFailure.ORIGIN


def test_our_android_app_is_accepted_by_its_certificate_and_no_other():
    payer = Ceremony()
    app, other = (android_origin(":".join([pair] * 32)) for pair in ("AB", "CD"))
    party = RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN, app}))
    payer.device.origin = app
    assert payer.verify(payer.sign(), party=party).origin == app
    payer.device.origin = other
    assert refusal(payer, payer.sign(), party=party) is AssertionFailure.ORIGIN


def test_a_frame_in_a_page_that_is_not_on_the_list_is_refused():
    payer = Ceremony()
    payer.device.cross_origin, payer.device.top_origin = True, SHOP
    assert refusal(payer, payer.sign()) is AssertionFailure.CROSS_ORIGIN
    assert payer.verify(payer.sign(), party=EMBEDDED).top_origin == SHOP


def test_a_frame_that_hides_the_page_around_it_is_refused():
    payer = Ceremony()
    payer.device.cross_origin = True
    assert refusal(payer, payer.sign(), party=EMBEDDED) is AssertionFailure.CROSS_ORIGIN


def test_a_top_origin_without_a_frame_is_refused(payer: Ceremony):
    lying = resigned(payer, payer.sign(), topOrigin=SHOP)
    assert refusal(payer, lying, party=EMBEDDED) is AssertionFailure.CROSS_ORIGIN


def test_a_foreign_rp_id_is_refused(payer: Ceremony):
    foreign = RelyingParty(rp_id="evil.example", origins=frozenset({ORIGIN}))
    assert refusal(payer, payer.sign(), party=foreign) is AssertionFailure.RP_ID


def test_without_presence_it_is_refused():
    payer = Ceremony()
    payer.device.user_present = False
    assert refusal(payer, payer.sign()) is AssertionFailure.USER_PRESENCE


def test_without_user_verification_it_is_refused():
    payer = Ceremony()
    payer.device.user_verified = False
    assert refusal(payer, payer.sign()) is AssertionFailure.USER_VERIFICATION


def test_a_passkey_that_becomes_eligible_for_backup_is_refused():
    payer = Ceremony()
    payer.device.backup_eligible = True
    assert refusal(payer, payer.sign()) is AssertionFailure.BACKUP


def test_backed_up_without_being_eligible_is_refused():
    payer = Ceremony()
    payer.device.backup_state = True
    assert refusal(payer, payer.sign()) is AssertionFailure.BACKUP


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
@pytest.mark.parametrize("signature", [b"", b"\x30\x00", bytes(64), b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_a_forged_signature_is_refused(algorithm: int, signature: bytes):
    payer = Ceremony(algorithms=(algorithm,))
    assert refusal(payer, edited(payer.sign(), signature=signature)) is AssertionFailure.SIGNATURE


def test_anothers_key_is_refused(payer: Ceremony):
    other = Ceremony()
    assert refusal(payer, payer.sign(), public_key=other.passkey.public_key) is AssertionFailure.SIGNATURE


def test_a_signature_over_other_authenticator_data_is_refused(payer: Ceremony):
    signed = payer.sign()
    data = bytearray(base64url.decode(json.loads(signed)["response"]["authenticatorData"]))
    data[-1] ^= 1
    assert refusal(payer, edited(signed, authenticatorData=bytes(data))) is AssertionFailure.SIGNATURE


# --- the order ---

_WRONGS = [
    (AssertionFailure.CREDENTIAL, {"credential_id": b"other"}),
    (AssertionFailure.USER_HANDLE, {"user_handle": b"other"}),
    (AssertionFailure.TYPE, {"payment": DISPLAYED}),
    (AssertionFailure.CHALLENGE, {"challenge": bytes(32)}),
    (AssertionFailure.ORIGIN, {"party": RelyingParty(rp_id="evil.example", origins=frozenset())}),
]


@pytest.mark.parametrize("first", range(len(_WRONGS)))
def test_the_first_failing_check_decides(first: int):
    payer = Ceremony()
    payer.device.user_verified = payer.device.user_present = False
    payer.device.backup_state = True
    signed = edited(payer.sign(), signature=b"forged")
    changes = {}
    for _, change in reversed(_WRONGS[first:]):
        changes |= change
    assert refusal(payer, signed, sign_count=99, **changes) is _WRONGS[first][0]


def test_flags_are_read_before_the_signature_and_the_signature_before_the_counter():
    payer = Ceremony()
    forged = edited(payer.sign(), signature=b"forged")
    assert refusal(payer, forged, sign_count=99) is AssertionFailure.SIGNATURE
    payer.device.user_verified = False
    assert refusal(payer, edited(payer.sign(), signature=b"forged")) is AssertionFailure.USER_VERIFICATION


# --- the counter ---


def test_a_clone_shows_as_a_regressed_counter_after_a_valid_signature():
    payer = Ceremony()
    twin = payer.device.clone()
    counts = [payer.verify(payer.sign()).sign_count for _ in range(3)]
    assert counts == [1, 2, 3]
    verified = payer.verify(twin.get(payer.options()), sign_count=3)
    assert verified.counter_regressed
    assert verified.sign_count == 1


def test_the_same_counter_twice_is_a_regression(payer: Ceremony):
    signed = payer.sign()
    count = payer.verify(signed).sign_count
    assert payer.verify(signed, sign_count=count).counter_regressed


def test_a_synced_passkey_reports_zero_for_ever_and_is_no_clone():
    payer = Ceremony(backup_eligible=True, backup_state=True, counter_step=0)
    verified = payer.verify(payer.sign())
    assert (verified.sign_count, verified.counter_regressed) == (0, False)
    assert verified.backup_eligible
    assert verified.backup_state


def test_a_counter_that_falls_back_to_zero_is_a_regression():
    payer = Ceremony(counter_step=0)
    assert payer.verify(payer.sign(), sign_count=5).counter_regressed


# --- why not the library's own verification ---


def test_the_library_alone_would_accept_a_foreign_frame_and_call_a_forgery_a_clone():
    payer = Ceremony()
    payer.device.cross_origin, payer.device.top_origin = True, "https://evil.example"
    arguments = {
        "expected_challenge": challenge(TERMS, NONCE, EXPIRES_AT_S),
        "expected_rp_id": RP_ID,
        "expected_origin": ORIGIN,
        "credential_public_key": payer.passkey.public_key,
    }
    assert verify_authentication_response(credential=payer.sign(), credential_current_sign_count=0, **arguments)
    forged = edited(payer.sign(), signature=b"\x30\x00")
    with pytest.raises(InvalidAuthenticationResponse, match="sign count"):
        verify_authentication_response(credential=forged, credential_current_sign_count=9, **arguments)
