"""Registration: a passkey is stored only if it was made for us, by a verified user, with a key we can use."""

import datetime as dt
import json

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from keelpay.testing import SoftPasskey
from keelpay.testing.soft_passkey import cose_public_key
from keelpay_server.auth import base64url
from keelpay_server.auth.options import KnownPasskey, request_options, spc_request
from keelpay_server.auth.registration import (
    CREDENTIAL_LENGTH_MAX,
    ExpectedRegistration,
    RegistrationFailure,
    RegistrationRefused,
    verify_registration,
)
from keelpay_server.auth.relying_party import RelyingParty, android_origin

from .ceremonies import DISPLAYED, NONCE, ORIGIN, PARTY, RP_ID, SHOP, USER_HANDLE, creation, edited, register

EXPECTED = ExpectedRegistration(challenge=NONCE, party=PARTY)
EMBEDDED = RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN}), embedders=frozenset({SHOP}))


P384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
P384_FOR_ES256 = {1: 2, 3: -7, -1: 2, -2: P384.x.to_bytes(48, "big"), -3: P384.y.to_bytes(48, "big")}


def refusal(credential_json: str, expected: ExpectedRegistration = EXPECTED) -> RegistrationFailure:
    with pytest.raises(RegistrationRefused) as refused:
        verify_registration(credential_json, expected)
    return refused.value.failure


def made(**device) -> str:
    return SoftPasskey(**{"origin": ORIGIN, **device}).create(creation())


def with_key(credential_json: str, cose_key: bytes) -> str:
    """The same credential with another public key in it (attestation `none` does not sign it)."""
    attestation = cbor2.loads(base64url.decode(json.loads(credential_json)["response"]["attestationObject"]))
    data = attestation["authData"]
    id_length = int.from_bytes(data[53:55], "big")
    attestation["authData"] = data[: 55 + id_length] + cose_key
    return edited(credential_json, attestationObject=cbor2.dumps(attestation))


@pytest.mark.parametrize("algorithm", [-7, -8])
@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_a_new_passkey_is_ready_to_store(algorithm: int, attestation: str):
    device = SoftPasskey(origin=ORIGIN, algorithms=(algorithm,), attestation=attestation)
    passkey = register(device)
    assert list(device.credentials) == [passkey.credential_id]
    assert (passkey.algorithm, passkey.attestation_format, passkey.sign_count) == (algorithm, attestation, 0)
    assert (passkey.backup_eligible, passkey.backup_state, passkey.transports) == (False, False, ("internal",))
    assert passkey.aaguid == "00000000-0000-0000-0000-000000000000"
    assert not passkey.spc_capable


def test_a_synced_passkey_is_told():
    passkey = register(SoftPasskey(origin=ORIGIN, backup_eligible=True, backup_state=True))
    assert passkey.backup_eligible
    assert passkey.backup_state


def test_spc_capable_is_what_was_asked_for_on_a_platform_authenticator():
    device = SoftPasskey(origin=ORIGIN)
    expected = ExpectedRegistration(challenge=NONCE, party=PARTY, payment=True)
    credential = device.create(creation(payment=True))
    assert verify_registration(credential, expected).spc_capable
    roaming = json.dumps(json.loads(credential) | {"authenticatorAttachment": "cross-platform"})
    assert not verify_registration(roaming, expected).spc_capable


