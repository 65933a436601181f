"""Laws of how much and how slowly: calls, streams, connections and bytes of one address and of all."""

import asyncio
import gzip
import socket

import pytest

from keelpay_server.edge.connection import Connection
from tests.infrastructure.http import ask, sent
from tests.infrastructure.waiting import until
from tests.integration.edge.conftest import WIRES, connected, open_edge, read_all, request_of
from tests.integration.rpc.echo import EchoRequest, EchoResponse, EchoServicer

JSON = {"content-type": "application/json"}


# --- how much ---


@pytest.mark.parametrize("wire", WIRES)
async def test_an_address_that_asks_too_often_is_told_when_to_come_again(wire):
    method = "Watch" if wire.startswith("connect+") else "Echo"
    async with open_edge(requests_per_minute=3) as edge:
        told = [await edge.call(wire, method) for _ in range(5)]
        assert [answer.reason for answer in told] == ["", "", "", "RATE_LIMITED", "RATE_LIMITED"]
        assert told[-1].code == 8
        assert 0 < told[-1].wait_s <= 60
        assert told[-1].metadata["x-keelpay-mode"] == "test"
        lines = [line for line in await edge.logged() if line.get("reason") == "RATE_LIMITED"]
        assert len(lines) == 2, "what the edge refuses is written down as well"


async def test_a_big_request_counts_as_several():
    async with open_edge(requests_per_minute=20) as edge:
        big = request_of("json", EchoRequest(text="x" * 100_000))
        assert (await edge.call("json", "Echo", body=big)).reason == ""
        packed = await edge.call("json", "Echo", body=gzip.compress(big), headers={"content-encoding": "gzip"})
        assert packed.reason == "RATE_LIMITED", "what counts is what has to be read"


