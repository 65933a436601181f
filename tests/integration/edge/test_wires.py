"""Laws of the wires: the same call, asked and answered in six ways."""

import asyncio
import gzip
import json

import grpc
import pytest
import pytest_asyncio

from tests.infrastructure.http import ask, sent
from tests.infrastructure.waiting import until
from tests.integration.edge.conftest import STREAMS, UNARY, WIRES, connected, frame, open_edge, read_all, request_of
from tests.integration.rpc.echo import ECHO, SECRET_TEXT, EchoRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE = '汉字 % \U0001f600 " \\ </script>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared():
    async with open_edge() as running:
        yield running


@pytest.fixture
def edge(shared):
    """One edge for all tests of this file that neither stop it nor read its log."""
    for noted in (shared.bench.servicer.seen, shared.bench.servicer.commits, shared.bench.servicer.calls):
        noted.clear()
    return shared


@pytest_asyncio.fixture(loop_scope="module")
async def own_edge():
    async with open_edge() as running:
        yield running


@pytest.mark.parametrize("wire", UNARY)
async def test_a_unary_call_is_answered_on_every_wire(edge, wire):
    told = await edge.call(wire, "Echo", EchoRequest(text=HOSTILE), headers={"x-request-id": "page-4711"})
    assert (told.texts, told.code) == ([HOSTILE], 0)
    assert (told.metadata["x-request-id"], told.metadata["x-keelpay-mode"]) == ("page-4711", "test")
    assert told.http.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("wire", STREAMS)
async def test_a_stream_is_answered_in_order_on_every_wire(edge, wire):
    told = await edge.call(wire, "Watch", EchoRequest(text="n"))
    assert (told.texts, told.code) == (["n0", "n1", "n2"], 0)
    assert told.metadata["x-keelpay-mode"] == told.http.headers["x-keelpay-mode"] == "test"


REFUSALS = {
    "no token": ({"token": ""}, EchoRequest()),
    "expired token": ({"token": "expired"}, EchoRequest()),
    "unknown token": ({"token": "nobody"}, EchoRequest()),
    "token that is no text": ({"token": "\x80\xff"}, EchoRequest()),
    "missing scope": ({"token": "reader"}, EchoRequest()),
    "bound broken": ({}, EchoRequest(act="x" * 65)),
    "servicer refuses": ({}, EchoRequest(act="refuse")),
    "stranger": ({}, EchoRequest(act="stranger", text="payments/1")),
    "nothing there": ({}, EchoRequest(act="nothing")),
    "storage lost": ({}, EchoRequest(act="lost")),
    "crash": ({}, EchoRequest(act="crash")),
    "plain status": ({}, EchoRequest(act="abort")),
}


@pytest.mark.parametrize("wire", UNARY)
@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_is_the_same_as_over_grpc(edge, wire, case):
    options, message = REFUSALS[case]
    token = options.get("token", "acme")
    spoken = token if token.isascii() else "nobody"
    direct = await edge.bench.refused("Echo", message, token=spoken, metadata=(("accept-language", "zh"),))
    told = await edge.call(wire, "Echo", message, token=token, headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert (told.code, told.reason, told.wait_s) == (direct.code.value[0], direct.reason, direct.retry_after_s)
    assert told.localized == (direct.localized.message if direct.localized else "")
    if token.isascii():
        assert told.message == direct.text
    assert SECRET_TEXT.encode() not in told.http.body
    assert case == "plain status" or told.metadata["x-request-id"]


@pytest.mark.parametrize("wire", STREAMS)
async def test_a_stream_that_fails_keeps_what_came_before(edge, wire):
    told = await edge.call(wire, "Watch", EchoRequest(text="n", act="refuse"))
    assert (told.texts, told.code, told.reason, told.wait_s) == (["n0", "n1", "n2"], 10, "CONFLICT", 1.5)


@pytest.mark.parametrize("wire", STREAMS)
async def test_a_stream_that_is_not_let_in_ends_at_once(edge, wire):
    told = await edge.call(wire, "Watch", token="")
    assert (told.texts, told.code, told.reason) == ([], 16, "TOKEN_MISSING")


STATUSES = {"refuse": 409, "stranger": 404, "lost": 503, "crash": 500}


@pytest.mark.parametrize("act,status", STATUSES.items())
async def test_connect_says_a_code_in_http_too(edge, act, status):
    told = await edge.call("json", "Echo", EchoRequest(act=act))
    assert told.http.status == status


async def test_a_refusal_that_may_be_repeated_says_when_in_a_header_too(edge):
    told = await edge.call("proto", "Echo", EchoRequest(act="refuse"))
    assert told.http.headers["retry-after"] == "2", "seconds are rounded up"
    assert "retry-after" not in (await edge.call("proto", "Echo", EchoRequest(act="nothing"))).http.headers


# --- bad input, wire by wire ---

BAD = {
    "json": (
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}{}", b"\xff\xfe", b'{"text": 1}', b'{"nosuch": 1}',
        b'{"text": "a", "text": "b"}', b'{"delayMs": 3000000000}', b'{"delayMs": "x"}', b'{"text": "\\ud800"}',
        b'{"bounded": ' * 200 + b"1" + b"}" * 200, b"[" * 20_000,
    ),
    "proto": (b"\xff", b"\x12\x05ab", b"\x0a\x02\xff\xff"),
    "connect+json": (b"", b"\0\0\0\0", frame(b""), frame(b"{"), frame(b"{}") * 2, frame(b"{}")[:-1], frame(b"{}", 2)),
    "connect+proto": (b"", frame(b"\xff"), frame(b"", 0x80), frame(b"", 1), b"\0\xff\xff\xff\xff"),
    "grpc-web": (b"", frame(b"\xff"), frame(b"") + b"\0", frame(b"", 0x80), b"\0\xff\xff\xff\xff" + b"x" * 50),
    "grpc-web-text": (b"", b"!", b"AAAA", b"AAAAAAA", b"=", b"\xff" * 9),
}  # fmt: skip


