"""Laws of the edge under TLS: its own certificate, renewed without a restart."""

import asyncio
import ssl

import pytest

from keelpay_server.edge import server as edge_server
from keelpay_server.edge.settings import EdgeTls
from tests.e2e.certificates import Authority
from tests.integration.edge.conftest import open_edge, read_all


async def connected(edge, context):
    host, port = edge.url.rpartition("//")[2].split(":")
    return await asyncio.open_connection(host, int(port), ssl=context)


async def answered(edge, roots):
    """The answer to a request for the page, and the certificate it came under."""
    reader, writer = await connected(edge, ssl.create_default_context(cadata=roots.decode()))
    writer.write(b"GET /pay HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return answer, certificate


async def test_a_renewed_certificate_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(edge_server, "_RENEWAL_S", 0.05)
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key)) as edge:
        answer, first = await answered(edge, authority.roots)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"strict-transport-security: max-age=" in answer
        authority.server(tmp_path)
        for _ in range(100):
            _, now = await answered(edge, authority.roots)
            if now != first:
                return
            await asyncio.sleep(0.05)
        pytest.fail("it still shows the first certificate")


async def test_a_handshake_that_does_not_come_is_not_waited_for(tmp_path):
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key), header_s=0.3) as edge:
        reader, writer = await connected(edge, None)
        assert await asyncio.wait_for(read_all(reader), 5) == b""
        writer.close()


async def test_old_versions_of_tls_are_not_spoken(tmp_path):
    authority = Authority()
    chain, key, _ = authority.server(tmp_path)
    async with open_edge(tls=EdgeTls(certificate=chain, key=key)) as edge:
        old = ssl.create_default_context(cadata=authority.roots.decode())
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            await connected(edge, old)
