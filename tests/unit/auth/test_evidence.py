"""Evidence: a file that anyone can check later, and that cannot be bent."""

import copy
import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.auth import base64url
from keelpay_server.auth.challenge import challenge
from keelpay_server.auth.evidence import (
    EVIDENCE_LENGTH_MAX,
    Evidence,
    evidence_digest,
    finished,
    read_evidence,
    write_evidence,
)
from keelpay_server.auth.evidence_outcome import EvidenceOutcome
from keelpay_server.auth.evidence_report import read_jwks, verify_evidence
from keelpay_server.auth.evidence_seal import EvidenceSealer
from keelpay_server.auth.jwks import jwks_document, public_jwk
from keelpay_server.auth.options import request_options
from keelpay_server.auth.spc_display import SpcDisplay
from keelpay_server.auth.terms import PasskeyAddTerms

from .ceremonies import DISPLAYED, EXPIRES_AT_S, NONCE, PARTY, RP_ID, SEALER, SHOP, SPC_TERMS, TERMS, Ceremony

STARTED_US = (EXPIRES_AT_S - 120) * 1_000_000
VERIFIED_US = STARTED_US + 7_000_000
DECIDED_US = VERIFIED_US + 2_000
REFUSAL = "PASSKEY_COUNTER_REGRESSED"
STRANGER = EvidenceSealer(b"a key of somebody else, 32 bytes", bytes)
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


def file_of(
    payer: Ceremony, signed: str, *, reason: str = "", decided_at_us: int = DECIDED_US, sealer=SEALER, **changes
) -> str:
    document = write_evidence(evidence(payer, signed, **changes))
    return finished(document, EvidenceOutcome(reason, decided_at_us), sealer)


def webauthn_file(payer: Ceremony, reason: str = "") -> str:
    return file_of(payer, payer.sign(), reason=reason)


def spc_file(payer: Ceremony, reason: str = "") -> str:
    return file_of(payer, payer.show(), reason=reason, terms=SPC_TERMS, display=DISPLAY)


PAYER = Ceremony()
FILE = webauthn_file(PAYER)
SPC_FILE = spc_file(PAYER)


@pytest.mark.parametrize("algorithm", [-7, -8])
def test_a_genuine_file_is_valid_and_tells_what_was_signed(algorithm: int):
    report = verify_evidence(webauthn_file(Ceremony(algorithms=(algorithm,))))
    assert (report.proven, report.failure, report.terms) == (True, "", TERMS)
    assert report.outcome == EvidenceOutcome("", DECIDED_US)
    assert (report.started_at_us, report.verified_at_us) == (STARTED_US, VERIFIED_US)
    assert report.verified.method == "webauthn"


def test_a_genuine_spc_file_is_valid():
    report = verify_evidence(SPC_FILE)
    assert (report.proven, report.terms, report.verified.method) == (True, SPC_TERMS, "spc")


def test_a_refused_one_is_genuine_and_proves_no_confirmation():
    report = verify_evidence(webauthn_file(PAYER, REFUSAL))
    assert (report.genuine, report.proven, report.outcome.reason) == (True, False, REFUSAL)


@pytest.mark.parametrize("outcome", [None, {}, {"accepted": True}, EvidenceOutcome("", DECIDED_US).members()])
def test_a_refused_one_cannot_be_made_an_accepted_one(outcome):
    members = json.loads(webauthn_file(PAYER, REFUSAL))
    members.pop("outcome") if outcome is None else members.update(outcome=outcome)
    assert not verify_evidence(json.dumps(members)).genuine
    del members["seal"]
    assert not verify_evidence(json.dumps(members)).genuine


def test_an_outcome_sealed_anew_with_another_key_is_found_from_the_file_alone():
    document = write_evidence(evidence(PAYER, PAYER.sign()))
    report = verify_evidence(finished(document, EvidenceOutcome("", DECIDED_US), STRANGER))
    assert (report.genuine, report.failure) == (False, "seal")
    assert "the payer's signature names" in report.detail


def test_a_seal_of_another_file_does_not_fit():
    members, other = json.loads(webauthn_file(PAYER, REFUSAL)), json.loads(webauthn_file(PAYER))
    members["seal"] = other["seal"]
    assert verify_evidence(json.dumps(members)).failure == "seal"


def test_a_whole_file_made_by_who_has_the_passkey_is_found_by_the_keys_of_the_installation():
    nonce = STRANGER.nonce()
    options = request_options(rp_id=RP_ID, challenge=challenge(TERMS, nonce, EXPIRES_AT_S), allow=PAYER.known)
    forged = file_of(PAYER, PAYER.device.get(options), sealer=STRANGER, nonce=nonce)
    ours = read_jwks(jwks_document([SEALER.public]))
    assert verify_evidence(forged).proven
    assert verify_evidence(forged, ours).failure == "seal"
    genuine = verify_evidence(FILE, ours)
    assert (genuine.proven, genuine.seal_known, genuine.seal_key) == (True, True, SEALER.public.kid)


