"""Laws of the start: contract, policy and servicers agree, or there is no server."""

import asyncio
import datetime as dt
import urllib.request

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import CollectorRegistry

from keelpay_server.rpc.access_log import AccessLog
from keelpay_server.rpc.contract import StartRefusedError
from keelpay_server.rpc.listeners import ClientCertificate, Listener, Tls
from keelpay_server.rpc.metrics import expose
from keelpay_server.rpc.server import RpcServer
from keelpay_server.rpc.server_settings import ServerSettings
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.rpc.conftest import LOCAL, authenticate, serving
from tests.integration.rpc.echo import ECHO, LAWLESS, EchoRequest, EchoResponse, EchoServicer


@pytest.fixture
def log():
    access_log = AccessLog([].append)
    yield access_log
    access_log.close()


def build(log, servicers, services=(ECHO,), **options):
    settings = ServerSettings(mode="test", listeners=options.pop("listeners", (LOCAL,)))
    return RpcServer(settings, servicers, authenticate, log, services=services, **options)


async def test_a_service_without_servicer_stops_the_start(log):
    with pytest.raises(StartRefusedError, match=r"keelpay.test.v1.EchoService has no servicer"):
        build(log, {})


async def test_a_service_left_out_on_purpose_does_not(log):
    build(log, {}, not_served=(ECHO.full_name,))


async def test_a_servicer_without_service_stops_the_start(log):
    with pytest.raises(StartRefusedError, match=r"keelpay.Ghost is not in the contract"):
        build(log, {ECHO.full_name: EchoServicer(), "keelpay.Ghost": EchoServicer()})


async def test_an_rpc_without_policy_stops_the_start_even_when_not_served(log):
    with pytest.raises(StartRefusedError, match=r"/keelpay.test.v1.LawlessService/Roam has no policy"):
        build(log, {ECHO.full_name: EchoServicer()}, (ECHO, LAWLESS), not_served=(LAWLESS.full_name,))


async def test_an_rpc_that_nobody_wrote_stops_the_start_and_is_named(log):
    class Half:
        Echo = EchoServicer.Echo

    with pytest.raises(StartRefusedError, match=r"EchoService/Look is not implemented") as caught:
        build(log, {ECHO.full_name: Half()})
    assert "EchoService/Watch is not implemented" in str(caught.value)
    assert "EchoService/Echo " not in str(caught.value)


async def test_an_address_that_cannot_be_bound_stops_the_start(log):
    with pytest.raises(StartRefusedError, match=r"cannot listen on 192\.0\.2\.1:1"):
        build(log, {ECHO.full_name: EchoServicer()}, listeners=(Listener(address="192.0.2.1:1"),))


async def test_reflection_names_the_served_services(bench):
    stub = reflection_pb2_grpc.ServerReflectionStub(bench.channel)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = {service.name for service in (await call.read()).list_services_response.service}
    assert {ECHO.full_name, "grpc.health.v1.Health"} <= names


async def test_a_unix_socket_serves_and_only_the_edges_word_about_addresses_counts(tmp_path):
    address = f"unix:{tmp_path}/keelpay.sock"
    forwarded, key = ("x-forwarded-for", "198.51.100.7"), ("x-keelpay-edge", "key")
    async with serving(listeners=(LOCAL, Listener(address=address)), edge_key="key") as bench:
        credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
        async with grpc.aio.secure_channel(address, credentials) as channel:
            for claimed in ((forwarded, key), (forwarded, ("x-keelpay-edge", "guess")), (forwarded,)):
                metadata = bench.headers(metadata=claimed)
                await channel.unary_unary(f"/{ECHO.full_name}/Echo")(b"", metadata=metadata)
        await bench.call("Echo", metadata=(forwarded, key))
        assert [call.address for call in bench.servicer.calls] == ["198.51.100.7", "unix", "unix", "127.0.0.1"]


