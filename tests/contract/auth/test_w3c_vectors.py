"""The test vectors of the standard itself: Web Authentication Level 3, section 16, relying party example.org.

The figures are those that the W3C published; keys, client data and signatures were made by its own generator. Vectors
made without user verification must be refused for that reason, and their signatures must hold all the same.
"""

import hashlib
import json

import cbor2
import pytest

from keelpay_server.auth import base64url
from keelpay_server.auth.assertion import ExpectedAssertion, StoredPasskey, verify_assertion
from keelpay_server.auth.assertion_failure import AssertionFailure, AssertionRefused
from keelpay_server.auth.cose_key import signature_holds
from keelpay_server.auth.registration import (
    ExpectedRegistration,
    RegistrationFailure,
    RegistrationRefused,
    verify_registration,
)
from keelpay_server.auth.relying_party import RelyingParty

PARTY = RelyingParty(rp_id="example.org", origins=frozenset({"https://example.org"}))

# Section -> credential id, COSE key, challenge, authenticator data, clientDataJSON, signature; all but the key in hex.
NONE_ES256 = {
    "id": "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
    "key": {
        1: 2,
        3: -7,
        -1: 1,
        -2: "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61",
        -3: "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
    },
    "challenge": "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
    "data": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
    "client": (
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558"
        "543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f"
        "7267222c2263726f73734f726967696e223a66616c73657d"
    ),
    "signature": (
        "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1"
        "dd5d78c6e486013f937295ea13653e331e87"
    ),
}
CROSS_ORIGIN_ES256 = {
    "id": "6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57",
    "key": {
        1: 2,
        3: -7,
        -1: 1,
        -2: "22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d",
        -3: "cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
    },
    "challenge": "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137",
    "data": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000",
    "client": (
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a226832716c463771445f65356c5f505f62796b79"
        "45377135645650674547685f49584a6b655737736e4d5463222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267"
        "222c2263726f73734f726967696e223a747275652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179206265"
        "20657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c2073756368206173"
        "20746869733a2039327063545644304162792d713464746d6a36656667227d"
    ),
    "signature": (
        "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a0"
        "9acfa2e915544e609c0733b1184036d1cf"
    ),
}
LONG_ID_ES256 = {
    # The vector's id has 1,023 bytes; an assertion does not sign it, so its first 32 stand for it here.
    "id": "3a761a4e1674ad6c4305869435c0eee9c286172c229bb91b48b4ada140c08634",
    "key": {
        1: 2,
        3: -7,
        -1: 1,
        -2: "3b8176b7504489cc593046d7988abb7905a742de6ac2cdc748a873c663e90cb1",
        -3: "1436d5edc9a75f23999eef9d5950a5c2455514ee1014084720f841a06b828a11",
    },
    "challenge": "ef1deba56dce48f674a447ccf63b9599258ce87648e5c396f2ef0ca1da460e3b",
    "data": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000",
    "client": (
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22377833727057334f53505a307045664d396a75"
        "566d53574d36485a4935634f573875384d6f647047446a73222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267"
        "222c2263726f73734f726967696e223a66616c73657d"
    ),
    "signature": (
        "304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd022100d2ace346db262b1374a6b70faa51f518"
        "a42ddca13a4125ce6f5052a75bac9fb6"
    ),
}
PACKED_EDDSA = {
    "id": "ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd",
    "key": {1: 1, 3: -8, -1: 6, -2: "44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832"},
    "challenge": "895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2",
    "data": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000",
    "client": (
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2269566c583442786a4f6d6d44534b4c596f7870"
        "557439736e364d48454f7943413135726947514a6e763949222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267"
        "222c2263726f73734f726967696e223a66616c73657d"
    ),
    "signature": (
        "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223"
        "a0dc0d453993dae00b"
    ),
}
ASSERTIONS = {"16.2": NONE_ES256, "16.4": CROSS_ORIGIN_ES256, "16.6": LONG_ID_ES256, "16.11": PACKED_EDDSA}