def test_an_rsa_key_of_2048_bits_is_accepted_and_a_smaller_one_refused():
    for bits, accepted in ((2048, True), (1024, False)):
        numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
        key = cbor2.dumps({1: 3, 3: -257, -1: numbers.n.to_bytes(bits // 8, "big"), -2: b"\x01\x00\x01"})
        credential = with_key(made(), key)
        if accepted:
            assert verify_registration(credential, EXPECTED).algorithm == -257
        else:
            assert refusal(credential) is RegistrationFailure.ALGORITHM


# --- one reason a check ---


def test_an_oversize_credential_is_refused_unread():
    assert refusal("{" * (CREDENTIAL_LENGTH_MAX + 1)) is RegistrationFailure.TOO_LARGE


def test_an_assertion_is_no_registration():
    device = SoftPasskey(origin=ORIGIN)
    passkey = register(device)
    options = request_options(rp_id=RP_ID, challenge=NONCE, allow=[KnownPasskey(passkey.credential_id)])
    assert refusal(device.get(options)) is RegistrationFailure.MALFORMED


@pytest.mark.parametrize(
    "member,value,failure",
    [
        ("type", "webauthn.get", RegistrationFailure.TYPE),
        ("challenge", "AAAA", RegistrationFailure.CHALLENGE),
        ("challenge", "\ud800", RegistrationFailure.CHALLENGE),
        ("origin", "https://evil.example", RegistrationFailure.ORIGIN),
        ("crossOrigin", True, RegistrationFailure.CROSS_ORIGIN),
        ("topOrigin", SHOP, RegistrationFailure.CROSS_ORIGIN),
        ("crossOrigin", "yes", RegistrationFailure.MALFORMED),
    ],
)
def test_client_data_that_differs_is_refused(member: str, value: object, failure: RegistrationFailure):
    credential = made()
    client = json.loads(base64url.decode(json.loads(credential)["response"]["clientDataJSON"])) | {member: value}
    assert refusal(edited(credential, clientDataJSON=json.dumps(client).encode())) is failure


def test_a_frame_is_accepted_only_inside_a_page_on_the_list():
    credential = made(cross_origin=True, top_origin=SHOP)
    assert refusal(credential) is RegistrationFailure.CROSS_ORIGIN
    assert verify_registration(credential, ExpectedRegistration(challenge=NONCE, party=EMBEDDED)).credential_id


def test_an_id_that_is_not_the_authenticators_is_refused():
    credential = json.loads(made()) | {"id": "AAAA", "rawId": "AAAA"}
    assert refusal(json.dumps(credential)) is RegistrationFailure.CREDENTIAL


@pytest.mark.parametrize("device", [{"user_verified": False}, {"user_present": False}])
def test_without_user_verification_it_is_refused(device: dict[str, bool]):
    assert refusal(made(**device)) is RegistrationFailure.USER_VERIFICATION


def test_backed_up_without_being_eligible_is_refused():
    assert refusal(made(backup_state=True)) is RegistrationFailure.BACKUP


def test_a_foreign_rp_id_is_refused():
    foreign = RelyingParty(rp_id="evil.example", origins=frozenset({ORIGIN}))
    expected = ExpectedRegistration(challenge=NONCE, party=foreign)
    assert refusal(made(), expected) is RegistrationFailure.RP_ID


@pytest.mark.parametrize(
    "key",
    [
        P384_FOR_ES256,
        {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)},  # a point that is not on the curve
        {1: 2, 3: -36, -1: 1, -2: bytes(32), -3: bytes(32)},  # an algorithm we do not take
        {1: 1, 3: -8, -1: 6, -2: b"short"},
        {1: 9},
    ],
)
def test_a_key_we_cannot_verify_with_is_refused(key: dict[int, object]):
    assert refusal(with_key(made(), cbor2.dumps(key))) is RegistrationFailure.ALGORITHM


# --- attestation ---


def test_self_attestation_whose_signature_does_not_hold_is_refused():
    credential = made(attestation="packed")
    attestation = cbor2.loads(base64url.decode(json.loads(credential)["response"]["attestationObject"]))
    attestation["attStmt"]["sig"] = attestation["attStmt"]["sig"][:-1] + b"\x00\x00"
    assert refusal(edited(credential, attestationObject=cbor2.dumps(attestation))) is RegistrationFailure.ATTESTATION


@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_where_roots_are_configured_a_statement_without_certificates_is_refused(attestation: str):
    _, root = certificate("root")
    expected = ExpectedRegistration(challenge=NONCE, party=PARTY, attestation_roots={"packed": (pem(root),)})
    assert refusal(made(attestation=attestation), expected) is RegistrationFailure.ATTESTATION


def test_where_roots_are_configured_a_chain_to_one_of_them_is_accepted_and_no_other():
    device = SoftPasskey(origin=ORIGIN, attestation="packed", algorithms=(-7,))
    credential = device.create(creation(attestation=True))
    root_key, root = certificate("root")
    leaf_key, leaf = certificate("leaf", issuer=(root_key, root))
    response = json.loads(credential)["response"]
    attestation = cbor2.loads(base64url.decode(response["attestationObject"]))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(base64url.decode(response["clientDataJSON"]))
    signature = leaf_key.sign(attestation["authData"] + digest.finalize(), ec.ECDSA(hashes.SHA256()))
    der = leaf.public_bytes(serialization.Encoding.DER)
    attestation["attStmt"] = {"alg": -7, "sig": signature, "x5c": [der]}
    attested = edited(credential, attestationObject=cbor2.dumps(attestation))

    def trusting(certificate_: x509.Certificate, form: str = "packed") -> ExpectedRegistration:
        return ExpectedRegistration(challenge=NONCE, party=PARTY, attestation_roots={form: (pem(certificate_),)})

    assert verify_registration(attested, trusting(root)).attestation_format == "packed"
    assert refusal(attested, trusting(certificate("other")[1])) is RegistrationFailure.ATTESTATION
    # The library takes a format without roots on trust.
    assert refusal(attested, trusting(root, "tpm")) is RegistrationFailure.ATTESTATION


def certificate(
    name: str, issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def pem(certificate_: x509.Certificate) -> bytes:
    return certificate_.public_bytes(serialization.Encoding.PEM)


# --- options ---


def test_creation_options_always_require_user_verification_and_name_our_algorithms():
    options = json.loads(creation(exclude=[KnownPasskey(b"old", ("internal", "smoke-signals"))]))
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["attestation"] == "none"
    assert options["excludeCredentials"] == [
        {"id": base64url.encode(b"old"), "type": "public-key", "transports": ["internal"]}
    ]
    assert options["user"]["id"] == base64url.encode(USER_HANDLE)
    assert "payment" not in options["extensions"]


def test_a_browser_that_signs_the_making_of_a_payment_credential_is_known_from_then_on():
    device = SoftPasskey(origin=ORIGIN, browser_bound=True)
    expected = ExpectedRegistration(challenge=NONCE, party=PARTY, payment=True)
    credential = device.create(creation(payment=True))
    assert verify_registration(credential, expected).browser_key == cose_public_key(device.browser_key)
    assert verify_registration(SoftPasskey(origin=ORIGIN).create(creation(payment=True)), expected).browser_key is None
    assert verify_registration(device.create(creation()), EXPECTED).browser_key is None


@pytest.mark.parametrize("signature", ["AAAA", "***", 7])
def test_a_browsers_signature_over_the_making_that_does_not_hold_is_refused(signature: object):
    device = SoftPasskey(origin=ORIGIN, browser_bound=True)
    credential = json.loads(device.create(creation(payment=True)))
    credential["clientExtensionResults"]["payment"]["browserBoundSignature"]["signature"] = signature
    expected = ExpectedRegistration(challenge=NONCE, party=PARTY, payment=True)
    assert refusal(json.dumps(credential), expected) is RegistrationFailure.BROWSER_BOUND_KEY


def test_creation_options_for_spc_ask_for_a_platform_authenticator():
    options = json.loads(creation(payment=True))
    assert options["extensions"]["payment"] == {"isPayment": True}
    assert options["authenticatorSelection"]["authenticatorAttachment"] == "platform"


@pytest.mark.parametrize("handle", [b"", bytes(65)])
def test_a_user_handle_of_another_length_is_refused(handle: bytes):
    with pytest.raises(ValueError, match="user handle"):
        creation(user_handle=handle)


def test_requests_that_would_allow_any_passkey_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        request_options(rp_id=RP_ID, challenge=NONCE, allow=[])
    with pytest.raises(ValueError, match="at least one"):
        spc_request(rp_id=RP_ID, challenge=NONCE, allow=[], terms=DISPLAYED)


@pytest.mark.parametrize("fingerprint", ["", "AB", ":".join(["AB"] * 31), ":".join(["GG"] * 32)])
def test_a_fingerprint_of_another_form_is_refused(fingerprint: str):
    with pytest.raises(ValueError, match="fingerprint"):
        android_origin(fingerprint)


# --- never an unexpected exception ---

_MADE = made(attestation="packed")
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["clientDataJSON", "attestationObject", "transports"]), st.binary(max_size=300) | _json)
def test_any_member_of_the_response_may_be_anything(member: str, value: object):
    credential = edited(_MADE, **{member: "removed" if value is None else value})
    try:
        verify_registration(credential, EXPECTED)
    except RegistrationRefused:
        return
    assert member == "transports"


@given(st.binary(min_size=1, max_size=200), st.integers(0, 400), st.sampled_from(["authData", "fmt", "attStmt", "sig"]))
def test_any_part_of_an_attestation_may_be_anything(data: bytes, at: int, part: str):
    attestation = cbor2.loads(base64url.decode(json.loads(_MADE)["response"]["attestationObject"]))
    if part == "authData":
        whole = attestation["authData"]
        attestation["authData"] = whole[: at % len(whole)] + data
    elif part == "sig":
        attestation["attStmt"]["sig"] = data
    else:
        attestation[part] = data
    with pytest.raises(RegistrationRefused):
        verify_registration(edited(_MADE, attestationObject=cbor2.dumps(attestation)), EXPECTED)