@pytest.mark.parametrize("text", ["", "{}", '{"keys":{}}', '{"keys":[1]}', '{"keys":[{"kty":"oct","k":"AA"}]}'])
def test_what_is_no_key_set_is_said(text: str):
    with pytest.raises(ValueError, match=r"."):
        read_jwks(text)


def test_the_seal_is_a_token_that_opens_nothing_else():
    assert public_jwk(SEALER.public)["kid"].startswith("evidence-")
    header = json.loads(FILE)["seal"]["jws"].split(".")[0]
    assert json.loads(base64url.decode(header))["typ"] == "keelpay-evidence+jws"


def test_a_nonce_is_half_chance_and_half_the_name_of_the_key():
    sealer = EvidenceSealer(bytes(32), secrets.token_bytes)
    first, second = sealer.nonce(), sealer.nonce()
    assert len(first) == len(second) == 32
    assert first[:16] != second[:16]
    assert first[16:] != second[16:]


def test_evidence_of_an_added_passkey_is_valid():
    terms = PasskeyAddTerms(registration_id="reg-1", payer_id="ama", passkey_display="Phone", rp_id=RP_ID)
    options = request_options(rp_id=RP_ID, challenge=challenge(terms, NONCE, EXPIRES_AT_S), allow=PAYER.known)
    signed = PAYER.device.get(options)
    assert verify_evidence(file_of(PAYER, signed, terms=terms)).terms == terms


def test_reading_gives_back_what_was_written():
    document = write_evidence(evidence(PAYER, PAYER.show(), terms=SPC_TERMS, display=DISPLAY))
    assert write_evidence(read_evidence(document)) == document
    assert read_evidence(finished(document, EvidenceOutcome("", 1), SEALER)) == read_evidence(document)


@pytest.mark.parametrize("ballast", ["0," * 30_000 + "0", "[" * 900 + "0," * 28_000 + "0" + "]" * 900])
def test_what_nobody_signed_does_not_swell_a_file_past_reading(ballast: str):
    signed = json.loads(PAYER.sign())
    loaded = json.dumps({**signed, "clientExtensionResults": {"x": 0}}).replace('"x": 0', f'"x": [{ballast}]')
    assert PAYER.verify(loaded).method == "webauthn"
    file = file_of(PAYER, loaded)
    assert verify_evidence(file).proven
    assert len(file) < len(FILE) + 100


def test_half_a_character_that_nobody_signed_is_no_reason_not_to_keep_a_file():
    ballast = {"payment": {"browserBoundSignature": {"signature": "\ud800"}}}
    loaded = json.dumps({**json.loads(PAYER.sign()), "clientExtensionResults": ballast})
    assert PAYER.verify(loaded).method == "webauthn"
    file = file_of(PAYER, loaded)
    assert verify_evidence(file).proven
    assert file.encode()


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
    assert not report.genuine
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
    report = verify_evidence(file_of(PAYER, PAYER.sign(), verified_at_us=verified_at_us))
    assert (report.genuine, report.failure) == (False, "expired")


def test_what_was_accepted_after_the_confirmations_life_is_expired():
    report = verify_evidence(file_of(PAYER, PAYER.sign(), decided_at_us=EXPIRES_AT_S * 1_000_000))
    assert (report.genuine, report.failure) == (False, "expired")


def test_the_last_microsecond_counts():
    last = EXPIRES_AT_S * 1_000_000 - 1
    assert verify_evidence(file_of(PAYER, PAYER.sign(), verified_at_us=last, decided_at_us=last)).proven


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
def test_tampering_with_any_member_is_found_from_the_file_alone(file: str):
    genuine = json.loads(file)
    for path in (path for path in paths(genuine) if path):
        members = copy.deepcopy(genuine)
        parent = members
        for name in path[:-1]:
            parent = parent[name]
        if isinstance(parent[path[-1]], dict):
            continue
        parent[path[-1]] = _changed(parent[path[-1]])
        tampered = json.dumps(members)
        assert not verify_evidence(tampered).genuine, path
        if path[0] not in {"outcome", "seal"}:  # a bent outcome contradicts itself before there is a digest
            assert evidence_digest(tampered) != evidence_digest(file), path


@pytest.mark.parametrize("file", [FILE, SPC_FILE], ids=["webauthn", "spc"])
def test_a_member_that_was_dropped_or_put_in_is_found_from_the_file_alone(file: str):
    genuine = json.loads(file)
    for path in [(), *paths(genuine)]:
        members = copy.deepcopy(genuine)
        parent = members
        for name in path[:-1]:
            parent = parent[name]
        inner = parent[path[-1]] if path else members
        if isinstance(inner, dict):
            inner["further"] = "x"
            assert not verify_evidence(json.dumps(members)).genuine, (*path, "further")
            del inner["further"]
        if path:
            del parent[path[-1]]
            assert not verify_evidence(json.dumps(members)).genuine, path


def test_the_digest_covers_the_outcome_and_not_the_seal():
    members = json.loads(FILE)
    members.pop("seal")
    assert evidence_digest(json.dumps(members)) == evidence_digest(FILE)
    members["outcome"] = EvidenceOutcome(REFUSAL, DECIDED_US).members()
    assert evidence_digest(json.dumps(members)) != evidence_digest(FILE)


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