@pytest.mark.parametrize("wire", BAD)
async def test_what_cannot_be_read_is_the_callers_mistake(edge, wire):
    method = "Watch" if wire.startswith("connect+") else "Echo"
    for body in BAD[wire]:
        told = await edge.call(wire, method, body=body)
        assert (told.code, told.reason, told.texts) == (3, "MESSAGE_MALFORMED", []), body
    assert edge.bench.servicer.seen == []


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("value", ["", "-1", "1.5", "x", "1" * 40, "5Q", "S", "123456789S", "²"])
async def test_an_odd_deadline_is_refused(edge, wire, value):
    header = "grpc-timeout" if "web" in wire else "connect-timeout-ms"
    method = "Watch" if wire.startswith("connect+") else "Echo"
    body = request_of(wire, EchoRequest())
    answer = await edge.call(wire, method, body=body, headers={header: value.encode().decode("latin-1")})
    assert answer.reason == "MESSAGE_MALFORMED"


@pytest.mark.parametrize("wire", UNARY)
async def test_a_deadline_reaches_the_handler(edge, wire):
    value = {"grpc-timeout": "60m"} if "web" in wire else {"connect-timeout-ms": "60"}
    told = await edge.call(wire, "Echo", EchoRequest(delay_ms=5000), headers=value)
    assert told.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
    assert edge.bench.servicer.commits == []


@pytest.mark.parametrize("wire", WIRES)
async def test_gzip_is_unpacked_and_others_are_refused_by_name(edge, wire):
    method = "Watch" if wire.startswith("connect+") else "Echo"
    field = {"connect": "connect-content-encoding", "grpc-we": "grpc-encoding"}.get(wire[:7], "content-encoding")
    plain = request_of(wire, EchoRequest(text="n"))
    if wire in {"json", "proto"}:
        packed = gzip.compress(plain)
        told = await edge.call(wire, method, body=packed, headers={field: "gzip"})
        assert told.texts == ["n"]
    told = await edge.call(wire, method, body=plain, headers={field: "br"})
    assert (told.code, "gzip" in told.message, told.texts) == (12, True, [])


@pytest.mark.parametrize("wire", ["connect+proto", "grpc-web"])
async def test_a_message_in_a_frame_may_be_gzipped(edge, wire):
    field = "grpc-encoding" if wire == "grpc-web" else "connect-content-encoding"
    packed = frame(gzip.compress(EchoRequest(text="n").SerializeToString()), 1)
    assert (await edge.call(wire, "Watch", body=packed, headers={field: "gzip"})).texts == ["n0", "n1", "n2"]
    refused = await edge.call(wire, "Watch", body=packed)
    assert refused.reason == "MESSAGE_MALFORMED", "the header does not say by what it is compressed"


@pytest.fixture(scope="module")
def bomb():
    """Little to send, 200 MB to unpack."""
    return gzip.compress(b" " * 200_000_000, 1)


@pytest.mark.parametrize("wire", ["json", "proto", "connect+proto", "grpc-web"])
async def test_a_bomb_is_not_unpacked(edge, wire, bomb):
    method = "Watch" if wire.startswith("connect+") else "Echo"
    body = bomb if wire in {"json", "proto"} else frame(bomb, 1)
    field = {"connect": "connect-content-encoding", "grpc-we": "grpc-encoding"}.get(wire[:7], "content-encoding")
    told = await edge.call(wire, method, body=body, headers={field: "gzip"})
    assert told.reason == "MESSAGE_MALFORMED"


@pytest.mark.parametrize("wire", UNARY)
async def test_a_message_over_its_methods_limit_is_refused_as_over_grpc(edge, wire):
    message = EchoRequest(text="x" * 300_000)
    direct = await edge.bench.refused("Echo", message)
    told = await edge.call(wire, "Echo", message)
    assert (told.code, told.reason) == (direct.code.value[0], direct.reason) == (3, "MESSAGE_MALFORMED")
    assert edge.bench.servicer.seen == []


