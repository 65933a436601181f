"""Evidence: a file that anyone can check later, and that cannot be bent."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.auth.challenge import challenge
from keelpay_server.auth.evidence import (
    EVIDENCE_LENGTH_MAX,
    Evidence,
    SpcDisplay,
    evidence_digest,
    read_evidence,
    verify_evidence,
    write_evidence,
)
from keelpay_server.auth.options import request_options
from keelpay_server.auth.terms import PasskeyAddTerms

from .ceremonies import DISPLAYED, EXPIRES_AT_S, NONCE, PARTY, RP_ID, SHOP, SPC_TERMS, TERMS, Ceremony

STARTED_US = (EXPIRES_AT_S - 120) * 1_000_000
VERIFIED_US = STARTED_US + 7_000_000
DISPLAY = SpcDisplay(
    exponent=2,
    payee_origin=SHOP,
    instrument_icon=DISPLAYED.instrument_icon,
    instrument_details=DISPLAYED.instrument_details,
    logos=DISPLAYED.logos,
)


def evidence(payer: Ceremony, credential_json: str, **changes) -> Evidence:
    members = {
        "terms": TERMS,
        "nonce": NONCE,
        "expires_at_s": EXPIRES_AT_S,
        "credential_json": credential_json,
        "passkey": payer.expected().passkey,
        "party": PARTY,
        "display": None,
        "started_at_us": STARTED_US,
        "verified_at_us": VERIFIED_US,
        **changes,
    }
    return Evidence(**members)


def webauthn_file(payer: Ceremony) -> str:
    return write_evidence(evidence(payer, payer.sign()))


def spc_file(payer: Ceremony) -> str:
    return write_evidence(evidence(payer, payer.show(), terms=SPC_TERMS, display=DISPLAY))


PAYER = Ceremony()
FILE = webauthn_file(PAYER)
SPC_FILE = spc_file(PAYER)


@pytest.mark.parametrize("algorithm", [-7, -8])
def test_a_genuine_file_is_valid_and_tells_what_was_signed(algorithm: int):
    report = verify_evidence(webauthn_file(Ceremony(algorithms=(algorithm,))))
    assert (report.valid, report.failure, report.terms) == (True, "", TERMS)
    assert (report.started_at_us, report.verified_at_us) == (STARTED_US, VERIFIED_US)
    assert report.verified.method == "webauthn"


def test_a_genuine_spc_file_is_valid():
    report = verify_evidence(SPC_FILE)
    assert (report.valid, report.terms, report.verified.method) == (True, SPC_TERMS, "spc")


def test_evidence_of_an_added_passkey_is_valid():
    terms = PasskeyAddTerms(registration_id="reg-1", payer_id="ama", passkey_display="Phone", rp_id=RP_ID)
    options = request_options(rp_id=RP_ID, challenge=challenge(terms, NONCE, EXPIRES_AT_S), allow=PAYER.known)
    signed = PAYER.device.get(options)
    assert verify_evidence(write_evidence(evidence(PAYER, signed, terms=terms))).terms == terms


def test_reading_gives_back_what_was_written():
    assert write_evidence(read_evidence(SPC_FILE)) == SPC_FILE


@pytest.mark.parametrize(
    "member",
    [
        "amountMinor",
        "payeeName",
        "payeeId",
        "payerId",
        "paymentId",
        "currency",
        "instrumentDisplay",
        "nonce",
        "expiresAt",
    ],
)
def test_changed_terms_are_not_what_was_signed(member: str):
    members = json.loads(FILE)
    text = members["terms"][member]
    members["terms"][member] = "9" + text[1:] if member in {"amountMinor", "expiresAt"} else text[:-1] + "4"
    report = verify_evidence(json.dumps(members))
    assert not report.valid
    assert report.failure in {"challenge", "malformed"}


@pytest.mark.parametrize(
    "member,value", [("payeeOrigin", "https://evil.example"), ("instrumentIcon", "x"), ("exponent", 0), ("logos", [])]
)
def test_a_changed_display_is_not_what_was_signed(member: str, value: object):
    members = json.loads(SPC_FILE)
    members["display"][member] = value
    assert verify_evidence(json.dumps(members)).failure.startswith("payment_")


def test_a_dropped_display_does_not_make_spc_evidence_pass():
    members = json.loads(SPC_FILE)
    del members["display"]
    assert verify_evidence(json.dumps(members)).failure == "malformed"


def test_anothers_key_does_not_verify():
    members = json.loads(FILE)
    members["passkey"]["publicKey"] = json.loads(webauthn_file(Ceremony()))["passkey"]["publicKey"]
    assert verify_evidence(json.dumps(members)).failure == "signature"


@pytest.mark.parametrize("verified_at_us", [EXPIRES_AT_S * 1_000_000, STARTED_US - 1])
def test_a_signature_outside_the_confirmations_life_is_expired(verified_at_us: int):
    report = verify_evidence(write_evidence(evidence(PAYER, PAYER.sign(), verified_at_us=verified_at_us)))
    assert (report.valid, report.failure) == (False, "expired")


def test_the_last_microsecond_counts():
    last = EXPIRES_AT_S * 1_000_000 - 1
    assert verify_evidence(write_evidence(evidence(PAYER, PAYER.sign(), verified_at_us=last))).valid


def test_an_unverified_user_is_no_evidence():
    payer = Ceremony()
    payer.device.user_verified = False
    assert verify_evidence(webauthn_file(payer)).failure == "user_verification"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"type":"keelpay.evidence.v2"}', " " * (EVIDENCE_LENGTH_MAX + 1)])
def test_what_is_no_evidence_is_malformed(text: str):
    assert verify_evidence(text).failure == "malformed"


def paths(members: object, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(members, dict):
        return [prefix]
    return [path for name in members for path in [(*prefix, name), *paths(members[name], (*prefix, name))]]


UNSIGNED = {
    ("display", "logos"), ("passkey", "signCount"), ("relyingParty", "embedders"), ("relyingParty", "origins"),
    ("times", "startedAtUs"), ("times", "verifiedAtUs"),
}  # fmt: skip
"""What no passkey signs: context that only the digest in the journal vouches for."""


def _changed(value: object) -> object:
    """A value a little different: still of its type, so that it is found for what it says and not for its form."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value[:-2] + ("A" if value[-2:-1] != "A" else "B") + value[-1:] if len(value) > 1 else value + "A"
        case list():
            return [*value, "https://other.example"]
        case _:
            return "other"


