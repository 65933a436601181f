"""Laws of the edge under TLS: its own certificate, renewed without a restart."""

import ssl
from pathlib import Path

import pytest

from keelpay_server.edge import server as edge_server
from keelpay_server.edge.settings import EdgeTls
from tests.e2e.certificates import Authority
from tests.infrastructure.waiting import until
from tests.integration.edge.conftest import connected, open_edge, read_all


async def answered(edge, roots):
    """The answer to a request for the page, and the certificate it came under."""
    reader, writer = await connected(edge, tls=ssl.create_default_context(cadata=roots.decode()))
    writer.write(b"GET /pay HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await read_all(reader)
    return answer, writer.get_extra_info("ssl_object").getpeercert(binary_form=True)


async def test_a_renewed_certificate_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(edge_server, "_RENEWAL_S", 0.05)
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key)) as edge:
        answer, first = await answered(edge, authority.roots)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"strict-transport-security: max-age=" in answer
        authority.server(tmp_path)

        async def renewed():
            _, now = await answered(edge, authority.roots)
            return now != first

        await until(renewed)


async def test_a_handshake_that_does_not_come_is_not_waited_for(tmp_path):
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key), header_s=0.3) as edge:
        reader, _ = await connected(edge)
        assert await read_all(reader) == b""


async def test_old_versions_of_tls_are_not_spoken(tmp_path):
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key)) as edge:
        old = ssl.create_default_context(cadata=authority.roots.decode())
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            await connected(edge, tls=old)


async def test_half_a_renewal_changes_nothing_until_the_other_half_has_come(tmp_path, monkeypatch):
    monkeypatch.setattr(edge_server, "_RENEWAL_S", 0.01)
    looked = []
    load = edge_server._load
    monkeypatch.setattr(edge_server, "_load", lambda *given: looked.append(given) or load(*given))
    authority = Authority()
    chain, key, _ = map(Path, authority.server(tmp_path))
    async with open_edge(tls=EdgeTls(certificate=str(chain), key=str(key))) as edge:
        _, first = await answered(edge, authority.roots)
        old_key = key.read_bytes()
        (tmp_path / "next").mkdir()
        next_chain, next_key, _ = map(Path, authority.server(tmp_path / "next"))
        chain.write_bytes(next_chain.read_bytes())
        looked.clear()
        await until(lambda: len(looked) >= 2)
        assert key.read_bytes() == old_key
        assert (await answered(edge, authority.roots))[1] == first
        key.write_bytes(next_key.read_bytes())

        async def renewed():
            return (await answered(edge, authority.roots))[1] != first

        await until(renewed)