async def test_what_is_no_rpc_of_ours_is_not_found(edge):
    for path in ("/keelpay.test.v1.EchoService/None", "/x", "/keelpay.test.v1.EchoService/Upload"):
        answer = await ask(edge.url + path, b"{}", headers={"content-type": "application/json"})
        assert (answer.status, answer.json()["code"]) == (404, "unimplemented")


@pytest.mark.parametrize(
    "content,method",
    [("", "Echo"), ("text/plain", "Echo"), ("application/grpc", "Echo"), ("application/grpc-web+json", "Echo"),
     ("application/connect+json", "Echo"), ("application/json", "Watch"), ("application/proto", "Watch")],
)  # fmt: skip
async def test_a_wire_that_does_not_carry_the_method_is_named_the_ones_that_do(edge, content, method):
    answer = await ask(edge.path(method), b"{}", headers={"content-type": content})
    assert answer.status == 415
    offered = answer.headers["accept-post"].split(", ")
    assert content not in offered
    assert "application/grpc-web+proto" in offered


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_call_is_a_post(edge, verb):
    answer = await ask(edge.path("Echo"), b"", method=verb)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_content_types_may_have_parameters_and_any_case(edge):
    body = json.dumps({"text": "n"}).encode()
    headers = edge.headers("json", more={"content-type": "Application/JSON; charset=utf-8"})
    assert (await ask(edge.path("Echo"), body, headers=headers)).json() == {"text": "n"}


async def test_only_listed_headers_become_metadata(edge, monkeypatch):
    passed = []
    stub = edge.server._front.bridge._calls[f"/{ECHO.full_name}/Echo"]

    def spy(raw, *, metadata, timeout):
        passed.extend(metadata)
        return stub(raw, metadata=metadata, timeout=timeout)

    monkeypatch.setitem(edge.server._front.bridge._calls, f"/{ECHO.full_name}/Echo", spy)
    forged = {"x-keelpay-edge": "guess", "x-forwarded-for": "203.0.113.9", "cookie": "a=b", "grpc-trace-bin": "x",
              "x-request-id": "page-4711"}  # fmt: skip
    assert (await edge.call("json", "Echo", headers=forged)).code == 0
    names = [name for name, _ in passed]
    assert sorted(names) == ["authorization", "x-forwarded-for", "x-keelpay-edge", "x-request-id"]
    assert dict(passed)["x-forwarded-for"] == edge.bench.servicer.calls[0].address == "127.0.0.1"
    assert dict(passed)["x-keelpay-edge"] != "guess"


async def test_a_second_credential_empties_both(edge):
    host = edge.url.removeprefix("http://")
    reader, writer = await connected(edge)
    credentials = "authorization: Bearer acme\r\nauthorization: Bearer other\r\n"
    head = f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1\r\nhost: {host}\r\n{credentials}"
    writer.write(f"{head}content-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}".encode())
    assert b"TOKEN_INVALID" in await read_all(reader)


# --- leaving ---


@pytest.mark.parametrize("wire", WIRES)
async def test_a_browser_that_leaves_takes_its_call_along(own_edge, wire):
    edge = own_edge
    method, act = ("Watch", "stay") if wire.startswith("connect+") else ("Echo", "")
    message = EchoRequest(text="n", act=act, delay_ms=60_000)
    async with sent(edge.path(method), request_of(wire, message), headers=edge.headers(wire)):
        await until(lambda: edge.bench.server.load.calls or edge.bench.server.load.watches)
    lines = await edge.logged()
    assert [line["code"] for line in lines if line["message"] == "call"] == ["CANCELLED"]
    assert edge.bench.servicer.commits == []


async def test_a_leaving_server_ends_streams_in_words_and_finishes_calls(own_edge):
    edge = own_edge

    async def stream():
        return await edge.call("connect+json", "Watch", EchoRequest(text="n", act="stay"))

    async def slow():
        return await edge.call("json", "Echo", EchoRequest(text="slow", delay_ms=400))

    watching, calling = asyncio.create_task(stream()), asyncio.create_task(slow())
    await until(lambda: edge.bench.server.load.watches and edge.bench.server.load.calls)
    await edge.server.stop()
    watched, called = await watching, await calling
    assert (watched.texts, watched.reason) == (["n0", "n1", "n2"], "DRAINING")
    assert called.texts == ["slow"]
    with pytest.raises(OSError):
        await ask(edge.path("Echo"), b"{}")


async def test_balancers_may_ask_for_health(edge):
    answer = await ask(f"{edge.url}/grpc.health.v1.Health/Check", b"{}", headers={"content-type": "application/json"})
    assert answer.json() == {"status": "SERVING"}