async def test_bodies_on_their_way_have_a_limit():
    async with open_edge(bodies_bytes_max=1_000) as edge:
        reader, writer = await connected(edge)
        head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers("json").items())
        writer.write(f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1\r\nhost: x\r\n{head}".encode())
        writer.write(b"content-length: 900\r\n\r\n{")

        async def has_no_room():
            return (await edge.call("json", "Echo", EchoRequest(text="x" * 200))).reason == "OVERLOADED"

        await until(has_no_room)
        writer.write(b"}" + b" " * 898)
        await reader.readuntil(b"200 OK")
        assert (await edge.call("json", "Echo", EchoRequest(text="x" * 200))).code == 0


async def test_whatever_is_asked_counts():
    async with open_edge(requests_per_minute=3) as edge:
        asked = [("PUT", "/pay"), ("OPTIONS", "/x"), ("GET", "/none"), ("POST", "/none")]
        assert [(await ask(edge.url + path, method=verb)).status for verb, path in asked][-1] == 429


async def test_pages_count_too():
    async with open_edge(requests_per_minute=2) as edge:
        statuses = [(await ask(edge.url + "/pay", method="GET")).status for _ in range(3)]
        assert statuses == [200, 200, 429]


async def test_behind_a_proxy_each_address_counts_for_itself():
    async with open_edge(requests_per_minute=1, trusted_proxies=("127.0.0.1",)) as edge:
        for last in range(3):
            assert (await edge.call("json", "Echo", headers={"x-forwarded-for": f"203.0.113.{last}"})).code == 0
        told = await edge.call("json", "Echo", headers={"x-forwarded-for": "203.0.113.0"})
        assert told.reason == "RATE_LIMITED"
        networks = [f"2001:db8:1:2:{last}::1" for last in range(2)]
        reasons = [(await edge.call("json", "Echo", headers={"x-forwarded-for": one})).reason for one in networks]
        assert reasons == ["", "RATE_LIMITED"], "one party has a whole network of 64 bits"


@pytest.mark.parametrize("limit", [{"streams_per_address_max": 2}, {"streams_max": 2}])
async def test_streams_have_a_limit_and_give_their_places_back(limit):
    reason = "OVERLOADED" if "streams_max" in limit else "RATE_LIMITED"
    async with open_edge(**limit) as edge:
        body = request_of("connect+json", EchoRequest(act="stay"))
        opened = sent(edge.path("Watch"), body, headers=edge.headers("connect+json"))
        async with opened as first, sent(edge.path("Watch"), body, headers=edge.headers("connect+json")) as second:
            await anext(aiter(first.pieces()))
            await anext(aiter(second.pieces()))
            assert (await edge.call("connect+json", "Watch")).reason == reason
            assert (await edge.call("json", "Echo")).code == 0
        await until(lambda: not edge.bench.server.load.watches)
        assert (await edge.call("connect+json", "Watch")).code == 0


async def test_calls_of_one_address_have_a_limit():
    async with open_edge(calls_per_address_max=2) as edge:
        slow = [asyncio.create_task(edge.call("json", "Echo", EchoRequest(act="hold"))) for _ in range(2)]
        await until(lambda: edge.bench.server.load.calls == 2)
        assert (await edge.call("json", "Echo")).reason == "RATE_LIMITED"
        edge.bench.servicer.go.set()
        assert [told.code for told in await asyncio.gather(*slow)] == [0, 0]


async def test_connections_of_one_address_have_a_limit():
    async with open_edge(connections_per_address_max=3) as edge:
        for _ in range(3):
            await connected(edge)
        reader, _ = await connected(edge)
        assert await read_all(reader) == b""
        edge.let_go()
        await until(lambda: not edge.open_sockets)
        assert (await edge.call("json", "Echo")).code == 0


# --- how slowly ---


@pytest.mark.parametrize("first", [b"", b"POST / HTTP/1.1\r\n", b"\r\n", b"POST / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_connection_without_whole_headers_is_closed(first):
    async with open_edge(header_s=0.3, idle_s=1) as edge:
        reader, writer = await connected(edge)
        writer.write(first)

        async def drip():
            while True:
                await asyncio.sleep(0.1)
                writer.write(b"x")

        dripping = asyncio.create_task(drip()) if first else None
        try:
            await read_all(reader)  # to its end, which comes although the drops never do
        finally:
            if dripping:
                dripping.cancel()


async def test_a_second_request_dripping_in_is_closed_too():
    async with open_edge(header_s=0.3) as edge:
        reader, writer = await connected(edge)
        writer.write(b"GET /none HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET /no")
        assert await read_all(reader) == b""


async def test_a_body_that_does_not_come_is_not_waited_for():
    async with open_edge(body_s=0.3) as edge:
        reader, writer = await connected(edge)
        head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers("json").items())
        writer.write(f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1\r\nhost: x\r\n{head}".encode())
        writer.write(b"content-length: 100\r\n\r\n{")
        answer = await read_all(reader)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"MESSAGE_MALFORMED" in answer
        assert b"connection: close" in answer
        assert edge.bench.server.load.calls == 0


async def test_a_reader_that_does_not_read_loses_its_stream(monkeypatch):
    async def pour(_self, request, _context):
        while True:
            yield EchoResponse(text=request.text)

    monkeypatch.setattr(EchoServicer, "Watch", pour)
    async with open_edge(write_s=0.3) as edge:
        body = request_of("connect+proto", EchoRequest(text="x" * 200_000))
        async with sent(edge.path("Watch"), body, headers=edge.headers("connect+proto")) as stream:
            await anext(aiter(stream.pieces()))
            await until(lambda: not edge.bench.server.load.watches)


async def test_who_vanished_without_a_word_is_noticed_by_the_system(edge, monkeypatch):
    options = []
    made = Connection.connection_made

    def looked_at(self, transport):
        made(self, transport)
        accepted = transport.get_extra_info("socket")
        names = (socket.TCP_KEEPIDLE, socket.TCP_USER_TIMEOUT)
        options.append(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        options.extend(accepted.getsockopt(socket.IPPROTO_TCP, name) for name in names)

    monkeypatch.setattr(Connection, "connection_made", looked_at)
    await edge.call("json", "Echo")
    assert options == [1, 60, 30_000]


async def test_headers_have_a_limit(edge):
    long = "x" * 20_000
    for address, more in ((edge.path("Echo"), {"x-long": long}), (f"{edge.path('Echo')}?{long}", {})):
        answer = await ask(address, b"{}", headers={**JSON, **more})
        assert answer.status in {400, 431}
    assert (await ask(f"{edge.url}/pay?{long}", method="GET")).status in {400, 431}
    assert edge.bench.servicer.seen == []


async def test_an_endless_body_is_cut(edge):
    reader, writer = await connected(edge)
    head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers("proto").items())
    writer.write(f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1\r\nhost: x\r\n{head}".encode())
    writer.write(b"transfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"\0" * 65_536 + b"\r\n"

    async def pour():
        for _ in range(1_000):
            writer.write(chunk)
            await writer.drain()

    pouring = asyncio.create_task(pour())
    try:
        answer = await read_all(reader)
    finally:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
    assert answer == b"" or b"MESSAGE_MALFORMED" in answer
    assert edge.bench.servicer.seen == []


async def test_an_answer_does_not_wait_for_acknowledgements(edge):
    reader, writer = await connected(edge)
    head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers("proto").items())
    request = f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1\r\nhost: x\r\n{head}content-length: 0\r\n\r\n"
    took_s = []
    for _ in range(30):
        began = asyncio.get_running_loop().time()
        writer.write(request.encode())
        answered = await reader.readuntil(b"\r\n\r\n")
        length = int(answered.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took_s.append(asyncio.get_running_loop().time() - began)
    # The first ones are acknowledged at once by any kernel; a busy machine makes some slow, Nagle's algorithm all.
    assert min(took_s[20:]) < 0.035, "Nagle's delay is 40 ms"
