import asyncio
import time

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import keelpay
from keelpay import Reason, credentials
from keelpay._async import token_source as async_source
from keelpay._sync import token_source as sync_source
from keelpay.api.auth.v1 import partner_request_pb2
from keelpay_server.auth.client_assertion import verify_client_assertion
from keelpay_server.auth.signing_key import KeyAlgorithm, VerifyingKey
from tests.integration.sdk.driver import Driver
from tests.integration.sdk.scripted_server import Refuse

ISSUE, GET = "PartnerService/IssueToken", "PaymentService/GetPayment"
PAYMENT = "merchants/cafe/payments/pay-1"
KEYS = {
    "EdDSA": (ed25519.Ed25519PrivateKey.generate(), KeyAlgorithm.EDDSA),
    "ES256": (ec.generate_private_key(ec.SECP256R1()), KeyAlgorithm.ES256),
}


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def shop(algorithm="EdDSA"):
    return credentials.partner(
        "partners/shop",
        key_id="partners/shop/signingKeys/key-1",
        private_key=pem(KEYS[algorithm][0]),
        audience="keelpay-test",
    )


def issued(value, life_s=600):
    answer = partner_request_pb2.IssueTokenResponse()
    answer.token.value = value
    answer.token.expire_time.FromNanoseconds(time.time_ns() + int(life_s * 1e9))
    return answer


@pytest.fixture
async def partner(side, server):
    driver = Driver(side, server.address, shop())
    yield driver
    await driver.close()


def bearers(server):
    return [call.metadata["authorization"] for call in server.called(GET)]


@pytest.mark.parametrize("algorithm", KEYS)
async def test_the_server_believes_the_proof(algorithm, server, side):
    server.script(ISSUE, issued("t1"))
    driver = Driver(side, server.address, shop(algorithm).with_scopes("payments.read"))
    await driver.call(lambda c: c.payments.get(PAYMENT))
    await driver.close()
    (ask,) = server.called(ISSUE)
    private, kind = KEYS[algorithm]
    public = VerifyingKey("key-1", kind, private.public_key())
    proof = verify_client_assertion(
        ask.request.assertion,
        client="partners/shop",
        keys={"key-1": public},
        audience="keelpay-test",
        now_s=time.time(),
        skew_s=5,
    )
    assert proof.client == "partners/shop"
    assert list(ask.request.scopes) == ["payments.read"]
    assert "authorization" not in ask.metadata
    assert bearers(server) == ["Bearer t1"]


async def test_a_token_is_asked_for_once_and_kept(server, partner):
    server.script(ISSUE, issued("t1"))
    await asyncio.gather(*(partner.call(lambda c: c.payments.get(PAYMENT)) for _ in range(8)))
    assert len(server.called(ISSUE)) == 1
    assert bearers(server) == ["Bearer t1"] * 8


class MovedClock:
    """What the client takes for the time: the machine's, and a step."""

    def __init__(self):
        self.step_s = 0.0

    def monotonic(self):
        return time.monotonic() + self.step_s


@pytest.fixture
def clock(monkeypatch):
    moved = MovedClock()
    for source in (async_source, sync_source):
        monkeypatch.setattr(source, "time", moved)
    return moved


async def test_a_token_is_renewed_when_a_quarter_of_its_life_is_left(server, partner, clock):
    server.script(ISSUE, issued("t1", life_s=4000), issued("t2"))
    for clock.step_s in (0, 2900, 3001):
        await partner.call(lambda c: c.payments.get(PAYMENT))
    assert bearers(server) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_an_old_token_serves_while_it_lives_and_no_new_one_is_to_be_had(server, partner, clock):
    server.script(ISSUE, issued("t1", life_s=4000), *[Refuse(grpc.StatusCode.UNAVAILABLE)] * 2)
    for clock.step_s in (0, 3001, 3900):
        await partner.call(lambda c: c.payments.get(PAYMENT))
    assert bearers(server) == ["Bearer t1"] * 3
    assert len(server.called(ISSUE)) == 3


async def test_a_token_that_the_server_no_longer_takes_is_replaced_once(server, partner):
    stale = Refuse(grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)
    server.script(ISSUE, issued("t1"), issued("t2"), issued("t3"))
    server.script(GET, stale)
    await partner.call(lambda c: c.payments.get(PAYMENT))
    assert bearers(server) == ["Bearer t1", "Bearer t2"]
    server.script(GET, stale, stale)
    with pytest.raises(keelpay.UnauthenticatedError):
        await partner.call(lambda c: c.payments.get(PAYMENT))


async def test_every_try_for_a_token_signs_a_new_proof(server, partner):
    server.script(ISSUE, *[Refuse(grpc.StatusCode.UNAVAILABLE)] * 2, issued("t1"))
    await partner.call(lambda c: c.payments.get(PAYMENT))
    proofs = [call.request.assertion for call in server.called(ISSUE)]
    assert len(proofs) == len(set(proofs)) == 3


async def test_a_proof_that_is_not_believed_is_an_error_of_ours(server, partner):
    server.script(ISSUE, Refuse(grpc.StatusCode.UNAUTHENTICATED, Reason.CLIENT_ASSERTION_INVALID))
    with pytest.raises(keelpay.UnauthenticatedError) as caught:
        await partner.call(lambda c: c.payments.get(PAYMENT))
    assert caught.value.reason == Reason.CLIENT_ASSERTION_INVALID
    assert not server.called(GET)


async def test_a_fixed_token_is_never_exchanged(server, side):
    driver = Driver(side, server.address, credentials.payer("payer-token"))
    server.script(GET, Refuse(grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED))
    with pytest.raises(keelpay.UnauthenticatedError):
        await driver.call(lambda c: c.payments.get(PAYMENT))
    await driver.close()
    assert bearers(server) == ["Bearer payer-token"]
    assert not server.called(ISSUE)


async def test_nobody_sends_no_token(server, side):
    driver = Driver(side, server.address, credentials.anonymous())
    await driver.call(lambda c: c.partners.jwks())
    await driver.close()
    assert "authorization" not in server.calls[0].metadata


async def test_a_client_vouches_with_its_own_key_and_hands_a_token_on(server, side, partner):
    server.script(ISSUE, issued("t1"))
    payer = "partners/shop/payers/ann"
    answer = partner_request_pb2.IssuePayerTokenResponse(token=issued("enrol-token").token)
    server.script("PartnerService/IssuePayerToken", answer)
    word = partner.client.attest(payer, amr=["otp"])
    token = await partner.call(lambda c: c.tokens.enrol(payer, word))
    (ask,) = server.called("PartnerService/IssuePayerToken")
    assert ask.request.attestation.jws == word.jws
    person = Driver.__new__(Driver)
    person.side, person.client = side, partner.client.with_token(token)
    await person.call(lambda c: c.passkeys.start_registration(payer, display_name="phone"))
    await person.close()
    assert server.called("PasskeyService/StartRegistration")[0].metadata["authorization"] == "Bearer enrol-token"
    with pytest.raises(keelpay.ConfigurationError, match="key"):
        person.client.attest(payer, amr=["otp"])
