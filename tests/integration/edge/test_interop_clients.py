"""Independent clients outside a browser: connectrpc's own for Python over two protocols, and curl."""

import asyncio
import json
import shutil

import pytest
from connectrpc.client import ConnectClient, ResponseMetadata
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType

from tests.integration.rpc.echo import ECHO, EchoRequest, EchoResponse

CODECS = {"json": google_protobuf_json_codec, "binary": google_protobuf_binary_codec}
WAYS = [(ProtocolType.CONNECT, "json"), (ProtocolType.CONNECT, "binary"), (ProtocolType.GRPC_WEB, "binary")]
TOKEN = {"authorization": "Bearer acme"}


def method(name, stream=StreamType.UNARY):
    return MethodInfo(
        name=name, service_name=ECHO.full_name, input=EchoRequest, output=EchoResponse,
        idempotency_level=IdempotencyLevel.UNKNOWN, stream_type=stream,
    )  # fmt: skip


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0].name} {way[1]}")
async def client(request, edge):
    protocol, codec = request.param
    async with ConnectClient(edge.url, protocol=protocol, codec=CODECS[codec]()) as opened:
        yield opened


async def test_unary_calls(client):
    with ResponseMetadata() as metadata:
        answer = await client.execute_unary(
            request=EchoRequest(text="汉字" * 999), method=method("Echo"), headers=TOKEN
        )
    assert answer.text == "汉字" * 999
    everything = {**dict(metadata.headers.items()), **dict(metadata.trailers.items())}
    assert everything["x-keelpay-mode"] == "test"


async def test_streams(client):
    watch = method("Watch", StreamType.SERVER_STREAM)
    answers = client.execute_server_stream(request=EchoRequest(text="n"), method=watch, headers=TOKEN)
    assert [answer.text async for answer in answers] == ["n0", "n1", "n2"]


async def test_refusals(client):
    with pytest.raises(ConnectError) as caught:
        await client.execute_unary(request=EchoRequest(act="refuse"), method=method("Echo"), headers=TOKEN)
    assert (caught.value.code, caught.value.message) == (Code.ABORTED, "try again")
    assert len(caught.value.details) == 3
    with pytest.raises(ConnectError) as caught:
        await client.execute_unary(request=EchoRequest(), method=method("None"), headers=TOKEN)
    assert caught.value.code == Code.UNIMPLEMENTED


async def test_deadlines(client, edge):
    slow = EchoRequest(delay_ms=5000)
    with pytest.raises(ConnectError) as caught:
        await client.execute_unary(request=slow, method=method("Echo"), headers=TOKEN, timeout_ms=100)
    assert caught.value.code == Code.DEADLINE_EXCEEDED
    assert edge.bench.servicer.commits == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_is_client_enough(edge):
    command = ("curl", "-sS", "-H", "content-type: application/json", "-H", "authorization: Bearer acme", "-d", "@-")
    curl = await asyncio.create_subprocess_exec(
        *command, edge.path("Echo"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(curl.communicate('{"text": "咖啡"}'.encode()), 20)
    assert json.loads(out) == {"text": "咖啡"}
