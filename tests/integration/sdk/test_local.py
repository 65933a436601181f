import contextlib
import sys
import types
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

import keelpay

PAYMENT = "merchants/cafe/payments/pay-1"


@dataclass
class Embedded:
    target: str
    partner: str = "partners/sandbox"
    key_id: str = "key-1"
    private_key: bytes = b""
    audience: str = "keelpay"
    merchant: str = "merchants/sandbox"


@pytest.fixture
def embedded(server, monkeypatch):
    """The seam with a server behind it: what keelpay_server.app offers."""
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    state = []

    @contextlib.asynccontextmanager
    async def local_server():
        state.append("started")
        try:
            yield Embedded(server.address, private_key=key)
        finally:
            state.append("stopped")

    app = types.ModuleType("keelpay_server.app")
    app.local_server = local_server
    monkeypatch.setitem(sys.modules, "keelpay_server.app", app)
    return state


async def test_the_asynchronous_client_runs_a_server_for_a_block(embedded, server):
    async with keelpay.AsyncClient.local() as client:
        await client.payments.list().first()
    assert embedded == ["started", "stopped"]
    assert server.called("PartnerService/IssueToken")
    assert server.called("PaymentService/ListPayments")[0].request.parent == "merchants/sandbox"


def test_the_blocking_client_runs_a_server_for_a_block(embedded, server):
    with keelpay.Client.local(defaults=keelpay.Defaults(merchant="merchants/mine")) as client:
        client.payments.list().first()
    assert embedded == ["started", "stopped"]
    assert server.called("PaymentService/ListPayments")[0].request.parent == "merchants/mine"


def test_the_server_stops_after_an_error_too(embedded):
    with pytest.raises(ZeroDivisionError), keelpay.Client.local():
        raise ZeroDivisionError
    assert embedded == ["started", "stopped"]


@pytest.mark.parametrize("package", ["keelpay_server", "keelpay_server.app"])
def test_a_missing_server_is_said_kindly(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "keelpay_server.app", None)
    with pytest.raises(keelpay.ConfigurationError, match="install keelpay-server"), keelpay.Client.local():
        pass