# Section -> credential id, challenge, attestation object, clientDataJSON.
NONE_ES256_MADE = {
    "id": "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
    "challenge": "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
    "attestation": (
        "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592"
        "a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33"
        "ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820"
        "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220"
    ),
    "client": (
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e6364"
        "7134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e"
        "6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d61"
        "7920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c20737563"
        "6820617320746869733a20426b5165446a646354427258426941774a544c453551227d"
    ),
}
PACKED_SELF_ES256_MADE = {
    "id": "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    "challenge": "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
    "attestation": (
        "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581"
        "c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d6861757468446174"
        "6158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506c"
        "fc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc6515"
        "59fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee4"
        "84f2"
    ),
    "client": (
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a50"
        "6a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e"
        "6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d61"
        "7920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c20737563"
        "6820617320746869733a205539685458764b453255526b4d6e625f307859485667227d"
    ),
}


def cose(vector: dict) -> bytes:
    return cbor2.dumps({name: bytes.fromhex(v) if isinstance(v, str) else v for name, v in vector["key"].items()})


def text(figures: str) -> str:
    return base64url.encode(bytes.fromhex(figures))


def credential(vector: dict, response: dict[str, str]) -> str:
    name = text(vector["id"])
    response |= {"clientDataJSON": text(vector["client"])}
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def asserted(vector: dict) -> str:
    return credential(vector, {"authenticatorData": text(vector["data"]), "signature": text(vector["signature"])})


def expected(vector: dict) -> ExpectedAssertion:
    passkey = StoredPasskey(
        credential_id=bytes.fromhex(vector["id"]),
        public_key=cose(vector),
        user_handle=b"user",
        sign_count=0,
        backup_eligible=bool(bytes.fromhex(vector["data"])[32] & 0x08),
    )
    return ExpectedAssertion(challenge=bytes.fromhex(vector["challenge"]), passkey=passkey, party=PARTY)


def made(vector: dict) -> tuple[str, ExpectedRegistration]:
    asked = ExpectedRegistration(challenge=bytes.fromhex(vector["challenge"]), party=PARTY)
    return credential(vector, {"attestationObject": text(vector["attestation"])}), asked


@pytest.mark.parametrize("section", ASSERTIONS)
def test_the_signature_of_every_vector_holds_and_no_other_does(section: str):
    vector = ASSERTIONS[section]
    signed = bytes.fromhex(vector["data"]) + hashlib.sha256(bytes.fromhex(vector["client"])).digest()
    signature = bytes.fromhex(vector["signature"])
    assert signature_holds(cose(vector), signature, signed)
    assert not signature_holds(cose(vector), signature, signed + b"x")


def test_16_6_with_a_verified_user_is_accepted():
    verified = verify_assertion(asserted(LONG_ID_ES256), expected(LONG_ID_ES256))
    assert (verified.sign_count, verified.counter_regressed) == (0, False)
    assert (verified.backup_eligible, verified.backup_state) == (True, False)


@pytest.mark.parametrize("section", ["16.2", "16.11"])
def test_vectors_without_user_verification_are_refused_for_that(section: str):
    with pytest.raises(AssertionRefused) as refused:
        verify_assertion(asserted(ASSERTIONS[section]), expected(ASSERTIONS[section]))
    assert refused.value.failure is AssertionFailure.USER_VERIFICATION


def test_16_4_from_a_frame_that_hides_its_page_is_refused_for_that():
    with pytest.raises(AssertionRefused) as refused:
        verify_assertion(asserted(CROSS_ORIGIN_ES256), expected(CROSS_ORIGIN_ES256))
    assert refused.value.failure is AssertionFailure.CROSS_ORIGIN


def test_16_3_with_self_attestation_is_registered():
    passkey = verify_registration(*made(PACKED_SELF_ES256_MADE))
    assert (passkey.attestation_format, passkey.algorithm) == ("packed", -7)
    assert passkey.aaguid == "df850e09-db6a-fbdf-ab51-697791506cfc"
    assert (passkey.backup_eligible, passkey.backup_state) == (True, True)


def test_16_2_made_without_user_verification_is_refused_for_that():
    with pytest.raises(RegistrationRefused) as refused:
        verify_registration(*made(NONE_ES256_MADE))
    assert refused.value.failure is RegistrationFailure.USER_VERIFICATION
