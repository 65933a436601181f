"""The edge as `keelpay serve` starts it: where it listens, what it exposes, how it leaves."""

import asyncio
import signal
import socket

import pytest

from keelpay.signing_key import SigningPrivateKey
from keelpay_clients.key_file import read_key
from tests.e2e.cli.process import done, serving
from tests.infrastructure.http import ask, sent

BUSY = 5
MISUSED = 2
JSON = {"content-type": "application/json"}
API = "keelpay.api"


async def token_of(edge, path):
    """What a backend does that speaks plain HTTP: its key's assertion for a token."""
    held = read_key(path)
    key: SigningPrivateKey = held.key
    body = f'{{"assertion": "{key.client_assertion(held.audience)}"}}'.encode()
    answer = await ask(f"{edge}/{API}.auth.v1.PartnerService/IssueToken", body, headers=JSON)
    return {**JSON, "authorization": f"Bearer {answer.json()['token']['value']}"}


async def test_a_backend_needs_nothing_but_http(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        edge = told["edge"]
        headers = await token_of(edge, tmp_path / "sandbox-partner.pem")
        mine = await ask(
            f"{edge}/{API}.auth.v1.PartnerService/GetPartner", b'{"name": "partners/sandbox"}', headers=headers
        )
        assert (mine.status, mine.json()["partner"]["name"]) == (200, "partners/sandbox")
        assert mine.headers["x-keelpay-mode"] == "test"
        hidden = (
            "clearing.v1.LedgerService/PostAdjustment", "auth.v1.ApprovalService/ApproveProposal",
            "sandbox.v1.SandboxService/AdvanceClock", "rail.v1.RailService/Authorize",
            "clearing.v1.ReconciliationService/ImportStatement",
        )  # fmt: skip
        for method in hidden:
            answer = await ask(f"{edge}/{API}.{method}", b"{}", headers=headers)
            assert (answer.status, answer.json()["code"]) == (404, "unimplemented")
        page = await ask(edge + "/pay", method="GET")
        assert page.headers["content-type"].startswith("text/html")


async def test_settings_expose_more(tmp_path):
    (tmp_path / "keelpay.toml").write_text('[edge]\nlisten = "127.0.0.1:0"\nexpose_sandbox = true\n')
    async with serving(tmp_path, "--config", tmp_path / "keelpay.toml") as server:
        edge = (await server.until("listening"))["edge"]
        headers = await token_of(edge, tmp_path / "sandbox-partner.pem")
        clock = await ask(f"{edge}/{API}.sandbox.v1.SandboxService/GetClock", b"{}", headers=headers)
        assert clock.status == 200


async def test_a_server_may_do_without(tmp_path):
    async with serving(tmp_path, "--no-edge") as server:
        assert "edge" not in await server.until("listening")
    code, _, _ = await done("serve", "--data", tmp_path, "--no-edge", "--edge", "127.0.0.1:0")
    assert code == MISUSED


async def test_a_taken_port_is_told_in_a_sentence(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        code, _, words = await done("serve", "--data", tmp_path, "--listen", "127.0.0.1:0", "--edge", address)
    assert (code, words.splitlines()[1]) == (BUSY, f"keelpay: cannot listen on {address}")
    assert "--edge" in words


async def test_beyond_this_machine_it_is_not_in_the_clear(tmp_path):
    code, _, words = await done("serve", "--data", tmp_path, "--listen", "127.0.0.1:0", "--edge", "0.0.0.0:0")
    assert (code, "edge.tls" in words, "Traceback" in words) == (3, True, False)


@pytest.mark.parametrize("wire", ["connect+json", "grpc-web"])
async def test_a_leaving_server_takes_its_streams_along_in_words(tmp_path, wire):
    async with serving(tmp_path) as server:
        edge = (await server.until("listening"))["edge"]
        headers = await token_of(edge, tmp_path / "sandbox-partner.pem")
        body = b"\0\0\0\0\x02{}" if wire == "connect+json" else b"\0\0\0\0\0"
        address = f"{edge}/{API}.event.v1.EventService/StreamEvents"
        async with sent(address, body, headers={**headers, "content-type": f"application/{wire}"}) as stream:
            pieces = aiter(stream.pieces())
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            told = await waiting + b"".join([piece async for piece in pieces])
        assert stream.status == 200
        assert b"DRAINING" in told or b"unavailable" in told or b"grpc-status: 14" in told
        await server.until("stopped")
        assert await server.end() == 0
