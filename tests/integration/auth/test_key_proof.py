"""Who adds a key shows that it holds it: by a statement of that key, for one client and one request."""

import pytest

from keelpay.api.auth.v1 import partner_request_pb2, signing_key_pb2
from keelpay_server.auth.signing_key import KeyAlgorithm, generate_signing_key
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .refusals import refused
from .scene import ACME, AUDIENCE, der_of, fresh
from .test_clients import add_key, issue, proof_of

NEW, STRANGER = generate_signing_key(), generate_signing_key()
PROOFS = {
    "by another key": {"by": STRANGER},
    "by another algorithm": {"by": generate_signing_key(KeyAlgorithm.ES256)},
    "for another client": {"iss": "partners/other"},
    "for nobody": {"iss": None},
    "for another request": {"jti": "018f0000-0000-7000-8000-000000000001"},
    "for no request": {"jti": None},
    "of another type": {"typ": "JWT"},
}


@pytest.mark.parametrize("proof", PROOFS)
async def test_a_key_is_added_by_its_holder_alone_for_its_own_client_and_this_request(scene, proof):
    with pytest.raises(Refused) as caught:
        await add_key(scene, NEW, **PROOFS[proof])
    assert caught.value.reason is Reason.FIELD_INVALID
    assert [path for path, _ in caught.value.violations] == ["proof"]
    assert (await add_key(scene, NEW)).signing_key.public_key_der == der_of(NEW)


async def test_the_words_about_a_key_are_no_assertion_and_an_assertion_is_no_such_words(scene):
    held = scene.keys["partners/acme"]
    proof = proof_of(held, "partners/acme", fresh(), sub="partners/acme", aud=AUDIENCE, exp=scene.now_s() + 60)
    assert await refused(issue(scene, proof)) is Reason.CLIENT_ASSERTION_INVALID
    request_id = fresh()
    request = partner_request_pb2.CreateSigningKeyRequest(
        parent="partners/acme", request_id=request_id, proof=scene.assertion(jti=request_id),
        signing_key=signing_key_pb2.SigningKey(algorithm=1, public_key_der=der_of(held)),
    )  # fmt: skip
    assert await refused(scene.call(ACME, scene.partners.CreateSigningKey, request)) is Reason.FIELD_INVALID


async def test_a_repeat_that_is_proven_anew_is_the_same_request(scene):
    key, request_id = generate_signing_key(KeyAlgorithm.ES256), fresh()
    first = await add_key(scene, key, request_id=request_id)
    again = await add_key(scene, key, request_id=request_id.upper())  # an ES256 signature is another each time
    assert (first.replayed, again.replayed, again.signing_key) == (False, True, first.signing_key)
