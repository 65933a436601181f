"""Mutual TLS: a certificate of a client's own key is as good as its signature, and nothing else is."""

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from keelpay import AsyncClient, Defaults, KeelpayError, credentials
from keelpay.api.auth.v1 import partner_request_pb2
from keelpay.signing_key import SigningPrivateKey
from keelpay_server.app import open_server
from keelpay_server.app.admission import admit
from keelpay_server.config import Settings, TlsSettings
from tests.e2e.certificates import Authority, pem_of
from tests.e2e.installation import QUICK, open_installation
from tests.e2e.wire import SERVED, call

ISSUE = SERVED["/keelpay.api.auth.v1.PartnerService/IssueToken"]
ACME, RIVAL = "partners/acme", "partners/rival"


class House:
    """A server that asks every client for a certificate, and two partners with keys."""

    def __init__(self, server, authority, keys):
        self.server, self.authority, self.keys, self.clients = server, authority, keys, []

    def caller(self, key, *, authority=None, identity=None):
        """Credentials of whoever holds a key, with a certificate of it."""
        shown = credentials.mutual_tls(
            certificate_chain=(authority or self.authority).client(key), private_key=pem_of(key),
            roots=self.authority.roots,
        )  # fmt: skip
        if identity is None:
            return shown
        held = credentials.signed(identity, audience=self.server.settings.name)
        return held.with_tls(
            roots=shown.roots, certificate_chain=shown.certificate_chain, private_key=shown.private_key
        )

    def client(self, caller, partner=ACME):
        """A client, closed at the end."""
        made = AsyncClient(self.server.address, credentials=caller, defaults=Defaults(partner=partner))
        self.clients.append(made)
        return made

    async def register(self, name, key):
        """Adds a public key to a partner's, as the partner does: with a signature, and any certificate."""
        by_signature = self.client(self.caller(ec.generate_private_key(ec.SECP256R1()), identity=self.keys[name]), name)
        new = SigningPrivateKey.from_pem(pem_of(key), holder=name)
        made = await by_signature.partners.create_signing_key(new)
        return by_signature, made


@pytest.fixture
async def house(tmp_path):
    authority = Authority()
    certificate, key, roots = authority.server(tmp_path)
    tls = TlsSettings(certificate=certificate, key=key, client_roots=roots)
    settings = Settings(data=str(tmp_path), listen="127.0.0.1:0", tls=tls)
    async with open_server(settings, environment={}, log=lambda _lines: None, limits=QUICK) as server:
        keys = {}
        for name in (ACME, RIVAL):
            admitted = await admit(server.engine, name, name)
            keys[name] = SigningPrivateKey.from_pem(admitted.private_key, holder=name, key_id=admitted.key_id)
        made = House(server, authority, keys)
        yield made
        for client in made.clients:
            await client.close()


@pytest.fixture
def key():
    return ec.generate_private_key(ec.SECP256R1())


async def refused(client):
    with pytest.raises(KeelpayError) as caught:
        await client.partners.get()
    return caught.value.reason


async def test_a_certificate_of_a_registered_key_gets_a_token_for_its_client_alone(house, key):
    await house.register(ACME, key)
    client = house.client(house.caller(key))
    assert (await client.partners.get()).name == ACME
    with pytest.raises(KeelpayError) as caught:
        await client.partners.get(RIVAL)
    assert caught.value.reason == "RESOURCE_NOT_FOUND"


async def test_a_certificate_whose_key_nobody_registered_is_nobody_whatever_its_name(house, key):
    assert await refused(house.client(house.caller(key))) == "CLIENT_ASSERTION_INVALID"


async def test_a_revoked_key_ends_its_certificate_and_its_tokens(house, key):
    by_signature, registered = await house.register(ACME, key)
    client = house.client(house.caller(key))
    assert (await client.partners.get()).name == ACME
    await by_signature.partners.revoke_signing_key(registered)
    assert await refused(client) in {"TOKEN_INVALID", "CLIENT_ASSERTION_INVALID"}
    assert await refused(house.client(house.caller(key))) == "CLIENT_ASSERTION_INVALID"


async def test_a_key_that_two_clients_claim_proves_neither(house, key):
    await house.register(ACME, key)
    await house.register(RIVAL, key)
    assert await refused(house.client(house.caller(key))) == "CLIENT_ASSERTION_INVALID"


async def test_a_certificate_of_another_authority_does_not_even_connect(house, key):
    await house.register(ACME, key)
    channel_credentials = house.caller(key, authority=Authority("another")).channel_credentials(house.server.address)
    async with grpc.aio.secure_channel(house.server.address, channel_credentials) as channel:
        stub = channel.unary_unary(ISSUE.name)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub(b"", timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_alone_is_no_token(house, key):
    await house.register(ACME, key)
    client = house.client(house.caller(key))
    method = SERVED["/keelpay.api.auth.v1.PartnerService/GetPartner"]
    answer = await call(client._connection.channel, method, method.request(name=ACME))
    assert answer.reason == "TOKEN_MISSING"


@pytest.mark.parametrize(
    "header", ["x-forwarded-client-cert", "x-ssl-client-cert", "ssl-client-cert", "x509-pem-cert", "peer-certificate"]
)
async def test_what_a_proxy_says_of_a_certificate_is_not_looked_at(house, key, header):
    await house.register(ACME, key)
    stranger = house.client(house.caller(ec.generate_private_key(ec.SECP256R1())))
    claimed = house.authority.client(key).decode().replace("\n", "%0A")
    request = partner_request_pb2.IssueTokenRequest()
    answer = await call(stranger._connection.channel, ISSUE, request, ((header, claimed),))
    assert answer.reason == "CLIENT_ASSERTION_INVALID"


async def test_without_tls_there_is_no_certificate_to_trust(installation_of_its_own):
    channel = installation_of_its_own.acme._connection.channel
    answer = await call(channel, ISSUE, partner_request_pb2.IssueTokenRequest())
    assert answer.reason == "CLIENT_ASSERTION_INVALID"


@pytest.fixture
async def installation_of_its_own(tmp_path):
    async with open_installation(tmp_path) as made:
        yield made
