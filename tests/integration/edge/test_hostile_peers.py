"""Laws against whoever speaks HTTP to harm (A4): what one peer does costs the others nothing, and has an end."""

import asyncio
import logging

import pytest

from tests.infrastructure.http import sent
from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.edge.conftest import connected, open_edge, read_all, request_of
from tests.integration.rpc.echo import EchoRequest, EchoResponse, EchoServicer

NONE = b"GET /none HTTP/1.1\r\nhost: x\r\n\r\n"
PEERS = ("203.0.113.1", "203.0.113.2", "203.0.113.3")


def raw(edge, method="Echo", wire="json", more="", body=b"{}", length=None):
    """A request as bytes; `length` is what it says of its body."""
    head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers(wire).items())
    size = "" if length is None else f"content-length: {length}\r\n"
    path = edge.path(method).removeprefix(edge.url)
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{head}{more}{size}\r\n".encode() + body


# --- two readings of one connection ---


@pytest.mark.parametrize("smuggled", [b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"])
async def test_a_request_with_two_lengths_is_refused_and_nothing_behind_it_is_read(edge, smuggled):
    reader, writer = await connected(edge)
    writer.write(raw(edge, more="transfer-encoding: chunked\r\n", body=smuggled + raw(edge, length=2), length=4))
    answer = await read_all(reader)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"connection: close") == 1
    assert edge.bench.servicer.seen == []


async def test_who_does_not_wait_for_an_answer_gets_the_first_alone_and_the_end(edge):
    reader, writer = await connected(edge)
    slow = request_of("json", EchoRequest(text="n", delay_ms=100))
    writer.write(raw(edge, body=slow, length=len(slow)) + NONE * 5_000)
    await asyncio.sleep(0.05)
    writer.write(NONE)
    answer = await read_all(reader)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_what_is_no_http_is_answered_as_guarded_as_everything(edge):
    reader, writer = await connected(edge)
    writer.write(b"POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")
    answer = await read_all(reader)
    assert answer.startswith(b"HTTP/1.1 400")
    for header in (b"cache-control: no-store", b"x-content-type-options: nosniff", b"default-src 'none'"):
        assert header in answer


async def test_a_body_that_breaks_after_its_answer_is_nobodys_crash(edge, caplog):
    with caplog.at_level(logging.ERROR):
        reader, writer = await connected(edge)
        writer.write(b"POST /none HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 404"), PATIENCE_S)
        writer.write(b"no chunk\r\n")
        await read_all(reader)
        writer.close()
        await until(lambda: not edge.open_sockets)
    assert caplog.messages == []


# --- who leaves, and who stays without reading ---


@pytest.mark.parametrize("more", [b"G", NONE, NONE * 3_000], ids=["a byte", "a request", "many"])
async def test_who_leaves_after_saying_more_takes_the_stream_along(edge, more):
    body = request_of("connect+json", EchoRequest(text="n", act="stay"))
    reader, writer = await connected(edge)
    writer.write(raw(edge, "Watch", "connect+json", body=body, length=len(body)))
    await asyncio.wait_for(reader.readuntil(b"n2"), PATIENCE_S)
    writer.write(more)
    await writer.drain()
    writer.transport.abort()
    await until(lambda: not edge.bench.server.load.watches)
    assert [line["code"] for line in await edge.logged() if "code" in line] == ["CANCELLED"]


async def test_a_connection_whose_answers_are_not_read_is_closed(monkeypatch):
    async def pour(_self, request, _context):
        while True:
            yield EchoResponse(text=request.text)

    monkeypatch.setattr(EchoServicer, "Watch", pour)
    async with open_edge(write_s=0.3) as edge:
        body = request_of("connect+proto", EchoRequest(text="x" * 200_000))
        reader, writer = await connected(edge)
        writer.write(raw(edge, "Watch", "connect+proto", body=body, length=len(body)))
        await reader.readuntil(b"200 OK")
        writer.transport.pause_reading()
        await until(lambda: not edge.open_sockets)
        await until(lambda: not edge.bench.server.load.watches)


# --- who takes the room of others ---


async def test_bodies_that_one_address_drips_leave_room_for_everybody_else():
    limits = {"bodies_bytes_max": 8_000, "bodies_bytes_per_address_max": 3_000}
    async with open_edge(trusted_proxies=("127.0.0.1",), **limits) as edge:
        for _ in range(8):
            _, writer = await connected(edge)
            writer.write(raw(edge, more=f"x-forwarded-for: {PEERS[0]}\r\n", body=b"{", length=1_000))

        async def has_no_room():
            theirs = await edge.call("json", "Echo", EchoRequest(text="n"), headers={"x-forwarded-for": PEERS[0]})
            return theirs.reason == "RATE_LIMITED"

        await until(has_no_room)
        for peer in PEERS[1:]:
            told = await edge.call("json", "Echo", EchoRequest(text="n" * 2_000), headers={"x-forwarded-for": peer})
            assert told.code == 0


async def test_all_addresses_of_one_network_share_its_places():
    async with open_edge(trusted_proxies=("127.0.0.1",), streams_per_address_max=1) as edge:
        body = request_of("connect+json", EchoRequest(act="stay"))
        homes = [{"x-forwarded-for": f"2001:db8::{last}:0:0:1"} for last in range(1, 3)]
        async with sent(edge.path("Watch"), body, headers=edge.headers("connect+json", more=homes[0])) as first:
            await anext(aiter(first.pieces()))
            assert (await edge.call("connect+json", "Watch", headers=homes[1])).reason == "RATE_LIMITED"
            other = {"x-forwarded-for": "2001:db8:0:1::1"}
            assert (await edge.call("connect+json", "Watch", headers=other)).code == 0