@pytest.mark.parametrize("file", [FILE, SPC_FILE], ids=["webauthn", "spc"])
def test_tampering_with_any_member_is_found_by_the_signature_or_by_the_digest(file: str):
    genuine = json.loads(file)
    passed = set()
    for path in (path for path in paths(genuine) if path):
        members = copy.deepcopy(genuine)
        parent = members
        for name in path[:-1]:
            parent = parent[name]
        if isinstance(parent[path[-1]], dict):
            continue
        parent[path[-1]] = _changed(parent[path[-1]])
        tampered = json.dumps(members)
        assert evidence_digest(tampered) != evidence_digest(file), path
        if verify_evidence(tampered).valid:
            passed.add(path)
    assert passed == {path for path in UNSIGNED if path[0] in genuine}


def test_the_digest_does_not_depend_on_how_the_file_is_written():
    assert evidence_digest(json.dumps(dict(reversed(json.loads(FILE).items())))) == evidence_digest(FILE)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([FILE, SPC_FILE]), st.data())
def test_any_member_may_be_anything_and_the_report_still_comes(file: str, data: st.DataObject):
    members = copy.deepcopy(json.loads(file))
    path = data.draw(st.sampled_from(sorted(set(paths(members)) - {()})))
    parent = members
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = data.draw(_json)
    verify_evidence(json.dumps(members))