def page(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


async def test_metrics_are_served_on_loopback(bench):
    await bench.call("Echo")
    registry = CollectorRegistry()
    registry.register(bench.server.metrics)
    port, close = expose(registry, 0)
    text = await asyncio.to_thread(page, f"http://127.0.0.1:{port}/metrics")
    close()
    assert 'grpc_server_call_started_total{grpc_method="keelpay.test.v1.EchoService/Echo"} 1.0' in text
    assert 'grpc_server_call_duration_seconds_bucket{grpc_method="keelpay.test.v1.EchoService/Echo"' in text


# --- TLS ---


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder):
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        own = self._build(self._name, self._key.public_key()).add_extension(x509.BasicConstraints(True, None), True)
        self.roots = own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (folder / "roots.pem").write_bytes(self.roots)

    def _build(self, subject, public_key):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    def issue(self, name):
        """Writes <name>.pem and <name>.key for localhost; returns both as bytes."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        certificate = (
            self._build(subject, key.public_key()).add_extension(names, False).sign(self._key, hashes.SHA256())
        )
        chain = certificate.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{name}.pem").write_bytes(chain)
        (self.folder / f"{name}.key").write_bytes(secret)
        return chain, secret


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def tls(authority, **options):
    authority.issue("server")
    folder = authority.folder
    identity = Tls(
        certificate_chain=folder / "server.pem",
        private_key=folder / "server.key",
        client_roots=folder / "roots.pem",
        **options,
    )
    return Listener(address="localhost:0", tls=identity)


async def echo_over(target, credentials, metadata=(), options=()):
    async with grpc.aio.secure_channel(target, credentials, options=options) as channel:
        call = channel.unary_unary(
            f"/{ECHO.full_name}/Echo",
            request_serializer=EchoRequest.SerializeToString,
            response_deserializer=EchoResponse.FromString,
        )
        return (await call(EchoRequest(text="hi"), metadata=metadata, timeout=PATIENCE_S)).text


async def test_tls_serves_and_plaintext_does_not(authority):
    async with serving(listeners=(LOCAL, tls(authority))) as bench:
        target = f"localhost:{bench.server.ports[1]}"
        assert await echo_over(target, grpc.ssl_channel_credentials(authority.roots), bench.headers()) == "hi"
        async with grpc.aio.insecure_channel(target) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary(f"/{ECHO.full_name}/Echo")(b"", metadata=bench.headers(), timeout=PATIENCE_S)


async def test_mutual_tls_needs_a_certificate_and_hands_it_to_authentication(authority):
    async with serving(listeners=(LOCAL, tls(authority, client_certificate=ClientCertificate.REQUIRED))) as bench:
        target = f"localhost:{bench.server.ports[1]}"
        chain, key = authority.issue("partner")
        with_certificate = grpc.ssl_channel_credentials(authority.roots, key, chain)
        assert await echo_over(target, with_certificate) == "hi"
        assert bench.servicer.calls[0].caller.subject == "acme"
        with pytest.raises(grpc.aio.AioRpcError):
            await echo_over(target, grpc.ssl_channel_credentials(authority.roots), bench.headers())


async def test_a_renewed_certificate_serves_without_a_restart(authority, tmp_path):
    async with serving(listeners=(LOCAL, tls(authority))) as bench:
        target = f"localhost:{bench.server.ports[1]}"
        await echo_over(target, grpc.ssl_channel_credentials(authority.roots), bench.headers())
        (tmp_path / "new").mkdir()
        renewed = Authority(tmp_path / "new")
        renewed.issue("server")
        for name in ("server.pem", "server.key"):
            (tmp_path / "new" / name).replace(tmp_path / name)
        fresh = [("grpc.use_local_subchannel_pool", 1)]
        assert await echo_over(target, grpc.ssl_channel_credentials(renewed.roots), bench.headers(), fresh) == "hi"


def test_required_client_certificates_need_authorities(authority):
    authority.issue("server")
    folder = authority.folder
    identity = Tls(
        certificate_chain=folder / "server.pem",
        private_key=folder / "server.key",
        client_certificate=ClientCertificate.REQUIRED,
    )
    with pytest.raises(ValueError, match="client_roots"):
        Listener(address="localhost:0", tls=identity).credentials()
