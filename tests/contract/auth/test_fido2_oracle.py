"""Yubico's fido2 as an independent opinion: it accepts what our passkey signs, and we agree with it on forgeries."""

import json

import pytest
from fido2 import server as fido2_server
from fido2 import webauthn as fido2_webauthn

from keelpay.testing import SoftPasskey
from keelpay_server.auth import base64url
from keelpay_server.auth.assertion import ExpectedAssertion, StoredPasskey, verify_assertion
from keelpay_server.auth.assertion_failure import AssertionRefused
from keelpay_server.auth.options import KnownPasskey, creation_options, request_options
from keelpay_server.auth.registration import ExpectedRegistration, NewPasskey, verify_registration
from keelpay_server.auth.relying_party import RelyingParty

ORIGIN = "https://example.org"
PARTY = RelyingParty(rp_id="example.org", origins=frozenset({ORIGIN}))


class Oracle:
    """Both verifiers, asked about the same ceremonies."""

    def __init__(self, device: SoftPasskey) -> None:
        self.device = device
        self.server = fido2_server.Fido2Server(
            fido2_webauthn.PublicKeyCredentialRpEntity(id=PARTY.rp_id, name="keelpay"),
            verify_origin=lambda origin: origin == ORIGIN,
        )
        user = fido2_webauthn.PublicKeyCredentialUserEntity(id=b"user", name="ama")
        _, state = self.server.register_begin(user, user_verification="required", challenge=bytes(32))
        options = creation_options(
            rp_id=PARTY.rp_id, rp_name="keelpay", user_handle=b"user", user_name="ama", challenge=bytes(32)
        )
        credential = device.create(options)
        self.theirs = self.server.register_complete(state, json.loads(credential)).credential_data
        self.ours: NewPasskey = verify_registration(credential, ExpectedRegistration(challenge=bytes(32), party=PARTY))

    def sign(self, challenge: bytes) -> str:
        known = [KnownPasskey(self.ours.credential_id)]
        return self.device.get(request_options(rp_id=PARTY.rp_id, challenge=challenge, allow=known))

    def they_accept(self, credential: str, challenge: bytes) -> bool:
        _, state = self.server.authenticate_begin([self.theirs], user_verification="required", challenge=challenge)
        try:
            self.server.authenticate_complete(state, [self.theirs], json.loads(credential))
        except Exception:  # the oracle says no in many ways
            return False
        return True

    def we_accept(self, credential: str, challenge: bytes) -> bool:
        passkey = StoredPasskey(
            credential_id=self.ours.credential_id,
            public_key=self.ours.public_key,
            user_handle=b"user",
            sign_count=0,
            backup_eligible=self.ours.backup_eligible,
        )
        try:
            verify_assertion(credential, ExpectedAssertion(challenge=challenge, passkey=passkey, party=PARTY))
        except AssertionRefused:
            return False
        return True


@pytest.fixture(scope="module", params=[(-7, "none"), (-7, "packed"), (-8, "none"), (-8, "packed")], ids=str)
def oracle(request: pytest.FixtureRequest) -> Oracle:
    algorithm, attestation = request.param
    return Oracle(SoftPasskey(origin=ORIGIN, algorithms=(algorithm,), attestation=attestation))


def test_both_read_the_same_registration(oracle: Oracle):
    assert oracle.theirs.credential_id == oracle.ours.credential_id
    assert oracle.theirs.public_key[3] == oracle.ours.algorithm
    assert str(oracle.theirs.aaguid) == oracle.ours.aaguid


def test_both_accept_a_genuine_assertion(oracle: Oracle):
    challenge = b"c" * 32
    credential = oracle.sign(challenge)
    assert oracle.they_accept(credential, challenge)
    assert oracle.we_accept(credential, challenge)


def test_both_refuse_every_single_flipped_bit(oracle: Oracle):
    challenge = b"c" * 32
    genuine = json.loads(oracle.sign(challenge))
    tried = 0
    for member in ("authenticatorData", "signature", "clientDataJSON"):
        raw = base64url.decode(genuine["response"][member])
        for at in range(0, len(raw), 5):
            flipped = bytearray(raw)
            flipped[at] ^= 1
            forged = json.loads(json.dumps(genuine))
            forged["response"][member] = base64url.encode(bytes(flipped))
            text = json.dumps(forged)
            assert not oracle.we_accept(text, challenge)
            assert not oracle.they_accept(text, challenge)
            tried += 1
    assert tried > 40


@pytest.mark.parametrize(
    "change", [{"origin": "https://evil.example"}, {"user_verified": False}, {"user_present": False}], ids=str
)
def test_both_refuse_what_the_device_says_wrongly(oracle: Oracle, change: dict[str, object]):
    challenge = b"c" * 32
    before = {name: getattr(oracle.device, name) for name in change}
    try:
        for name, value in change.items():
            setattr(oracle.device, name, value)
        credential = oracle.sign(challenge)
    finally:
        for name, value in before.items():
            setattr(oracle.device, name, value)
    assert not oracle.we_accept(credential, challenge)
    assert not oracle.they_accept(credential, challenge)


def test_both_refuse_another_challenge(oracle: Oracle):
    credential = oracle.sign(b"c" * 32)
    assert not oracle.we_accept(credential, b"d" * 32)
    assert not oracle.they_accept(credential, b"d" * 32)
